/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/order.h"

#include <string.h>

#define PASSES \
    6 /* two bytes of the fingerprint, then the four of the field, least significant first */

struct keys {
    const struct jt_seal_item *items;
    const uint8_t (*fingerprints)[JT_FINGERPRINT_LEN];
};

static uint8_t digit_of(const struct keys *k, size_t at, size_t pass)
{
    return pass < 2 ? k->fingerprints[at][1 - pass]
                    : (uint8_t)(k->items[at].field >> 8 * (pass - 2));
}

/* One pass of a radix sort, stable; left out where all places have the same digit. */
static void distribute(struct jt_order *o, const struct keys *k, size_t pass)
{
    uint16_t start[257] = { 0 };
    for (size_t i = 0; i < o->n; i++) {
        start[digit_of(k, o->at[i], pass) + 1]++;
    }
    if (start[digit_of(k, o->at[0], pass) + 1] == o->n) {
        return;
    }
    for (size_t d = 1; d < 257; d++) {
        start[d] = (uint16_t)(start[d] + start[d - 1]);
    }
    for (size_t i = 0; i < o->n; i++) {
        o->spare[start[digit_of(k, o->at[i], pass)]++] = o->at[i];
    }
    memcpy(o->at, o->spare, o->n * sizeof o->at[0]);
}

static bool after(const struct keys *k, size_t a, size_t b)
{
    uint32_t field_a = k->items[a].field;
    uint32_t field_b = k->items[b].field;
    return field_a != field_b
               ? field_a > field_b
               : memcmp(k->fingerprints[a], k->fingerprints[b], JT_FINGERPRINT_LEN) > 0;
}

void jt_order_sort(struct jt_order *o, const struct jt_seal_item *items,
                   const uint8_t (*fingerprints)[JT_FINGERPRINT_LEN])
{
    const struct keys k = { items, fingerprints };
    for (size_t pass = 0; pass < PASSES && o->n > 1; pass++) {
        distribute(o, &k, pass);
    }
    /*
     * What agrees in the first two bytes lies side by side now: little is left to be moved, and
     * never far.
     */
    for (size_t i = 1; i < o->n; i++) {
        uint16_t at = o->at[i];
        size_t to = i;
        for (; to > 0 && after(&k, o->at[to - 1], at); to--) {
            o->at[to] = o->at[to - 1];
        }
        o->at[to] = at;
    }
}
