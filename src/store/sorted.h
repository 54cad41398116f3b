/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one order in which every transaction writes cards: by field, then fingerprint. Two batches
 * that share cards then wait for one another at the first shared one instead of deadlocking.
 */
#ifndef JETON_STORE_SORTED_H
#define JETON_STORE_SORTED_H

#include "model/sizes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jt_sorted {
    uint32_t field;
    uint32_t index;     /* the caller's; of the same cards, the lower comes first */
    uint64_t high, low; /* the fingerprint as two big-endian numbers */
};

struct jt_sorted jt_sorted_key(uint32_t field, const uint8_t fingerprint[static JT_FINGERPRINT_LEN],
                               uint32_t index);
/* Whether field and fingerprint agree: the same card. */
bool jt_sorted_same(const struct jt_sorted *a, const struct jt_sorted *b);
void jt_sorted_sort(struct jt_sorted *keys, size_t n);

#endif
