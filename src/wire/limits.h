/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of the keeper protocol, shared by both sides. */
#ifndef JETON_WIRE_LIMITS_H
#define JETON_WIRE_LIMITS_H

#include "model/sizes.h"

#define JT_WIRE_VERSION       11
#define JT_WIRE_MAX_FRAME     (4u << 20) /* bytes after the length field */
#define JT_WIRE_MAX_ITEMS     8192       /* in one batch verb */
#define JT_WIRE_MAX_PROBED    16         /* draining ones, and retired ones that were asked for */
#define JT_WIRE_MAX_JOIN_ROWS 4096       /* in NODE_JOIN */

#endif
