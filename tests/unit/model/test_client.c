/* SPDX-License-Identifier: Apache-2.0 */
#include "model/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void ids_have_one_form(void **state)
{
    (void)state;
    assert_true(jt_client_id_valid("a"));
    assert_true(jt_client_id_valid("shop-1"));
    assert_true(jt_client_id_valid("abcdefghijklmnopqrstuvwxyz012345"));
    const char *const bad[] = { "",    "1a",  "-a",  "Shop",
                                "a_b", "a b", "a\n", "abcdefghijklmnopqrstuvwxyz0123456" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_client_id_valid(bad[i]));
    }
}

static void every_permission_has_a_name(void **state)
{
    (void)state;
    uint32_t all = 0;
    for (size_t i = 0; i < JT_N_PERMISSIONS; i++) {
        assert_int_equal(all & jt_permission_names[i].bit, 0);
        all |= jt_permission_names[i].bit;
    }
    assert_int_equal(all, JT_MAY_ALL);
}

static void names_that_could_be_card_numbers_are_told(void **state)
{
    (void)state;
    static const char *const bad[] = { "4111111111111111",      "a4111111111111111",
                                       "4111-1111-1111-1111",   "shop-411111111111",
                                       "a-1234567890123456789", "x4111.1111_1111-1111y",
                                       "order-20240101-123456" };
    static const char *const good[] = { "shop", "shop-2024-01-01",       "a12345678901",
                                        "",     "a12345678901234567890", "1234a5678b9012c" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(jt_name_is_cardlike(bad[i]));
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_false(jt_name_is_cardlike(good[i]));
    }
}

static void who_could_operate_before_there_were_terms_keeps_all_of_it(void **state)
{
    (void)state;
    struct jt_client_row row = { .spec = { "a", JT_MAY_OPERATE | JT_MAY_TOKENIZE } };
    assert_int_equal(jt_client_permissions(&row),
                     JT_MAY_OPERATE | JT_MAY_TOKENIZE | JT_MAY_AUDIT | JT_MAY_CLIENTS);
    row.terms_len = 1;
    assert_int_equal(jt_client_permissions(&row), JT_MAY_OPERATE | JT_MAY_TOKENIZE);
    row = (struct jt_client_row){ .spec = { "a", JT_MAY_TOKENIZE } };
    assert_int_equal(jt_client_permissions(&row), JT_MAY_TOKENIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_one_form),
        cmocka_unit_test(every_permission_has_a_name),
        cmocka_unit_test(names_that_could_be_card_numbers_are_told),
        cmocka_unit_test(who_could_operate_before_there_were_terms_keeps_all_of_it),
    };
    return cmocka_run_group_tests_name("model/client", tests, NULL, NULL);
}
