/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a set in memory: each name once, in order, whatever the order in which they come. */
#include "vault/set_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 500

static struct jt_client_row client(unsigned number, uint64_t revision)
{
    struct jt_client_row row = { .state = JT_ROW_ACTIVE, .revision = revision };
    (void)snprintf(row.spec.id, sizeof row.spec.id, "c%u", number);
    return row;
}

static void rows_stand_in_order_and_once(void **state)
{
    (void)state;
    struct jt_set_copy c = { 0 };
    /* each comes twice, the second time with a later revision */
    for (unsigned i = 0; i < 2 * N; i++) {
        const struct jt_client_row row = client(i * 7919 % N, 1 + i / N);
        assert_int_equal(jt_set_copy_put(JT_SET_CLIENTS, &c, &row), JT_OK);
    }
    assert_int_equal(c.n, N);
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(c.clients[i].revision, 2);
        assert_true(i == 0 || strcmp(c.clients[i - 1].spec.id, c.clients[i].spec.id) < 0);
    }
    bool there;
    const struct jt_client_row some = client(77, 0);
    const struct jt_client_row none = client(N, 0);
    size_t at = jt_set_copy_place(JT_SET_CLIENTS, &c, &some, &there);
    assert_true(there);
    assert_string_equal(c.clients[at].spec.id, "c77");
    (void)jt_set_copy_place(JT_SET_CLIENTS, &c, &none, &there);
    assert_false(there);
    jt_set_copy_clear(&c);
    assert_int_equal(c.n, 0);
}

static void fields_stand_in_the_order_of_their_numbers(void **state)
{
    (void)state;
    struct jt_set_copy c = { 0 };
    const uint32_t ids[] = { 9, 2, 1000000, 1 };
    for (size_t i = 0; i < 4; i++) {
        const struct jt_field_row row = { .spec = { .id = ids[i], .name = "f" } };
        assert_int_equal(jt_set_copy_put(JT_SET_FIELDS, &c, &row), JT_OK);
    }
    assert_int_equal(c.n, 4);
    assert_int_equal(c.fields[0].spec.id, 1);
    assert_int_equal(c.fields[3].spec.id, 1000000);
    jt_set_copy_clear(&c);
}

static void a_copy_has_rows_of_its_own(void **state)
{
    (void)state;
    struct jt_set_copy a = { .there = true, .row = { .kind = JT_SET_CLIENTS, .version = 3 } };
    struct jt_set_copy b;
    const struct jt_client_row first = client(1, 1);
    const struct jt_client_row later = client(1, 9);
    assert_int_equal(jt_set_copy_put(JT_SET_CLIENTS, &a, &first), JT_OK);
    assert_int_equal(jt_set_copy_of(JT_SET_CLIENTS, &a, &b), JT_OK);
    assert_int_equal(b.row.version, 3);
    assert_int_equal(jt_set_copy_put(JT_SET_CLIENTS, &b, &later), JT_OK);
    assert_int_equal(a.clients[0].revision, 1);
    assert_int_equal(b.clients[0].revision, 9);
    jt_set_copy_clear(&a);
    jt_set_copy_clear(&b);
    const struct jt_set_copy nothing = { 0 };
    assert_int_equal(jt_set_copy_of(JT_SET_CLIENTS, &nothing, &b), JT_OK);
    assert_int_equal(b.n, 0);
    jt_set_copy_clear(&b);
}

static void rows_that_come_in_any_order_are_taken_over_in_theirs(void **state)
{
    (void)state;
    struct jt_set_copy c = { .there = false };
    struct jt_client_row *rows = calloc(N, sizeof *rows);
    assert_non_null(rows);
    for (unsigned i = 0; i < N; i++) {
        rows[i] = client(i * 7919 % N, 1);
    }
    jt_set_copy_fill(JT_SET_CLIENTS, &c, rows, N);
    assert_int_equal(c.n, N);
    for (size_t i = 1; i < c.n; i++) {
        assert_true(strcmp(c.clients[i - 1].spec.id, c.clients[i].spec.id) < 0);
    }
    assert_int_equal(jt_set_copy_reserve(JT_SET_CLIENTS, &c, N + 1), JT_OK);
    const struct jt_client_row one_more = client(N, 1);
    assert_int_equal(jt_set_copy_put(JT_SET_CLIENTS, &c, &one_more), JT_OK);
    assert_int_equal(c.n, N + 1);
    jt_set_copy_clear(&c);
    jt_set_copy_fill(JT_SET_CLIENTS, &c, NULL, 0);
    assert_int_equal(c.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_come_in_any_order_are_taken_over_in_theirs),
        cmocka_unit_test(rows_stand_in_order_and_once),
        cmocka_unit_test(fields_stand_in_the_order_of_their_numbers),
        cmocka_unit_test(a_copy_has_rows_of_its_own),
    };
    return cmocka_run_group_tests_name("vault/set_copy", tests, NULL, NULL);
}
