/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pan/generator.h: the file that demonstrations and benchmarks rest on has the properties that its
 * header states.
 */
#include "pan/generator.h"
#include "pan/pan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum jt_pan_fault fault_of(const struct jt_generator_row *row)
{
    struct jt_pan pan;
    return jt_pan_parse(row->pan, strlen(row->pan), true, &pan);
}

static void a_seed_is_a_file(void **state)
{
    (void)state;
    struct jt_generator a, b, c;
    struct jt_generator_row ra = { 0 }, rb = { 0 }, rc = { 0 };
    jt_generator_init(&a, 7, 2000, 20);
    jt_generator_init(&b, 7, 2000, 20);
    jt_generator_init(&c, 8, 2000, 20);
    int same_as_other_seed = 0;
    while (jt_generator_next(&a, &ra)) {
        assert_true(jt_generator_next(&b, &rb));
        assert_true(jt_generator_next(&c, &rc));
        assert_string_equal(ra.pan, rb.pan);
        assert_int_equal(ra.amount_cents, rb.amount_cents);
        same_as_other_seed += strcmp(ra.pan, rc.pan) == 0;
    }
    assert_false(jt_generator_next(&b, &rb));
    assert_true(same_as_other_seed < 100);
}

/*
 * Files made by another version of this program must stay what they were: benchmarks compare them.
 */
static void the_first_rows_of_seed_1_never_change(void **state)
{
    (void)state;
    static const char *const first[] = {
        "4111111111111111", "6296350560686734", "6011060850918937", "4363337853811791",
        "5460546290773195", "4031462711202264", "2428908885438741", "5296184365764210",
    };
    struct jt_generator g;
    struct jt_generator_row row;
    jt_generator_init(&g, 1, 100000, 0);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        assert_true(jt_generator_next(&g, &row));
        assert_string_equal(row.pan, first[i]);
    }
}

static void bad_rows_are_exactly_those_that_parsing_refuses(void **state)
{
    (void)state;
    struct jt_generator g;
    struct jt_generator_row row;
    int by_fault[JT_PAN_BAD_LUHN + 1] = { 0 };
    jt_generator_init(&g, 3, 20000, 700);
    while (jt_generator_next(&g, &row)) {
        assert_int_equal(fault_of(&row) != JT_PAN_GOOD, row.bad);
        by_fault[fault_of(&row)]++;
    }
    assert_int_equal(by_fault[JT_PAN_GOOD], 19300);
    assert_int_equal(by_fault[JT_PAN_NOT_DIGITS], 300);
    assert_int_equal(by_fault[JT_PAN_TOO_SHORT], 100);
    assert_int_equal(by_fault[JT_PAN_TOO_LONG], 100);
    assert_int_equal(by_fault[JT_PAN_BAD_LUHN], 100);
    assert_int_equal(by_fault[JT_PAN_EMPTY], 100);
}

static void cards_repeat_as_in_payment_files(void **state)
{
    (void)state;
    enum { N = 100000 };
    static char pans[N][JT_GENERATOR_PAN_LEN];
    struct jt_generator g;
    struct jt_generator_row row;
    int by_length[JT_PAN_MAX_DIGITS + 1] = { 0 };
    jt_generator_init(&g, 1, N, 0);
    for (size_t i = 0; jt_generator_next(&g, &row); i++) {
        memcpy(pans[i], row.pan, sizeof row.pan);
        by_length[strlen(row.pan)]++;
        assert_true(row.amount_cents >= 1 && row.amount_cents <= 131072);
    }
    for (size_t len = JT_PAN_MIN_DIGITS; len <= JT_PAN_MAX_DIGITS; len++) {
        assert_true(by_length[len] > 100);
    }
    qsort(pans, N, sizeof pans[0], compare);
    int distinct = 0, most = 0, run = 0;
    for (size_t i = 0; i < N; i++) {
        bool fresh = i == 0 || strcmp(pans[i], pans[i - 1]) != 0;
        distinct += fresh;
        run = fresh ? 1 : run + 1;
        most = run > most ? run : most;
    }
    assert_in_range(distinct, 55000, 65000);
    assert_in_range(most, 1000, 5000); /* the commonest card: one row in some tens */
}

static void every_file_holds_the_test_numbers_and_all_lengths(void **state)
{
    (void)state;
    static const char *const published[] = {
        "4111111111111111", "4012888888881881", "4222222222222",   "5555555555554444",
        "5105105105105100", "2223003122003222", "378282246310005", "371449635398431",
        "6011111111111117", "30569309025904",   "38520000023237",  "3530111333300000",
        "6200000000000005", "6759649826438453",
    };
    static const uint64_t sizes[][2] = {
        { JT_GENERATOR_N_SURE, 0 }, { 100, 74 }, { 1000, 10 }, { 30000, 29900 }
    };
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct jt_generator g;
        struct jt_generator_row row;
        unsigned lengths = 0, numbers = 0;
        jt_generator_init(&g, s, sizes[s][0], sizes[s][1]);
        while (jt_generator_next(&g, &row)) {
            if (row.bad) {
                continue;
            }
            lengths |= 1u << strlen(row.pan);
            for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
                numbers |= (unsigned)(strcmp(row.pan, published[i]) == 0) << i;
            }
        }
        assert_int_equal(lengths, 0xff000);
        assert_int_equal(numbers, (1u << sizeof published / sizeof published[0]) - 1);
    }
}

static void tiny_and_all_bad_files(void **state)
{
    (void)state;
    struct jt_generator g;
    struct jt_generator_row row;
    jt_generator_init(&g, 1, 0, 5);
    assert_false(jt_generator_next(&g, &row));
    jt_generator_init(&g, 1, 1, 0);
    assert_true(jt_generator_next(&g, &row));
    assert_false(row.bad);
    assert_false(jt_generator_next(&g, &row));
    jt_generator_init(&g, 1, 50, 1000);
    int bad = 0;
    while (jt_generator_next(&g, &row)) {
        bad += row.bad;
    }
    assert_int_equal(bad, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_is_a_file),
        cmocka_unit_test(the_first_rows_of_seed_1_never_change),
        cmocka_unit_test(bad_rows_are_exactly_those_that_parsing_refuses),
        cmocka_unit_test(cards_repeat_as_in_payment_files),
        cmocka_unit_test(every_file_holds_the_test_numbers_and_all_lengths),
        cmocka_unit_test(tiny_and_all_bad_files),
    };
    return cmocka_run_group_tests_name("pan/generator", tests, NULL, NULL);
}
