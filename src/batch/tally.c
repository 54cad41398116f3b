/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/tally.h"

#include <string.h>

#define OPAQUE_PREFIX "jtk_"
#define OPAQUE_LEN    30
#define LEADING       6
#define LAST          4
#define HIDES         '*' /* in place of a digit of a masked number */
#define HIDDEN        4   /* digits at least that no total has */

bool jt_tally_is_opaque(const char *text, size_t len)
{
    size_t prefix = sizeof OPAQUE_PREFIX - 1;
    if (len != OPAQUE_LEN || memcmp(text, OPAQUE_PREFIX, prefix) != 0) {
        return false;
    }
    for (size_t i = prefix; i < len; i++) {
        bool plain = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z');
        if (!plain) {
            return false;
        }
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* FNV-1a: draft-eastlake-fnv. */
static uint64_t checksum(const char *text, size_t len)
{
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ (uint8_t)text[i]) * 16777619u;
    }
    return sum;
}

uint64_t jt_tally_weight(const char *text, size_t len)
{
    if (jt_tally_is_opaque(text, len)) {
        return checksum(text, len);
    }
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++) {
        n_digits += is_digit(text[i]) || text[i] == HIDES;
    }
    if (n_digits < LAST + HIDDEN) {
        return 0; /* no card and no token */
    }
    size_t leading = n_digits - LAST - HIDDEN < LEADING ? n_digits - LAST - HIDDEN : LEADING;
    uint64_t weight = 0;
    for (size_t i = 0, digit = 0; i < len; i++) {
        if (is_digit(text[i]) || text[i] == HIDES) {
            if (is_digit(text[i]) && (digit < leading || digit >= n_digits - LAST)) {
                weight = weight * 10 + (uint64_t)(text[i] - '0');
            }
            digit++;
        }
    }
    return weight;
}

void jt_tally_add(uint64_t *total, uint64_t weight)
{
    *total = (*total + weight) % JT_TALLY_MODULUS;
}

enum jt_message jt_tally_balance(const struct jt_tally *tally)
{
    uint64_t n_reasons = 0;
    for (size_t i = 0; i < JT_MSG_END; i++) {
        n_reasons += tally->reasons[i];
    }
    if (tally->n_read != tally->n_written + tally->n_passed + tally->n_rejected ||
        n_reasons != tally->n_rejected) {
        return JT_MSG_OUT_OF_BALANCE;
    }
    for (size_t i = 0; i < tally->n_fields; i++) {
        const struct jt_tally_field *f = &tally->fields[i];
        if (f->total_in != (f->total_kept + f->total_rejected) % JT_TALLY_MODULUS) {
            return JT_MSG_TOTALS_DIFFER;
        }
    }
    return JT_MSG_NONE;
}

enum jt_message jt_tally_reason(const char *name)
{
    for (enum jt_message m = JT_MSG_NONE + 1; m < JT_MSG_END; m++) {
        if (jt_message_name(m)[0] != '\0' && strcmp(jt_message_name(m), name) == 0) {
            return m;
        }
    }
    return JT_MSG_REFUSED;
}
