/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Type: RFC 9110 section 8.3.1; parameters are ignored, their form is not. */
#include "http/media.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool is_json(const char *text)
{
    return jt_media_is_json((struct jt_slice){ text, strlen(text) });
}

static void json_with_any_parameters(void **state)
{
    (void)state;
    static const char *const good[] = { "application/json",
                                        "Application/JSON",
                                        "application/json;",
                                        "application/json ; ",
                                        "application/json;;",
                                        "application/json; charset=utf-8",
                                        "application/json;charset=\"utf-8\"",
                                        "application/json; charset=latin1",
                                        "application/json; v=1; x=\"a;\\\"b\"",
                                        "application/json \t;\tq=1" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!is_json(good[i])) {
            fail_msg("%s", good[i]);
        }
    }
}

static void anything_else(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "text/plain",
                                       "application/jsonx",
                                       "application/json, text/plain",
                                       "application/json x",
                                       "application/json; charset",
                                       "application/json; =x",
                                       "application/json; a=",
                                       "application/json; a=\"b",
                                       "application/json; a=\"b\\\"",
                                       "application/json; a =b",
                                       "json",
                                       "application/problem+json",
                                       "application/json; a=b c" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (is_json(bad[i])) {
            fail_msg("%s", bad[i]);
        }
    }
    assert_false(jt_media_is_json((struct jt_slice){ NULL, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(json_with_any_parameters),
                                        cmocka_unit_test(anything_else) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
