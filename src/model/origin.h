/* SPDX-License-Identifier: Apache-2.0 */
/* Which request something belongs to, and where that came from: for audit rows and log lines. */
#ifndef JETON_MODEL_ORIGIN_H
#define JETON_MODEL_ORIGIN_H

#include "model/sizes.h"

#include <stdint.h>

struct jt_origin {
    uint8_t request[JT_REQUEST_ID_LEN]; /* zeroes: of no request, as what a duty does by itself */
    uint8_t source[JT_SOURCE_MAX];      /* an IPv4 or IPv6 address in network order */
    uint8_t source_len;                 /* 4, 16, or 0: none */
};

#endif
