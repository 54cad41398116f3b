/* SPDX-License-Identifier: Apache-2.0 */
#include "model/client_terms.h"

#include "model/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct jt_client_terms sample(void)
{
    return (struct jt_client_terms){
        .expires_s = 4102444800,
        .old_until_s = 7,
        .old_secret_mac = { 1, 2 },
        .n_networks = 2,
        .networks = { { JT_IPV4, 8, { 10 } }, { JT_IPV6, 32, { 0x20, 1, 0xd, 0xb8 } } },
        .n_certs = 2,
        .certs = { { 5 }, { 5, 1 } },
        .n_grants = 2,
        .grants = { { 3, JT_MAY_TOKENIZE }, { 4000000000u, JT_MAY_IN_A_FIELD } },
        .n_budgets = 2,
        .budgets = { { 0, 0, 1 }, { 7, 200, 100000 } },
    };
}

static void terms_come_back_and_have_one_form(void **state)
{
    (void)state;
    const struct jt_client_terms terms = sample();
    struct jt_client_terms back;
    uint8_t bytes[JT_CLIENT_TERMS_MAX], again[JT_CLIENT_TERMS_MAX];
    assert_true(jt_client_terms_valid(&terms));
    size_t len = jt_client_terms_encode(&terms, bytes);
    assert_int_equal(len, 33 + 1 + 6 + 18 + 1 + 64 + 1 + 16 + 1 + 18);
    assert_int_equal(jt_client_terms_decode(bytes, len, &back), JT_OK);
    assert_memory_equal(&back, &terms, sizeof back);
    for (size_t i = 0; i < len; i++) { /* what is taken is the form that is written */
        for (uint8_t bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            if (jt_client_terms_decode(bytes, len, &back) == JT_OK) {
                assert_int_equal(jt_client_terms_encode(&back, again), len);
                assert_memory_equal(again, bytes, len);
            }
            bytes[i] ^= (uint8_t)(1 << bit);
        }
        assert_int_equal(jt_client_terms_decode(bytes, i, &back), i == 0 ? JT_OK : JT_ERR_INVALID);
    }
    assert_int_equal(jt_client_terms_decode(bytes, len + 1, &back), JT_ERR_INVALID);
}

static void the_fullest_terms_have_room(void **state)
{
    (void)state;
    struct jt_client_terms terms = { .n_networks = JT_CLIENT_MAX_NETWORKS,
                                     .n_certs = 2,
                                     .certs = { { 1 }, { 2 } },
                                     .n_grants = JT_CLIENT_MAX_GRANTS,
                                     .n_budgets = JT_CLIENT_MAX_BUDGETS };
    static const uint8_t operations[] = { 0, 1, 3, 4, 5, 6, 7 };
    uint8_t bytes[JT_CLIENT_TERMS_MAX];
    for (size_t i = 0; i < JT_CLIENT_MAX_NETWORKS; i++) {
        terms.networks[i] = (struct jt_network){ JT_IPV6, 0, { 0 } };
    }
    for (uint32_t i = 0; i < JT_CLIENT_MAX_GRANTS; i++) {
        terms.grants[i] = (struct jt_grant){ i + 1, JT_MAY_DECRYPT };
    }
    for (size_t i = 0; i < JT_CLIENT_MAX_BUDGETS; i++) {
        terms.budgets[i] = (struct jt_budget){ operations[i], UINT32_MAX, UINT32_MAX };
    }
    assert_true(jt_client_terms_valid(&terms));
    assert_int_equal(jt_client_terms_encode(&terms, bytes), JT_CLIENT_TERMS_MAX);
}

static void a_budget_is_of_an_operation_in_a_field_and_bounds_something(void **state)
{
    (void)state;
    static const struct jt_budget bad[][2] = {
        { { 1, 0, 0 }, { 7, 1, 0 } },  /* no bound */
        { { 7, 1, 0 }, { 7, 1, 0 } },  /* twice */
        { { 7, 1, 0 }, { 1, 1, 0 } },  /* another order */
        { { 1, 1, 0 }, { 2, 1, 0 } },  /* to operate */
        { { 1, 1, 0 }, { 11, 1, 0 } }, /* no operation */
        { { 1, 1, 0 }, { 33, 1, 0 } },
    };
    struct jt_client_terms t = sample();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memcpy(t.budgets, bad[i], sizeof bad[i]);
        assert_false(jt_client_terms_valid(&t));
    }
    t = sample();
    t.n_budgets = JT_CLIENT_MAX_BUDGETS + 1;
    assert_false(jt_client_terms_valid(&t));
}

static void what_means_nothing_is_refused(void **state)
{
    (void)state;
    struct jt_client_terms t = sample();
    t.grants[1].field = 3; /* twice */
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.grants[0].field = 0;
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.grants[0].permissions = 0;
    assert_false(jt_client_terms_valid(&t));
    t.grants[0].permissions = JT_MAY_OPERATE; /* of no field */
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.old_until_s = 0; /* a secret without its time */
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.networks[0].address[3] = 1; /* behind the prefix */
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.networks[0].address[7] = 1; /* behind the address */
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.n_networks = JT_CLIENT_MAX_NETWORKS + 1;
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.n_grants = JT_CLIENT_MAX_GRANTS + 1;
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.certs[1][1] = 0; /* twice */
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.certs[0][0] = 6; /* descending */
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.certs[0][0] = 0; /* the digest of nothing */
    assert_false(jt_client_terms_valid(&t));
    t = sample();
    t.n_certs = JT_CLIENT_MAX_CERTS + 1;
    assert_false(jt_client_terms_valid(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_come_back_and_have_one_form),
        cmocka_unit_test(the_fullest_terms_have_room),
        cmocka_unit_test(a_budget_is_of_an_operation_in_a_field_and_bounds_something),
        cmocka_unit_test(what_means_nothing_is_refused),
    };
    return cmocka_run_group_tests_name("model/client_terms", tests, NULL, NULL);
}
