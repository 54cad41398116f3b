/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which cards are written: that of the database's own index, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/sorted.h"

#include <string.h>

#define N 500

static uint8_t fingerprints[N][16];
static uint32_t fields[N];

static int by_bytes(uint32_t a, uint32_t b)
{
    if (fields[a] != fields[b]) {
        return fields[a] < fields[b] ? -1 : 1;
    }
    return memcmp(fingerprints[a], fingerprints[b], 16);
}

static void cards_sort_by_field_then_fingerprint(void **state)
{
    (void)state;
    struct jt_sorted keys[N];
    uint32_t seed = 1;
    for (uint32_t i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        fields[i] = 1 + (seed >> 30);
        /*
         * Few distinct values in few places, so that every byte decides somewhere and some cards
         * are equal.
         */
        fingerprints[i][seed >> 12 & 15] = (uint8_t)(seed >> 16 & 3 ? 0x80 : 0xff);
        fingerprints[i][seed >> 20 & 15] ^= (uint8_t)(seed >> 24);
        keys[i] = jt_sorted_key(fields[i], fingerprints[i], i);
    }
    jt_sorted_sort(keys, N);
    bool met[N] = { false };
    for (uint32_t k = 0; k < N; k++) {
        assert_false(met[keys[k].index]);
        met[keys[k].index] = true;
        if (k > 0) {
            int order = by_bytes(keys[k - 1].index, keys[k].index);
            assert_true(order <= 0);
            assert_int_equal(jt_sorted_same(&keys[k - 1], &keys[k]), order == 0);
            assert_true(order < 0 || keys[k - 1].index < keys[k].index);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(cards_sort_by_field_then_fingerprint) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
