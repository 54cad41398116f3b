/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of lifetimes as texts: what RFC 3339 allows is read to the microsecond, and written back. */
#include "api/dates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW UINT64_C(1800000000000000) /* 2027-01-15T08:00:00Z */

static enum jt_problem_type take(const char *text, uint64_t *out)
{
    json_t *value = json_string(text);
    enum jt_problem_type problem = jt_date_take(value, NOW, 0, out);
    json_decref(value);
    return problem;
}

static void texts_are_read_to_the_microsecond(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t us;
    } good[] = {
        { "2027-01-15T08:00:01Z", NOW + 1000000 },
        { "2027-01-15T08:00:00.000001Z", NOW + 1 },
        { "2027-01-15T08:00:00.0000019Z", NOW + 1 },
        { "2027-01-15T08:00:00.5Z", NOW + 500000 },
        { "2027-01-15T10:30:01+02:30", NOW + 1000000 },
        { "2027-01-15T05:29:59.25-02:30", NOW - 1000000 + 250000 },
        { "2028-02-29T00:00:00Z", UINT64_C(1835395200000000) },
        { "9999-12-31T23:59:59.999999Z", JT_LIFETIME_LAST_US },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t us;
        enum jt_problem_type expected =
            good[i].us > NOW ? JT_PROBLEM_NONE : JT_PROBLEM_EXPIRES_REFUSED;
        assert_int_equal(take(good[i].text, &us), expected);
        assert_true(us == good[i].us);
    }
}

static void what_is_no_time_and_what_is_over_is_told_apart(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "never",
                                       "2027-02-29T00:00:00Z",
                                       "2030-01-01T00:00:00",
                                       "2030-01-01 00:00:00Z",
                                       "2030-01-01T24:00:00Z",
                                       "2030-01-01T00:00:00.Z",
                                       "2030-01-01T00:00:00Zz",
                                       "10000-01-01T00:00:00Z" };
    uint64_t us;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(take(bad[i], &us), JT_PROBLEM_EXPIRES_MALFORMED);
    }
    static const char *const over[] = { "2027-01-15T08:00:00Z", "1970-01-01T00:00:00Z",
                                        "1969-12-31T23:59:59.9Z", "0001-01-01T00:00:00+15:59" };
    for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
        assert_int_equal(take(over[i], &us), JT_PROBLEM_EXPIRES_REFUSED);
    }
    json_t *others[] = { json_null(), json_integer(1900000000), json_true(), json_object(),
                         json_stringn("2030-01-01T00:00:00Z\0", 21) };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(jt_date_take(others[i], NOW, 0, &us), JT_PROBLEM_EXPIRES_MALFORMED);
        json_decref(others[i]);
    }
}

static void without_a_date_the_maximum_decides(void **state)
{
    (void)state;
    uint64_t us;
    assert_int_equal(jt_date_take(NULL, NOW, 0, &us), JT_PROBLEM_NONE);
    assert_true(us == JT_LIFETIME_ENDLESS);
    assert_int_equal(jt_date_take(NULL, NOW, 50, &us), JT_PROBLEM_NONE);
    assert_true(us == NOW + UINT64_C(50000000));
}

static void dates_are_written_as_they_are_read(void **state)
{
    (void)state;
    static const struct {
        uint64_t us;
        const char *text;
    } dates[] = { { JT_LIFETIME_ENDLESS, "{\"x\":null}" },
                  { NOW, "{\"x\":\"2027-01-15T08:00:00Z\"}" },
                  { NOW + 20, "{\"x\":\"2027-01-15T08:00:00.000020Z\"}" },
                  { JT_LIFETIME_LAST_US, "{\"x\":\"9999-12-31T23:59:59.999999Z\"}" } };
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct jt_buf out;
        jt_buf_init(&out, 200);
        jt_buf_u8(&out, '{');
        jt_date_write(&out, "x", dates[i].us);
        jt_buf_u8(&out, '}');
        assert_int_equal(out.len, strlen(dates[i].text));
        assert_memory_equal(out.data, dates[i].text, out.len);
        jt_buf_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_to_the_microsecond),
        cmocka_unit_test(what_is_no_time_and_what_is_over_is_told_apart),
        cmocka_unit_test(without_a_date_the_maximum_decides),
        cmocka_unit_test(dates_are_written_as_they_are_read),
    };
    return cmocka_run_group_tests_name("api/dates", tests, NULL, NULL);
}
