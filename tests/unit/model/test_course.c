/* SPDX-License-Identifier: Apache-2.0 */
#include "model/course.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct jt_course seen = {
    .system_identifier = 7, .timeline = 2, .lsn = 100, .renewals = { [1] = 5, [255] = 9 }
};

static void what_goes_on_is_taken(void **state)
{
    (void)state;
    struct jt_course now = seen, none = { .system_identifier = 0 };
    assert_int_equal(jt_course_follows(&none, &now), JT_OK);
    assert_int_equal(jt_course_follows(&seen, &now), JT_OK);
    now.lsn = 101;
    now.renewals[1] = 6;
    now.renewals[3] = 1; /* a node that is new */
    assert_int_equal(jt_course_follows(&seen, &now), JT_OK);
    /* another server took over: its log is told from the place where it did */
    now.timeline = 3;
    now.lsn = 90;
    assert_int_equal(jt_course_follows(&seen, &now), JT_OK);
    assert_true(jt_course_renewals(&now) == 16);
}

static void what_went_back_is_named(void **state)
{
    (void)state;
    struct jt_course now = seen;
    now.system_identifier = 8;
    assert_int_equal(jt_course_follows(&seen, &now), JT_ERR_OTHER_CLUSTER);
    now = seen;
    now.timeline = 1;
    now.lsn = 1000;
    assert_int_equal(jt_course_follows(&seen, &now), JT_ERR_OLD_TIMELINE);
    now = seen;
    now.lsn = 99;
    now.renewals[1] = 50;
    assert_int_equal(jt_course_follows(&seen, &now), JT_ERR_LOG_BEHIND);
    /* what others have renewed meanwhile hides nothing */
    now = seen;
    now.timeline = 3;
    now.renewals[255] = 8;
    now.renewals[1] = 500;
    assert_int_equal(jt_course_follows(&seen, &now), JT_ERR_TAIL_LOST);
    now.timeline = 2;
    assert_int_equal(jt_course_follows(&seen, &now), JT_ERR_TAIL_LOST);
    assert_true(jt_course_is_reason(JT_ERR_TAIL_LOST));
    assert_false(jt_course_is_reason(JT_ERR_WENT_BACK));
}

static void it_is_told_in_a_line(void **state)
{
    (void)state;
    char text[JT_COURSE_TEXT];
    const struct jt_course longest = { .system_identifier = UINT64_MAX,
                                       .timeline = UINT32_MAX,
                                       .lsn = UINT64_MAX,
                                       .renewals = { [9] = UINT64_MAX } };
    jt_course_format(&seen, text);
    assert_string_equal(text, "cluster 7, timeline 2, log 0/64, 14 renewals");
    jt_course_format(&longest, text);
    assert_string_equal(text, "cluster 18446744073709551615, timeline 4294967295, log "
                              "FFFFFFFF/FFFFFFFF, 18446744073709551615 renewals");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_on_is_taken),
        cmocka_unit_test(what_went_back_is_named),
        cmocka_unit_test(it_is_told_in_a_line),
    };
    return cmocka_run_group_tests_name("model/course", tests, NULL, NULL);
}
