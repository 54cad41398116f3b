/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct jt_member all[] = { { .name = "cursor" }, { .name = "limit" } };
static const struct jt_members members = JT_MEMBERS(all);

static json_t *read_query(const char *text)
{
    return jt_query_read((struct jt_slice){ text, strlen(text) }, &members);
}

static void parameters_become_texts(void **state)
{
    (void)state;
    json_t *query = read_query("limit=10&cursor=%73hop%2D1");
    assert_non_null(query);
    assert_int_equal(json_object_size(query), 2);
    assert_string_equal(json_string_value(json_object_get(query, "limit")), "10");
    assert_string_equal(json_string_value(json_object_get(query, "cursor")), "shop-1");
    json_decref(query);
    query = read_query("cursor=");
    assert_string_equal(json_string_value(json_object_get(query, "cursor")), "");
    json_decref(query);
}

static void what_is_no_query_of_the_table_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "limit",     "&",         "limit=1&",   "limit=1&limit=2", "other=1", "Limit=1",
        "limit=%4", "limit=%zz", "limit=%00", "limit=\x7f", "limit=\xc3\xa9",  "=1",      "limi=1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(read_query(bad[i]));
    }
}

static void a_value_has_a_longest_length(void **state)
{
    (void)state;
    char text[7 + 257 + 1] = "cursor=";
    memset(text + 7, 'x', 256);
    json_t *query = read_query(text);
    assert_int_equal(json_string_length(json_object_get(query, "cursor")), 256);
    json_decref(query);
    text[7 + 256] = 'x';
    assert_null(read_query(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_become_texts),
        cmocka_unit_test(what_is_no_query_of_the_table_is_refused),
        cmocka_unit_test(a_value_has_a_longest_length),
    };
    return cmocka_run_group_tests_name("api/query", tests, NULL, NULL);
}
