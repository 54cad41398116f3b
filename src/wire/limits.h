/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of the keeper protocol, shared by both sides. */
#ifndef JETON_WIRE_LIMITS_H
#define JETON_WIRE_LIMITS_H

#include "model/sizes.h"

#define JT_WIRE_VERSION         3
#define JT_WIRE_MAX_FRAME       (4u << 20) /* bytes after the length field */
#define JT_WIRE_MAX_ITEMS       8192       /* in one batch verb */
#define JT_WIRE_MAX_PROBED      16         /* draining ones, and retired ones that were asked for */
#define JT_WIRE_MAX_JOIN_ROWS   4096       /* in NODE_JOIN */
#define JT_WIRE_FINGERPRINT_LEN 16
#define JT_WIRE_TOKEN_LEN       16
#define JT_WIRE_ID_LEN          8                      /* as a row-id; its value is 1 to 2^63 - 1 */
#define JT_WIRE_PAN_MIN         6                      /* packed BCD: 12 digits */
#define JT_WIRE_PAN_MAX         10                     /* packed BCD: 19 digits */
#define JT_WIRE_ENVELOPE_MIN    (17 + JT_WIRE_PAN_MIN) /* of a PAN */
#define JT_WIRE_ENVELOPE_MAX    (17 + JT_WIRE_PAN_MAX)

#endif
