/* SPDX-License-Identifier: Apache-2.0 */
/* docs/openapi.json as it was when this program was built (docs/embed-openapi.sh). */
#ifndef JETON_API_OPENAPI_H
#define JETON_API_OPENAPI_H

#include <stddef.h>

extern const char jt_openapi_text[]; /* without its last line feed */
extern const size_t jt_openapi_len;
extern const char jt_openapi_etag[]; /* RFC 9110 section 8.8.3, in its quotes */

#endif
