/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: exactly one JSON object, no duplicate members; wiped when freed. */
#include "api/json.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool parses(const char *text, size_t len)
{
    enum jt_problem_type problem = JT_PROBLEM_NONE;
    json_t *object = jt_json_parse_object(text, len, &problem);
    assert_int_equal(object == NULL, problem == JT_PROBLEM_MALFORMED_JSON);
    json_decref(object);
    return object != NULL;
}

static void one_object_parses(void **state)
{
    (void)state;
    assert_true(parses("{}", 2));
    assert_true(parses(" {\"pan\":\"4111111111111111\"} ", 28));
}

static void anything_else_is_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "{",
                                       "[]",
                                       "\"x\"",
                                       "1",
                                       "null",
                                       "{}{}",
                                       "{} x",
                                       "{\"a\":1,\"a\":2}",
                                       "{\"a\":1,}",
                                       "{'a':1}",
                                       "{\"a\":\"\xff\"}",
                                       "\xef\xbb\xbf{}",
                                       "{\"a\":NaN}",
                                       "{\"a\\u0000\":1}" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(parses(bad[i], strlen(bad[i])));
    }
    assert_false(parses("{\"a\":\"x\0y\"}", 11));
}

static void a_string_with_nul_is_a_string_but_no_text(void **state)
{
    (void)state;
    enum jt_problem_type problem;
    static const char text[] = "{\"a\":\"x\\u0000y\",\"b\":\"x\",\"c\":1}";
    json_t *object = jt_json_parse_object(text, sizeof text - 1, &problem);
    assert_non_null(object);
    assert_int_equal(json_string_length(json_object_get(object, "a")), 3);
    assert_null(jt_json_text(json_object_get(object, "a")));
    assert_string_equal(jt_json_text(json_object_get(object, "b")), "x");
    assert_null(jt_json_text(json_object_get(object, "c")));
    assert_null(jt_json_text(NULL));
    json_decref(object);
}

static void deep_nesting_is_refused_not_a_crash(void **state)
{
    (void)state;
    static char deep[200001];
    memset(deep, '[', sizeof deep - 1);
    assert_false(parses(deep, sizeof deep - 1));
}

static int setup(void **state)
{
    (void)state;
    jt_json_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_object_parses),
        cmocka_unit_test(anything_else_is_malformed),
        cmocka_unit_test(a_string_with_nul_is_a_string_but_no_text),
        cmocka_unit_test(deep_nesting_is_refused_not_a_crash),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
