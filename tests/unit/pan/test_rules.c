/* SPDX-License-Identifier: Apache-2.0 */
/* The card rules of a field as values and as bytes: one form for one meaning, and no other taken.
 */
#include "model/sizes.h"
#include "pan/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_pan_prefix prefix(const char *text)
{
    struct jt_pan_prefix p;
    assert_true(jt_pan_prefix_parse(text, strlen(text), &p));
    return p;
}

static struct jt_card_rules some_rules(void)
{
    return (struct jt_card_rules){ .lengths = JT_LENGTH(15) | JT_LENGTHS(16, 19),
                                   .zeros = JT_ZEROS_STRIP,
                                   .refuse_test_cards = true,
                                   .n_exempt = 3,
                                   .exempt = { prefix("012"), prefix("62"), prefix("81719999") } };
}

static void the_plain_rules_have_no_bytes(void **state)
{
    (void)state;
    uint8_t bytes[JT_CARD_RULES_MAX];
    struct jt_card_rules back;
    assert_true(jt_card_rules_valid(&jt_card_rules_plain));
    assert_int_equal(jt_card_rules_encode(&jt_card_rules_plain, bytes), 0);
    assert_int_equal(jt_card_rules_decode(NULL, 0, &back), JT_OK);
    assert_int_equal(jt_card_rules_encode(&back, bytes), 0);
    static const uint8_t long_form[] = { 1, 0xff, 0, 0, 0 };
    assert_int_equal(jt_card_rules_decode(long_form, sizeof long_form, &back), JT_ERR_FIELD_RULES);
}

/* The bytes of docs/data-format.md. */
static void rules_are_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = { 1, 0xf8, 1, 2, 3,  3, 0,   0,    0,    12,
                                        2, 0,    0, 0, 62, 8, 0x4, 0xde, 0xf2, 0xbf };
    const struct jt_card_rules rules = some_rules();
    uint8_t bytes[JT_CARD_RULES_MAX];
    assert_int_equal(jt_card_rules_encode(&rules, bytes), sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
}

/* A rule that came later leaves the bytes of all others as they are. */
static void a_maximum_lifetime_stands_behind_the_rest(void **state)
{
    (void)state;
    static const uint8_t alone[] = { 1, 0xff, 0, 8, 0, 0x02, 0x0f, 0x58, 0x00 };
    struct jt_card_rules rules = jt_card_rules_plain, back;
    uint8_t bytes[JT_CARD_RULES_MAX], before[JT_CARD_RULES_MAX];
    rules.max_lifetime_s = 400 * 86400;
    assert_int_equal(jt_card_rules_encode(&rules, bytes), sizeof alone);
    assert_memory_equal(bytes, alone, sizeof alone);
    assert_int_equal(jt_card_rules_decode(alone, sizeof alone, &back), JT_OK);
    assert_int_equal(back.max_lifetime_s, 400 * 86400);
    struct jt_card_rules more = some_rules();
    size_t len = jt_card_rules_encode(&more, before);
    more.max_lifetime_s = 1;
    assert_int_equal(jt_card_rules_encode(&more, bytes), len + 4);
    bytes[3] ^= 8;
    assert_memory_equal(bytes, before, len);
    /* none has one form, and a hundred years are the most */
    static const uint8_t bad[][9] = { { 1, 0xff, 0, 8, 0, 0, 0, 0, 0 },
                                      { 1, 0xff, 0, 0, 0, 0, 0, 0, 1 },
                                      { 1, 0xff, 0, 8, 0, 0xbc, 0x19, 0x13, 0x81 } };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(jt_card_rules_decode(bad[i], 9, &back), JT_ERR_FIELD_RULES);
        assert_int_equal(back.max_lifetime_s, 0);
    }
    rules.max_lifetime_s = JT_LIFETIME_MAX_S + 1;
    assert_false(jt_card_rules_valid(&rules));
}

static bool taken(const uint8_t *bytes, size_t len)
{
    struct jt_card_rules rules;
    uint8_t again[JT_CARD_RULES_MAX];
    if (jt_card_rules_decode(bytes, len, &rules) != JT_OK) {
        static const struct jt_card_rules none;
        struct jt_pan pan;
        assert_memory_equal(&rules, &none, sizeof none);
        /* what somebody goes by who does not look takes nothing */
        assert_int_equal(jt_pan_take("4111111111111111", 16, &rules, true, &pan),
                         JT_PAN_LENGTH_REFUSED);
        return false;
    }
    assert_true(jt_card_rules_valid(&rules));
    assert_int_equal(jt_card_rules_encode(&rules, again), len);
    assert_memory_equal(again, bytes, len);
    return true;
}

static void other_bytes_are_no_rules(void **state)
{
    (void)state;
    struct jt_card_rules rules = some_rules();
    uint8_t bytes[JT_CARD_RULES_MAX + 1] = { 0 };
    size_t len = jt_card_rules_encode(&rules, bytes);
    assert_true(taken(bytes, len));
    for (size_t cut = 1; cut < len; cut++) {
        assert_false(taken(bytes, cut));
    }
    assert_false(taken(bytes, len + 1));
    size_t n_taken = 0;
    for (size_t at = 0; at < len; at++) { /* what is taken is canonical: taken() checks it */
        for (unsigned v = 0; v < 256; v++) {
            uint8_t was = bytes[at];
            bytes[at] = (uint8_t)v;
            n_taken += taken(bytes, len);
            bytes[at] = was;
        }
    }
    assert_true(n_taken > len);
    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = { { 0, 0 },  { 0, 2 }, { 1, 0 }, { 2, 3 },  { 3, 8 }, { 4, 2 },
                { 4, 17 }, { 5, 0 }, { 5, 9 }, { 10, 1 }, { 14, 0 } };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t was = bytes[bad[i].at];
        bytes[bad[i].at] = bad[i].value;
        assert_false(taken(bytes, len));
        bytes[bad[i].at] = was;
    }
}

static void prefixes_are_sorted_and_none_holds_another(void **state)
{
    (void)state;
    struct jt_card_rules r = { .lengths = JT_LENGTHS_ALL };
    const char *const unsorted[] = { "9", "62", "0", "61999999", "63" };
    for (size_t i = 0; i < 5; i++) {
        r.exempt[r.n_exempt++] = prefix(unsorted[i]);
    }
    assert_false(jt_card_rules_valid(&r));
    assert_true(jt_card_rules_sort(&r));
    assert_true(jt_card_rules_valid(&r));
    char text[JT_PREFIX_DIGITS + 1];
    static const char *const sorted[] = { "0", "61999999", "62", "63", "9" };
    for (size_t i = 0; i < 5; i++) {
        jt_pan_prefix_format(&r.exempt[i], text);
        assert_string_equal(text, sorted[i]);
    }
    static const char *const held[] = { "62", "6", "620", "62999999", "00", "9" };
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) {
        struct jt_card_rules more = r;
        more.exempt[more.n_exempt++] = prefix(held[i]);
        assert_false(jt_card_rules_sort(&more));
        assert_false(jt_card_rules_valid(&more));
    }
    r.n_exempt = JT_CARD_RULES_EXEMPT_MAX + 1;
    assert_false(jt_card_rules_sort(&r));
    assert_false(jt_card_rules_valid(&r));
}

static void prefixes_are_one_to_eight_digits(void **state)
{
    (void)state;
    struct jt_pan_prefix p;
    static const char *const bad[] = { "", "123456789", "6a", " 62", "-1", "6\xc3" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_pan_prefix_parse(bad[i], strlen(bad[i]), &p));
    }
    assert_false(jt_pan_prefix_parse("6\0", 2, &p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_rules_have_no_bytes),
        cmocka_unit_test(rules_are_these_bytes),
        cmocka_unit_test(a_maximum_lifetime_stands_behind_the_rest),
        cmocka_unit_test(other_bytes_are_no_rules),
        cmocka_unit_test(prefixes_are_sorted_and_none_holds_another),
        cmocka_unit_test(prefixes_are_one_to_eight_digits),
    };
    return cmocka_run_group_tests_name("pan/rules", tests, NULL, NULL);
}
