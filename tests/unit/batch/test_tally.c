/* SPDX-License-Identifier: Apache-2.0 */
/* batch/tally.h: what balances, and what a total tells of a card. */
#include "batch/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint64_t weight(const char *text)
{
    return jt_tally_weight(text, strlen(text));
}

static void a_card_weighs_what_a_masked_number_shows(void **state)
{
    (void)state;
    assert_int_equal(weight("4111111111111111"), 4111111111);
    assert_int_equal(weight("411111******1111"), 4111111111);
    assert_int_equal(weight("4111 1111-1111 1111"), 4111111111);
    /* All cards that are masked alike weigh the same. */
    assert_int_equal(weight("4111110000001111"), weight("4111119999991111"));
    assert_int_equal(weight("6304219876543217"), 6304213217);
    /* Four digits at least are in no total. */
    assert_int_equal(weight("123456789012"), 12349012);
    assert_int_equal(weight("1234567890123"), 123450123);
    assert_int_equal(weight("12345678"), 5678);
    assert_int_equal(weight("1234567"), 0);
    assert_int_equal(weight(""), 0);
    assert_int_equal(weight("no digits"), 0);
}

static void an_opaque_token_weighs_its_checksum(void **state)
{
    (void)state;
    const char *token = "jtk_0123456789abcdefghjkmnpqrs";
    assert_true(jt_tally_is_opaque(token, strlen(token)));
    assert_int_equal(weight(token), 0x945a3cfe);
    assert_int_not_equal(weight(token), weight("jtk_0123456789abcdefghjkmnpqrt"));
    assert_false(jt_tally_is_opaque(token, strlen(token) - 1));
    assert_false(jt_tally_is_opaque("jtk_0123456789abcdefghjkmnpq-s", 30));
    assert_false(jt_tally_is_opaque("jtx_0123456789abcdefghjkmnpqrs", 30));
}

static void totals_stay_below_their_modulus(void **state)
{
    (void)state;
    uint64_t total = JT_TALLY_MODULUS - 1;
    jt_tally_add(&total, 3);
    assert_int_equal(total, 2);
}

static void records_and_values_balance(void **state)
{
    (void)state;
    struct jt_tally t = { .n_read = 10, .n_written = 6, .n_passed = 3, .n_rejected = 1 };
    t.reasons[JT_MSG_BLANK] = 1;
    t.n_fields = 1;
    t.fields[0].total_in = 1;
    t.fields[0].total_kept = JT_TALLY_MODULUS - 1;
    t.fields[0].total_rejected = 2;
    assert_int_equal(jt_tally_balance(&t), JT_MSG_NONE);
    t.n_read++;
    assert_int_equal(jt_tally_balance(&t), JT_MSG_OUT_OF_BALANCE);
    t.n_read--;
    t.reasons[JT_MSG_TOO_WIDE] = 1;
    assert_int_equal(jt_tally_balance(&t), JT_MSG_OUT_OF_BALANCE);
    t.reasons[JT_MSG_TOO_WIDE] = 0;
    t.fields[0].total_kept--;
    assert_int_equal(jt_tally_balance(&t), JT_MSG_TOTALS_DIFFER);
}

static void reasons_have_the_names_of_problems(void **state)
{
    (void)state;
    assert_int_equal(jt_tally_reason("pan-bad-luhn"), JT_MSG_PAN_BAD_LUHN);
    assert_int_equal(jt_tally_reason("guess-brake"), JT_MSG_GUESS_BRAKE);
    assert_int_equal(jt_tally_reason(""), JT_MSG_REFUSED);
    assert_int_equal(jt_tally_reason("of-tomorrow"), JT_MSG_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_weighs_what_a_masked_number_shows),
        cmocka_unit_test(an_opaque_token_weighs_its_checksum),
        cmocka_unit_test(totals_stay_below_their_modulus),
        cmocka_unit_test(records_and_values_balance),
        cmocka_unit_test(reasons_have_the_names_of_problems),
    };
    return cmocka_run_group_tests_name("batch/tally", tests, NULL, NULL);
}
