/* SPDX-License-Identifier: Apache-2.0 */
/* The query of an address, and which request it is: what is taken of them, and what is refused. */
#include "api/origin.h"
#include "api/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text, enum jt_problem_type *problem)
{
    return jt_query_parse((struct jt_slice){ text, strlen(text) }, problem);
}

static void values_are_decoded(void **state)
{
    (void)state;
    enum jt_problem_type problem;
    json_t *q = parse("a=1&since=2026-01-01T00%3A00%3a00+01:00&empty=&flag", &problem);
    assert_int_equal(problem, JT_PROBLEM_NONE);
    assert_string_equal(json_string_value(json_object_get(q, "since")),
                        "2026-01-01T00:00:00+01:00");
    assert_string_equal(json_string_value(json_object_get(q, "empty")), "");
    assert_string_equal(json_string_value(json_object_get(q, "flag")), "");
    assert_int_equal(json_object_size(q), 4);
    json_decref(q);
    q = jt_query_parse((struct jt_slice){ NULL, 0 }, &problem);
    assert_int_equal(json_object_size(q), 0);
    json_decref(q);
}

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    static char long_one[400];
    memset(long_one, 'x', sizeof long_one - 1);
    memcpy(long_one, "a=", 2);
    const char *const bad[] = {
        "a=1&a=2", "=1",    "&",     "a=1&&b=2", "a=%",    "a=%4",  "a=%4g",
        "a=%00",   "%00=1", "a=%ff", "a=%c3",    long_one, "a=1&=", "a=%-1"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum jt_problem_type problem;
        assert_null(parse(bad[i], &problem));
        assert_int_equal(problem, JT_PROBLEM_MALFORMED_REQUEST);
    }
}

static void a_valid_traceparent_names_the_request(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings",
    };
    static const uint8_t id[] = { 0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
                                  0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c };
    for (size_t i = 0; i < 2; i++) {
        struct jt_origin origin;
        jt_origin_name((struct jt_slice){ valid[i], strlen(valid[i]) }, &origin);
        assert_memory_equal(origin.request, id, sizeof id);
    }
}

static void an_ipv4_address_is_itself_in_ipv6(void **state)
{
    (void)state;
    const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 9 };
    const uint8_t v6[16] = { 0x20, 1, 0x0d, 0xb8 };
    struct jt_origin origin;
    jt_origin_place(mapped, sizeof mapped, &origin);
    assert_int_equal(origin.source_len, 4);
    assert_memory_equal(origin.source, mapped + 12, 4);
    jt_origin_place(v6, sizeof v6, &origin);
    assert_int_equal(origin.source_len, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_decoded),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(a_valid_traceparent_names_the_request),
        cmocka_unit_test(an_ipv4_address_is_itself_in_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
