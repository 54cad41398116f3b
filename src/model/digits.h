/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digits of a numeric token, packed like a card number (pan/pan.h). They are no secret: they
 * stand in the clear beside the envelope, which is bound to them.
 */
#ifndef JETON_MODEL_DIGITS_H
#define JETON_MODEL_DIGITS_H

#include "model/sizes.h"

#include <stdint.h>

struct jt_digits {
    uint8_t packed_len; /* JT_PAN_MIN_PACKED to JT_PAN_MAX_PACKED; 0: the card's token is opaque */
    uint8_t packed[JT_PAN_MAX_PACKED];
};

#endif
