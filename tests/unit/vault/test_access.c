/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void gather(void *arg, const char *text)
{
    char *all = arg;
    (void)snprintf(all + strlen(all), 200 - strlen(all), "%s ", text);
}

static void permissions_are_read_and_written_as_text(void **state)
{
    (void)state;
    struct jt_may may = { 0 };
    char all[200] = "";
    assert_true(jt_may_nothing(&may));
    assert_true(jt_may_add(&may, "detokenize:b.c"));
    assert_true(jt_may_add(&may, "operate"));
    assert_true(jt_may_add(&may, "tokenize:b.c"));
    assert_true(jt_may_add(&may, "tokenize"));
    assert_true(jt_may_add(&may, "lookup:a"));
    assert_false(jt_may_nothing(&may));
    jt_may_each(&may, gather, all);
    assert_string_equal(all, "tokenize operate tokenize:b.c detokenize:b.c lookup:a ");
    static const char *const bad[] = { "",           "tokenize",   "tokenize:b.c", "operate:b.c",
                                       "tokenize:",  "tokenize:B", ":b.c",         "Tokenize",
                                       "tokenize b", "clients:a",  "tokenizer" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_may_add(&may, bad[i]));
    }
}

static void there_is_room_for_so_many_fields(void **state)
{
    (void)state;
    struct jt_may may = { 0 };
    char text[32];
    for (int i = 0; i < JT_CLIENT_MAX_GRANTS; i++) {
        (void)snprintf(text, sizeof text, "tokenize:f%d", i);
        assert_true(jt_may_add(&may, text));
    }
    assert_false(jt_may_add(&may, "tokenize:one-more"));
    assert_true(jt_may_add(&may, "lookup:f0"));
}

static void what_is_granted_in_a_field_holds_there(void **state)
{
    (void)state;
    struct jt_may may = { .everywhere = JT_MAY_LOOKUP };
    assert_true(jt_may_add(&may, "tokenize:a"));
    assert_int_equal(jt_may_in(&may, "a"), JT_MAY_LOOKUP | JT_MAY_TOKENIZE);
    assert_int_equal(jt_may_in(&may, "b"), JT_MAY_LOOKUP);
    assert_int_equal(jt_may_in(&may, ""), JT_MAY_LOOKUP); /* a path without field */
}

static void a_client_may_come_from_its_networks_only(void **state)
{
    (void)state;
    struct jt_access access = { .n_networks = 0 };
    const uint8_t here[4] = { 10, 0, 0, 7 };
    const struct jt_source source = jt_source_of(here, sizeof here);
    const struct jt_source nowhere = { 0 };
    assert_true(jt_access_is_from(&access, &source));
    assert_true(jt_access_is_from(&access, &nowhere));
    access.n_networks = 1;
    assert_true(jt_network_parse("192.0.2.0/24", &access.networks[0]));
    assert_false(jt_access_is_from(&access, &source));
    access.n_networks = 2;
    assert_true(jt_network_parse("10.0.0.0/24", &access.networks[1]));
    assert_true(jt_access_is_from(&access, &source));
    assert_false(jt_access_is_from(&access, &nowhere));
}

static void a_bound_client_shows_one_of_its_certificates(void **state)
{
    (void)state;
    struct jt_access access = { .n_certs = 0 };
    const uint8_t a[JT_CERT_DIGEST_LEN] = { 1 }, b[JT_CERT_DIGEST_LEN] = { 2 };
    const uint8_t none[JT_CERT_DIGEST_LEN] = { 0 };
    assert_true(jt_access_is_with(&access, NULL));
    assert_true(jt_access_is_with(&access, a));
    access.n_certs = 1;
    memcpy(access.certs[0], a, sizeof a);
    assert_false(jt_access_is_with(&access, NULL));
    assert_true(jt_access_is_with(&access, a));
    assert_false(jt_access_is_with(&access, b));
    assert_false(jt_access_is_with(&access, none)); /* the second, which is not there */
    access.n_certs = 2;
    memcpy(access.certs[1], b, sizeof b);
    assert_true(jt_access_is_with(&access, a));
    assert_true(jt_access_is_with(&access, b));
    assert_false(jt_access_is_with(&access, none));
}

static void a_budget_is_found_by_its_operation(void **state)
{
    (void)state;
    const struct jt_access access = { .n_budgets = 2, .budgets = { { 1, 0, 5 }, { 3, 7, 0 } } };
    assert_int_equal(jt_access_budget(&access, JT_MAY_DETOKENIZE)->quota, 5);
    assert_int_equal(jt_access_budget(&access, JT_MAY_READ_MASKED)->rate, 7);
    assert_null(jt_access_budget(&access, JT_MAY_TOKENIZE));
    assert_null(jt_access_budget(&access, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permissions_are_read_and_written_as_text),
        cmocka_unit_test(there_is_room_for_so_many_fields),
        cmocka_unit_test(what_is_granted_in_a_field_holds_there),
        cmocka_unit_test(a_client_may_come_from_its_networks_only),
        cmocka_unit_test(a_bound_client_shows_one_of_its_certificates),
        cmocka_unit_test(a_budget_is_found_by_its_operation),
    };
    return cmocka_run_group_tests_name("vault/access", tests, NULL, NULL);
}
