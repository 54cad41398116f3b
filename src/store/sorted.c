/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sorted.h"

#include "base/buf.h"

#include <stdlib.h>

/* Two halves of 64 bits are all of it. */
_Static_assert(JT_FINGERPRINT_LEN == 16, "high and low");

struct jt_sorted jt_sorted_key(uint32_t field, const uint8_t fingerprint[static JT_FINGERPRINT_LEN],
                               uint32_t index)
{
    return (struct jt_sorted){ .field = field,
                               .index = index,
                               .high = jt_get_u64(fingerprint),
                               .low = jt_get_u64(fingerprint + 8) };
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare(const void *left, const void *right)
{
    const struct jt_sorted *a = left, *b = right;
    int order = compare_u64(a->field, b->field);
    if (order == 0) {
        order = compare_u64(a->high, b->high);
    }
    return order != 0 ? order : compare_u64(a->low, b->low);
}

bool jt_sorted_same(const struct jt_sorted *a, const struct jt_sorted *b)
{
    return compare(a, b) == 0;
}

static int compare_all(const void *left, const void *right)
{
    const struct jt_sorted *a = left, *b = right;
    int order = compare(a, b);
    return order != 0 ? order : compare_u64(a->index, b->index);
}

void jt_sorted_sort(struct jt_sorted *keys, size_t n)
{
    qsort(keys, n, sizeof *keys, compare_all);
}
