/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed set of honey marks, as database, wire and keeper's directory have it. */
#ifndef JETON_MODEL_HONEY_H
#define JETON_MODEL_HONEY_H

#include <stdint.h>

#define JT_HONEY_MAX 1024 /* marks */

/*
 * Header, tag, and always room for all marks, so that nobody sees how many there are. The bytes:
 * docs/data-format.md.
 */
#define JT_HONEY_HEADER_LEN 20
#define JT_HONEY_BODY_LEN   (2 + JT_HONEY_MAX * (4 + 8))
#define JT_HONEY_SEALED_LEN (JT_HONEY_HEADER_LEN + 16 + JT_HONEY_BODY_LEN)

struct jt_honey_sealed {
    uint16_t len; /* JT_HONEY_SEALED_LEN; 0: no set was made yet */
    uint8_t bytes[JT_HONEY_SEALED_LEN];
};

#endif
