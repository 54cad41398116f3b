/* SPDX-License-Identifier: Apache-2.0 */
/* Media types: RFC 9110 section 8.3.1. */
#ifndef JETON_HTTP_MEDIA_H
#define JETON_HTTP_MEDIA_H

#include "http/host.h"

/*
 * Whether the value of a Content-Type is application/json. Parameters are checked for their form
 * and ignored: JSON defines none, a charset included (RFC 8259 section 11).
 */
bool jt_media_is_json(struct jt_slice value);

#endif
