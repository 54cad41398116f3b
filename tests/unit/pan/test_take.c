/* SPDX-License-Identifier: Apache-2.0 */
/* Card numbers by the rules of their field: which are taken, as which number, and why others not.
 */
#include "pan/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLAIN .lengths = JT_LENGTHS_ALL
#define RULES(...)         \
    {                      \
        PLAIN, __VA_ARGS__ \
    }
#define EXEMPT(n, val) .n_exempt = 1, .exempt = { { (n), (val) } }

/* Numbers made up for these tests, but for those that schemes publish. */
static const struct {
    struct jt_card_rules rules;
    const char *text;
    const char *taken; /* NULL: not */
    enum jt_pan_fault fault;
} cases[] = {
    /* nobody chose any */
    { { PLAIN }, "4111111111111111", "4111111111111111", 0 },
    { { PLAIN }, "0004111111111111111", "0004111111111111111", 0 },
    { { PLAIN }, "0000000000000000", "0000000000000000", 0 },
    { { PLAIN }, "4111 1111 1111 1111", NULL, JT_PAN_NOT_DIGITS },
    { { PLAIN }, "4111111111111112", NULL, JT_PAN_BAD_LUHN },
    { { PLAIN }, "", NULL, JT_PAN_EMPTY },
    { { PLAIN }, "41111111111", NULL, JT_PAN_TOO_SHORT },
    { { PLAIN }, "41111111111111111111", NULL, JT_PAN_TOO_LONG },
    /* spaces and dashes */
    { RULES(.normalise = true), "4111 1111 1111 1111", "4111111111111111", 0 },
    { RULES(.normalise = true), " 4111-1111--1111-1111 ", "4111111111111111", 0 },
    { RULES(.normalise = true), "4111111111111111", "4111111111111111", 0 },
    { RULES(.normalise = true), "4111.1111.1111.1111", NULL, JT_PAN_NOT_DIGITS },
    { RULES(.normalise = true), "4111\t111111111111", NULL, JT_PAN_NOT_DIGITS },
    { RULES(.normalise = true),
      "4111\xc2\xa0"
      "111111111111",
      NULL, JT_PAN_NOT_DIGITS },
    { RULES(.normalise = true), "", NULL, JT_PAN_EMPTY },
    { RULES(.normalise = true), " - ", NULL, JT_PAN_EMPTY },
    { RULES(.normalise = true), "4111 1111", NULL, JT_PAN_TOO_SHORT },
    { RULES(.normalise = true), "4111 1111 1111 1112", NULL, JT_PAN_BAD_LUHN },
    { RULES(.normalise = true), "41111111 11111111 1111", NULL, JT_PAN_TOO_LONG },
    { RULES(.normalise = true), "4111111111111111 4111111111111111 1", NULL, JT_PAN_TOO_LONG },
    { RULES(.normalise = true), "4111111111111111 4111111111111111 x", NULL, JT_PAN_NOT_DIGITS },
    /* lengths */
    { { .lengths = JT_LENGTHS(15, 16) }, "4111111111111111", "4111111111111111", 0 },
    { { .lengths = JT_LENGTHS(15, 16) }, "378282246310005", "378282246310005", 0 },
    { { .lengths = JT_LENGTHS(15, 16) }, "4222222222222", NULL, JT_PAN_LENGTH_REFUSED },
    { { .lengths = JT_LENGTH(19) }, "4111111111111111", NULL, JT_PAN_LENGTH_REFUSED },
    { { .lengths = JT_LENGTH(12) }, "411111111111", NULL, JT_PAN_BAD_LUHN },
    /* check digits by range */
    { RULES(EXEMPT(2, 62)), "6221558812340000", "6221558812340000", 0 },
    { RULES(EXEMPT(2, 62)), "6221558812340001", "6221558812340001", 0 },
    { RULES(EXEMPT(2, 62)), "4111111111111112", NULL, JT_PAN_BAD_LUHN },
    { RULES(EXEMPT(4, 62)), "6221558812340000", NULL, JT_PAN_BAD_LUHN },
    { RULES(EXEMPT(4, 62)), "0062155881234001", "0062155881234001", 0 },
    { RULES(EXEMPT(8, 62215588)), "6221558812340000", "6221558812340000", 0 },
    { RULES(EXEMPT(8, 62215589)), "6221558812340000", NULL, JT_PAN_BAD_LUHN },
    { { PLAIN }, "6221558812340000", NULL, JT_PAN_BAD_LUHN },
    /* zeros only */
    { RULES(.refuse_all_zeros = true), "0000000000000000", NULL, JT_PAN_ALL_ZEROS },
    { RULES(.refuse_all_zeros = true), "000000000000", NULL, JT_PAN_ALL_ZEROS },
    { RULES(.refuse_all_zeros = true), "0000000000000018", "0000000000000018", 0 },
    { RULES(.refuse_all_zeros = true, .normalise = true), "0000-0000-0000-0000", NULL,
      JT_PAN_ALL_ZEROS },
    { RULES(.refuse_all_zeros = true, EXEMPT(1, 0)), "0000000000000000", NULL, JT_PAN_ALL_ZEROS },
    /* leading zeros are refused */
    { RULES(.zeros = JT_ZEROS_REFUSE), "4111111111111111", "4111111111111111", 0 },
    { RULES(.zeros = JT_ZEROS_REFUSE), "0004111111111111111", NULL, JT_PAN_LEADING_ZEROS },
    { RULES(.zeros = JT_ZEROS_REFUSE), "0000000000000000", NULL, JT_PAN_LEADING_ZEROS },
    { RULES(.zeros = JT_ZEROS_REFUSE), "0411111111x", NULL, JT_PAN_NOT_DIGITS },
    { RULES(.zeros = JT_ZEROS_REFUSE), "04111", NULL, JT_PAN_TOO_SHORT },
    /* leading zeros are stripped, to a length of the scheme */
    { RULES(.zeros = JT_ZEROS_STRIP), "4111111111111111", "4111111111111111", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "0004111111111111111", "4111111111111111", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "0000378282246310005", "378282246310005", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "0000030569309025904", "30569309025904", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "0004222222222222", "4222222222222", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "0005555555555554444", "5555555555554444", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "00000000000000004111111111111111", "4111111111111111", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "000000000000000004111111111111111", NULL, JT_PAN_TOO_LONG },
    { RULES(.zeros = JT_ZEROS_STRIP), "0411111111111116", NULL, JT_PAN_LEADING_ZEROS },
    { RULES(.zeros = JT_ZEROS_STRIP), "411111111111116", "411111111111116", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "0037828224631000", NULL, JT_PAN_LEADING_ZEROS },
    { RULES(.zeros = JT_ZEROS_STRIP), "0000700000000005", "700000000005", 0 },
    { RULES(.zeros = JT_ZEROS_STRIP), "000000000000", NULL, JT_PAN_ALL_ZEROS },
    { RULES(.zeros = JT_ZEROS_STRIP), "0000000000004111", NULL, JT_PAN_TOO_SHORT },
    { RULES(.zeros = JT_ZEROS_STRIP), "0004111111111111112", NULL, JT_PAN_BAD_LUHN },
    { RULES(.zeros = JT_ZEROS_STRIP), "000411111111111111x", NULL, JT_PAN_NOT_DIGITS },
    { RULES(.zeros = JT_ZEROS_STRIP, .normalise = true), "000 4111-1111-1111-1111",
      "4111111111111111", 0 },
    { { .lengths = JT_LENGTH(16), .zeros = JT_ZEROS_STRIP },
      "0004111111111111111",
      "4111111111111111",
      0 },
    { { .lengths = JT_LENGTH(19), .zeros = JT_ZEROS_STRIP },
      "0004111111111111111",
      NULL,
      JT_PAN_LENGTH_REFUSED },
    { RULES(.zeros = JT_ZEROS_STRIP, EXEMPT(2, 62)), "0006221558812340000", "6221558812340000", 0 },
    /* published test numbers */
    { RULES(.refuse_test_cards = true), "4111111111111111", NULL, JT_PAN_TEST_CARD },
    { RULES(.refuse_test_cards = true), "378282246310005", NULL, JT_PAN_TEST_CARD },
    { RULES(.refuse_test_cards = true), "6799990100000000019", NULL, JT_PAN_TEST_CARD },
    { RULES(.refuse_test_cards = true), "0004111111111111111", NULL, JT_PAN_TEST_CARD },
    { RULES(.refuse_test_cards = true), "4111111111111129", "4111111111111129", 0 },
    { RULES(.refuse_test_cards = true), "4111111111111112", NULL, JT_PAN_BAD_LUHN },
    { RULES(.refuse_test_cards = true, EXEMPT(2, 62)), "6221558812340000", NULL, JT_PAN_TEST_CARD },
    { RULES(.refuse_test_cards = true, .zeros = JT_ZEROS_STRIP, .normalise = true),
      "000-4111 1111 1111 1111", NULL, JT_PAN_TEST_CARD },
};

static void check_taken(size_t i, const struct jt_pan *pan)
{
    char digits[JT_PAN_MAX_DIGITS + 1];
    struct jt_pan again;
    assert_int_equal(jt_pan_unpack(pan->packed, pan->packed_len, digits), JT_OK);
    assert_string_equal(digits, cases[i].taken);
    /* a number that comes back from the vault is the same card to it */
    assert_int_equal(jt_pan_take(digits, strlen(digits), &cases[i].rules, true, &again),
                     JT_PAN_GOOD);
    assert_memory_equal(&again, pan, sizeof again);
}

static void each_rule_takes_and_refuses_as_it_says(void **state)
{
    (void)state;
    static const struct jt_pan none;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jt_pan pan;
        const char *text = cases[i].text;
        assert_true(jt_card_rules_valid(&cases[i].rules));
        enum jt_pan_fault fault = jt_pan_take(text, strlen(text), &cases[i].rules, true, &pan);
        if (fault != cases[i].fault) {
            fail_msg("case %zu, \"%s\": %s, not %s", i, text, jt_pan_fault_name(fault),
                     jt_pan_fault_name(cases[i].fault));
        }
        if (fault == JT_PAN_GOOD) {
            check_taken(i, &pan);
        } else {
            assert_memory_equal(&pan, &none, sizeof none);
        }
    }
}

/* The plain rules are those of before there were any to choose. */
static void plain_rules_are_the_parser(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int luhn = 0; luhn <= 1; luhn++) {
            struct jt_pan taken, parsed;
            size_t len = strlen(cases[i].text);
            enum jt_pan_fault fault = jt_pan_parse(cases[i].text, len, luhn != 0, &parsed);
            assert_int_equal(
                jt_pan_take(cases[i].text, len, &jt_card_rules_plain, luhn != 0, &taken), fault);
            if (fault == JT_PAN_GOOD) {
                assert_memory_equal(&taken, &parsed, sizeof taken);
            }
        }
    }
    struct jt_pan pan;
    assert_int_equal(jt_pan_take("4111111111111111\0", 17, &jt_card_rules_plain, true, &pan),
                     JT_PAN_NOT_DIGITS);
}

static void a_field_without_check_digits_has_its_other_rules(void **state)
{
    (void)state;
    const struct jt_card_rules rules = { .lengths = JT_LENGTH(16), .refuse_test_cards = true };
    struct jt_pan pan;
    assert_int_equal(jt_pan_take("4111111111111112", 16, &rules, false, &pan), JT_PAN_GOOD);
    assert_int_equal(jt_pan_take("4111111111111111", 16, &rules, false, &pan), JT_PAN_TEST_CARD);
    assert_int_equal(jt_pan_take("411111111111111", 15, &rules, false, &pan),
                     JT_PAN_LENGTH_REFUSED);
}

static const uint64_t test_cards[] = {
#define JT_TEST_CARD(number) number##u,
#include "pan/test_cards.def"
#undef JT_TEST_CARD
};

static void every_test_card_is_known_and_in_order(void **state)
{
    (void)state;
    const struct jt_card_rules rules = RULES(.refuse_test_cards = true, .zeros = JT_ZEROS_STRIP);
    size_t n_unchecked = 0;
    for (size_t i = 0; i < sizeof test_cards / sizeof test_cards[0]; i++) {
        char digits[24];
        struct jt_pan pan;
        int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)test_cards[i]);
        assert_in_range(len, JT_PAN_MIN_DIGITS, JT_PAN_MAX_DIGITS);
        assert_true(i == 0 || test_cards[i - 1] < test_cards[i]);
        assert_int_equal(jt_pan_take(digits, (size_t)len, &rules, false, &pan), JT_PAN_TEST_CARD);
        /* UnionPay publishes numbers without a check digit */
        bool unchecked = !jt_pan_luhn_ok(digits, (size_t)len);
        assert_true(!unchecked || memcmp(digits, "62", 2) == 0);
        n_unchecked += unchecked;
    }
    assert_true(n_unchecked <= 3);
}

static const struct {
    uint32_t low, high;
    uint8_t lengths;
} schemes[] = {
#define JT_SCHEME(low, high, lengths) { low, high, lengths },
#include "pan/schemes.def"
#undef JT_SCHEME
};

static void schemes_ascend_and_do_not_overlap(void **state)
{
    (void)state;
    uint32_t end = 100000;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        assert_true(schemes[i].low >= end && schemes[i].high > schemes[i].low);
        assert_true(schemes[i].lengths != 0);
        end = schemes[i].high + 1;
    }
    assert_true(end <= 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_takes_and_refuses_as_it_says),
        cmocka_unit_test(plain_rules_are_the_parser),
        cmocka_unit_test(a_field_without_check_digits_has_its_other_rules),
        cmocka_unit_test(every_test_card_is_known_and_in_order),
        cmocka_unit_test(schemes_ascend_and_do_not_overlap),
    };
    return cmocka_run_group_tests_name("pan/take", tests, NULL, NULL);
}
