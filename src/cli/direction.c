/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two directions of a card file: what is sent, what comes back, and what is refused without
 * asking.
 */
#include "cli/portion.h"
#include "pan/pan.h"

#include <stddef.h>

static const char *pan_fault(const char *value, size_t len)
{
    struct jt_pan unused; /* stays empty: only what has a fault is asked about */
    return jt_pan_fault_name(jt_pan_parse(value, len, true, &unused));
}

static const char *token_fault(const char *value, size_t len)
{
    (void)value;
    (void)len;
    return "token-malformed";
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

static bool is_pan(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9') {
            return false;
        }
    }
    return len >= JT_PAN_MIN_DIGITS && len <= JT_PAN_MAX_DIGITS;
}

const struct jt_direction jt_direction_tokenize = { "tokenize", "pan",    "token",
                                                    pan_fault,  is_token, NULL };
const struct jt_direction jt_direction_detokenize = { "detokenize", "token", "pan",
                                                      token_fault,  is_pan,  NULL };
