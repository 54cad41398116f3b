/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsonw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void members_are_separated_and_texts_escaped(void **state)
{
    (void)state;
    static const char want[] = "{\"a\":\"x\\\"y\\\\z\\u000a\",\"b\":-5,\"c\":true,"
                               "\"d\":\"12\",\"e\":\"{\",\"f\":false}";
    struct jt_buf out;
    jt_buf_init(&out, 4096);
    jt_jsonw_open(&out);
    jt_jsonw_text(&out, "a", "x\"y\\z\n");
    jt_jsonw_int(&out, "b", -5);
    jt_jsonw_bool(&out, "c", true);
    jt_jsonw_text2(&out, "d", "1", "2");
    jt_jsonw_text(&out, "e", "{");
    jt_jsonw_bool(&out, "f", false);
    jt_jsonw_close(&out);
    assert_int_equal(jt_buf_status(&out), JT_OK);
    assert_int_equal(out.len, sizeof want - 1);
    assert_memory_equal(out.data, want, sizeof want - 1);
    jt_buf_clear(&out);
}

static void an_array_holds_objects(void **state)
{
    (void)state;
    static const char want[] = "{\"a\":1,\"none\":[],\"two\":[{\"b\":-9223372036854775808},{}],"
                               "\"c\":0}";
    struct jt_buf out;
    jt_buf_init(&out, 4096);
    jt_jsonw_open(&out);
    jt_jsonw_int(&out, "a", 1);
    jt_jsonw_array(&out, "none");
    jt_jsonw_array_end(&out);
    jt_jsonw_array(&out, "two");
    jt_jsonw_open(&out);
    jt_jsonw_int(&out, "b", INT64_MIN);
    jt_jsonw_close(&out);
    jt_jsonw_open(&out);
    jt_jsonw_close(&out);
    jt_jsonw_array_end(&out);
    jt_jsonw_int(&out, "c", 0);
    jt_jsonw_close(&out);
    assert_int_equal(jt_buf_status(&out), JT_OK);
    assert_int_equal(out.len, sizeof want - 1);
    assert_memory_equal(out.data, want, sizeof want - 1);
    jt_buf_clear(&out);
}

static void what_does_not_fit_is_told_by_the_buffer(void **state)
{
    (void)state;
    struct jt_buf out;
    jt_buf_init(&out, 10);
    jt_jsonw_open(&out);
    jt_jsonw_text(&out, "title", "longer than it may be");
    jt_jsonw_close(&out);
    assert_int_equal(jt_buf_status(&out), JT_ERR_LIMIT);
    jt_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_separated_and_texts_escaped),
        cmocka_unit_test(an_array_holds_objects),
        cmocka_unit_test(what_does_not_fit_is_told_by_the_buffer),
    };
    return cmocka_run_group_tests_name("base/jsonw", tests, NULL, NULL);
}
