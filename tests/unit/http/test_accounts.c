/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: one a name while somebody refers to it, and none after. */
#include "http/accounts.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void one_name_is_one_account(void **state)
{
    (void)state;
    struct jt_accounts a;
    assert_int_equal(jt_accounts_init(&a), JT_OK);
    struct jt_account *one = jt_accounts_get(&a, "app", 3), *other = jt_accounts_get(&a, "app2", 4);
    assert_non_null(one);
    assert_ptr_not_equal(one, other);
    assert_ptr_equal(jt_accounts_get(&a, "app", 3), one);
    one->bytes = 7;
    jt_accounts_put(&a, one);
    assert_int_equal(jt_accounts_get(&a, "app", 3)->bytes, 7);
    jt_accounts_put(&a, one);
    jt_accounts_put(&a, one);
    struct jt_account *again = jt_accounts_get(&a, "app", 3);
    assert_int_equal(again->bytes, 0); /* nobody referred to it: it began anew */
    jt_accounts_put(&a, again);
    jt_accounts_put(&a, other);
    jt_accounts_put(&a, NULL);
    jt_accounts_clear(&a);
}

static void many_names_come_and_go(void **state)
{
    (void)state;
    struct jt_accounts a;
    static struct jt_account *kept[20000];
    assert_int_equal(jt_accounts_init(&a), JT_OK);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 20000; i++) {
            kept[i] = jt_accounts_get(&a, &i, sizeof i);
            assert_non_null(kept[i]);
            kept[i]->bytes = i;
        }
        for (uint32_t i = 0; i < 20000; i++) {
            struct jt_account *found = jt_accounts_get(&a, &i, sizeof i);
            assert_ptr_equal(found, kept[i]);
            assert_int_equal(found->bytes, i);
            jt_accounts_put(&a, found);
        }
        for (uint32_t i = 0; i < 20000; i++) {
            jt_accounts_put(&a, kept[(i * 7919) % 20000]);
        }
    }
    jt_accounts_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(one_name_is_one_account),
                                        cmocka_unit_test(many_names_come_and_go) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
