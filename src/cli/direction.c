/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directions of a card file: what is sent, what comes back, and what is refused without asking.
 */
#include "base/secmem.h"
#include "cli/portion.h"
#include "pan/pan.h"

#include <stddef.h>

#define HIDDEN_MIN 4

static enum jt_message pan_fault(const char *value, size_t len)
{
    struct jt_pan pan;
    enum jt_pan_fault fault = jt_pan_parse(value, len, true, &pan);
    jt_wipe(&pan, sizeof pan);
    return fault == JT_PAN_GOOD ? JT_MSG_NOT_SENDABLE : jt_tally_reason(jt_pan_fault_name(fault));
}

static enum jt_message token_fault(const char *value, size_t len)
{
    (void)value;
    (void)len;
    return JT_MSG_TOKEN_MALFORMED;
}

static bool is_token(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool plain = (value[i] >= '0' && value[i] <= '9') || (value[i] >= 'a' && value[i] <= 'z') ||
                     value[i] == '_';
        if (!plain) {
            return false;
        }
    }
    return len > 0 && len <= 64;
}

static bool is_digits(const char *value, size_t len, bool stars_too)
{
    for (size_t i = 0; i < len; i++) {
        if ((value[i] < '0' || value[i] > '9') && !(stars_too && value[i] == '*')) {
            return false;
        }
    }
    return len >= JT_PAN_MIN_DIGITS && len <= JT_PAN_MAX_DIGITS;
}

static bool is_pan(const char *value, size_t len)
{
    return is_digits(value, len, false);
}

/* Whatever is shown of a number, four digits of it never are. */
static bool is_masked_pan(const char *value, size_t len)
{
    size_t n_stars = 0;
    for (size_t i = 0; i < len; i++) {
        n_stars += value[i] == '*';
    }
    return n_stars >= HIDDEN_MIN && is_digits(value, len, true);
}

/* Masks a card number here, its check digit right or wrong: it goes nowhere. */
static enum jt_message mask(const char *value, size_t len, char *out, size_t *out_len)
{
    struct jt_pan pan;
    enum jt_pan_fault fault = jt_pan_parse(value, len, false, &pan);
    enum jt_err err =
        fault != JT_PAN_GOOD ? JT_OK : jt_pan_mask(pan.packed, pan.packed_len, false, out, out_len);
    jt_wipe(&pan, sizeof pan);
    return fault != JT_PAN_GOOD ? jt_tally_reason(jt_pan_fault_name(fault))
           : err != JT_OK       ? JT_MSG_NOT_SENDABLE
                                : JT_MSG_NONE;
}

const struct jt_direction jt_direction_tokenize = { .verb = "tokenize",
                                                    .path = "tokenize",
                                                    .member_in = "pan",
                                                    .member_out = "token",
                                                    .stores = true,
                                                    .fault = pan_fault,
                                                    .result_ok = is_token,
                                                    .values_in = "card numbers",
                                                    .values_out = "tokens" };
const struct jt_direction jt_direction_detokenize = { .verb = "detokenize",
                                                      .path = "detokenize",
                                                      .member_in = "token",
                                                      .member_out = "pan",
                                                      .fault = token_fault,
                                                      .result_ok = is_pan,
                                                      .values_in = "tokens",
                                                      .values_out = "card numbers" };
const struct jt_direction jt_direction_mask = { .verb = "mask",
                                                .path = "detokenize",
                                                .member_in = "token",
                                                .member_out = "masked_pan",
                                                .masked = true,
                                                .fault = token_fault,
                                                .result_ok = is_masked_pan,
                                                .values_in = "tokens",
                                                .values_out = "masked card numbers" };
const struct jt_direction jt_direction_mask_cards = { .verb = "mask",
                                                      .fault = pan_fault,
                                                      .result_ok = is_masked_pan,
                                                      .make = mask,
                                                      .values_in = "card numbers",
                                                      .values_out = "masked card numbers" };
