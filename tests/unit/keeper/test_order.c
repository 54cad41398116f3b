/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_order order;
static struct jt_seal_item items[JT_WIRE_MAX_ITEMS];
static uint8_t fingerprints[JT_WIRE_MAX_ITEMS][JT_FINGERPRINT_LEN];

/* xorshift64*: the same cases on every machine. */
static uint64_t next_random(void)
{
    static uint64_t state = 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dULL;
}

static int compare(size_t a, size_t b)
{
    if (items[a].field != items[b].field) {
        return items[a].field < items[b].field ? -1 : 1;
    }
    return memcmp(fingerprints[a], fingerprints[b], JT_FINGERPRINT_LEN);
}

static void check_sorted(size_t n)
{
    static bool seen[JT_WIRE_MAX_ITEMS];
    memset(seen, 0, sizeof seen);
    assert_int_equal(order.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_false(seen[order.at[i]]);
        seen[order.at[i]] = true;
        assert_true(i == 0 || compare(order.at[i - 1], order.at[i]) <= 0);
    }
}

static void sort_first(size_t n)
{
    order.n = n;
    for (size_t i = 0; i < n; i++) {
        order.at[i] = (uint16_t)i;
    }
    jt_order_sort(&order, items, (const uint8_t(*)[JT_FINGERPRINT_LEN])fingerprints);
    check_sorted(n);
}

/* `spread` bits of a fingerprint's beginning vary, and all of its end. */
static void fill(uint32_t n_fields, unsigned spread)
{
    for (size_t i = 0; i < JT_WIRE_MAX_ITEMS; i++) {
        uint64_t high = spread == 0 ? 0 : next_random() >> (64 - spread);
        uint64_t low = next_random();
        items[i].field = n_fields == 0 ? (uint32_t)next_random()
                                       : (uint32_t)(next_random() % n_fields) * 0x01000193u;
        memcpy(fingerprints[i], &high, 8);
        memcpy(fingerprints[i] + 8, &low, 8);
    }
}

static void batches_are_sorted_by_field_and_fingerprint(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 2, 3, 100, 2000, JT_WIRE_MAX_ITEMS };
    static const uint32_t fields[] = { 1, 2, 300, 0 };
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        fill(fields[f], 64);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            sort_first(sizes[i]);
        }
    }
}

static void equal_beginnings_and_equal_cards_are_sorted_too(void **state)
{
    (void)state;
    fill(2, 0);
    sort_first(1000);
    fill(1, 3);
    sort_first(1000);
    memset(fingerprints, 7, sizeof fingerprints);
    sort_first(JT_WIRE_MAX_ITEMS);
}

static void only_the_places_given_are_sorted(void **state)
{
    (void)state;
    fill(3, 64);
    order.n = 3;
    order.at[0] = 8000;
    order.at[1] = 5;
    order.at[2] = 77;
    order.at[3] = 1234;
    jt_order_sort(&order, items, (const uint8_t(*)[JT_FINGERPRINT_LEN])fingerprints);
    check_sorted(3);
    assert_int_equal(order.at[0] + order.at[1] + order.at[2], 8082);
    assert_int_equal(order.at[3], 1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_sorted_by_field_and_fingerprint),
        cmocka_unit_test(equal_beginnings_and_equal_cards_are_sorted_too),
        cmocka_unit_test(only_the_places_given_are_sorted),
    };
    return cmocka_run_group_tests_name("keeper/order", tests, NULL, NULL);
}
