/* SPDX-License-Identifier: Apache-2.0 */
/* What the lists of all batch verbs have in common; each verb's own test has its items. */
#include "wire/items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MAX 4

static uint32_t numbers[MAX];

/* Even numbers only, and none above *arg. */
static void decode_even(struct jt_reader *in, const void *arg, void *item)
{
    const uint32_t *highest = arg;
    uint32_t *number = item;
    *number = jt_reader_u32(in);
    in->bad = in->bad || *number % 2 != 0 || *number > *highest;
}

static const uint32_t highest = 100;
static const struct jt_wire_list list = { numbers, sizeof numbers[0], decode_even, &highest };

/* A list that says it has `n` and has `real` of them, the last one being `last`. */
static struct jt_buf message(uint16_t n, size_t real, uint32_t last)
{
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_buf_u16(&b, n);
    for (size_t i = 0; i + 1 < real; i++) {
        jt_buf_u32(&b, 2 * (uint32_t)i);
    }
    if (real > 0) {
        jt_buf_u32(&b, last);
    }
    return b;
}

static enum jt_err items(uint16_t n, size_t real, uint32_t last, size_t *count)
{
    struct jt_buf b = message(n, real, last);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    enum jt_err err = jt_wire_items_decode(&in, &list, MAX, count);
    jt_buf_clear(&b);
    return err;
}

static void a_request_has_as_many_items_as_it_says(void **state)
{
    (void)state;
    size_t n;
    assert_int_equal(items(0, 0, 0, &n), JT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(items(MAX, MAX, 100, &n), JT_OK);
    assert_int_equal(n, MAX);
    assert_int_equal(numbers[1], 2);
    assert_int_equal(numbers[3], 100);
    assert_int_equal(items(3, 2, 8, &n), JT_ERR_PROTOCOL);
    assert_int_equal(items(2, 3, 8, &n), JT_ERR_PROTOCOL);
    assert_int_equal(items(2, 2, 7, &n), JT_ERR_PROTOCOL); /* the decoder says no */
    assert_int_equal(n, 0);
    assert_int_equal(items(2, 2, 102, &n), JT_ERR_PROTOCOL);
    assert_int_equal(items(MAX + 1, MAX + 1, 8, &n), JT_ERR_LIMIT);
    assert_int_equal(n, 0);
}

static void a_reply_has_as_many_results_as_were_asked(void **state)
{
    (void)state;
    size_t n;
    for (size_t asked = 1; asked <= 3; asked++) {
        struct jt_buf b = message(2, 2, 8);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_wire_results_decode(&in, &list, asked, &n),
                         asked == 2 ? JT_OK : JT_ERR_PROTOCOL);
        assert_int_equal(n, asked == 2 ? 2 : 0);
        jt_buf_clear(&b);
    }
}

static void more_items_than_the_bound_are_not_sent(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 100);
    assert_true(jt_wire_n_encode(MAX, MAX, &b));
    assert_int_equal(b.len, 2);
    assert_false(jt_wire_n_encode(MAX + 1, MAX, &b));
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void an_item_has_a_reason_that_makes_sense(void **state)
{
    (void)state;
    static const enum jt_err reasons[] = { JT_ERR_DECRYPT, JT_OK };
    for (unsigned number = 0; number < 256; number++) {
        uint8_t byte = (uint8_t)number;
        struct jt_reader in = jt_reader_init(&byte, 1);
        enum jt_err err = jt_wire_item_reason(&in, reasons);
        bool sense = number == JT_OK || number == JT_ERR_DECRYPT ||
                     (jt_err_known(byte) && jt_err_class((enum jt_err)number) == JT_CLASS_REFRESH);
        assert_int_equal(in.bad, !sense);
        assert_true(!sense || err == (enum jt_err)number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_as_many_items_as_it_says),
        cmocka_unit_test(a_reply_has_as_many_results_as_were_asked),
        cmocka_unit_test(more_items_than_the_bound_are_not_sent),
        cmocka_unit_test(an_item_has_a_reason_that_makes_sense),
    };
    return cmocka_run_group_tests_name("wire/items", tests, NULL, NULL);
}
