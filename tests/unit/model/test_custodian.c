/* SPDX-License-Identifier: Apache-2.0 */
/* model/custodian.c: texts of custodians and approvals have one form, and slips are found. */
#include "model/custodian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_custodian_has_one_text(void **state)
{
    (void)state;
    struct jt_custodian c = { .name = "alice" }, back;
    char text[JT_CUSTODIAN_TEXT_MAX + 1];
    jt_custodian_format(&c, text);
    assert_int_equal(jt_custodian_parse(text, &back), JT_OK);
    assert_memory_equal(&back, &c, sizeof c);
    assert_int_equal(strlen(text), strlen("jcp_alice_") + 58);
    memset(c.name, 'a', JT_CUSTODIAN_NAME_MAX);
    memset(c.key, 0xff, sizeof c.key);
    jt_custodian_format(&c, text);
    assert_int_equal(strlen(text), JT_CUSTODIAN_TEXT_MAX);
    assert_int_equal(jt_custodian_parse(text, &back), JT_OK);
    assert_memory_equal(&back, &c, sizeof c);
}

static void a_slip_of_one_character_is_found(void **state)
{
    (void)state;
    struct jt_custodian c = { .name = "alice" }, back;
    char text[JT_CUSTODIAN_TEXT_MAX + 1], slip[sizeof text];
    for (size_t i = 0; i < sizeof c.key; i++) {
        c.key[i] = (uint8_t)(i * 37);
    }
    jt_custodian_format(&c, text);
    for (size_t i = 0; i < strlen(text); i++) {
        memcpy(slip, text, sizeof slip);
        slip[i] = slip[i] == 'b' ? 'c' : 'b';
        assert_int_equal(jt_custodian_parse(slip, &back), JT_ERR_INVALID);
    }
    text[strlen(text) - 1] = '\0';
    assert_int_equal(jt_custodian_parse(text, &back), JT_ERR_INVALID);
}

static void an_approval_has_one_text(void **state)
{
    (void)state;
    struct jt_approval a = { .custodian = "bob" }, back;
    char text[JT_APPROVAL_TEXT_MAX + 1];
    memset(a.signature, 0xa5, sizeof a.signature);
    jt_approval_format(&a, text);
    assert_int_equal(jt_approval_parse(text, &back), JT_OK);
    assert_memory_equal(&back, &a, sizeof a);
    text[2] = 'p';
    assert_int_equal(jt_approval_parse(text, &back), JT_ERR_INVALID);
}

static void names_and_keys_of_a_set_are_different_ones(void **state)
{
    (void)state;
    struct jt_custodian_set set = { .n = 2, .all = { { .name = "a" }, { .name = "b" } } };
    assert_false(jt_custodian_set_valid(&set)); /* one key */
    set.all[1].key[0] = 1;
    assert_true(jt_custodian_set_valid(&set));
    set.all[1].name[0] = 'a';
    assert_false(jt_custodian_set_valid(&set));
    set.n = 1;
    assert_false(jt_custodian_set_valid(&set));
    assert_false(jt_custodian_name_valid("a411111111111"));
}

static void the_text_of_a_set_names_everything(void **state)
{
    (void)state;
    struct jt_custodian_set set = {
        .development = true, .version = 7, .n = 2, .all = { { .name = "alice" }, { .name = "bob" } }
    };
    static const char head[] = "jeton custodian approval v1\nact: replace-custodians\n"
                               "environment: development\nservice-root: 0000000000000000\n"
                               "version: 7\ncustodian: jcp_alice_";
    struct jt_buf text;
    jt_buf_init(&text, JT_CUSTODIAN_SET_TEXT_MAX);
    jt_custodian_set_text(&set, &text);
    assert_int_equal(jt_buf_status(&text), JT_OK);
    assert_memory_equal(text.data, head, sizeof head - 1);
    jt_buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_custodian_has_one_text),
        cmocka_unit_test(a_slip_of_one_character_is_found),
        cmocka_unit_test(an_approval_has_one_text),
        cmocka_unit_test(names_and_keys_of_a_set_are_different_ones),
        cmocka_unit_test(the_text_of_a_set_names_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
