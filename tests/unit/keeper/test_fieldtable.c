/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/fieldtable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct jt_fieldtable t;

static int setup(void **state)
{
    (void)state;
    t = (struct jt_fieldtable){ 0 };
    return 0;
}

static enum jt_err add(uint32_t id, bool dedup)
{
    const struct jt_field_spec spec = { .id = id, .kind = JT_FIELD_PAN, .dedup = dedup };
    const struct jt_field_row row = { .spec = spec, .state = JT_ROW_ACTIVE, .revision = 1 };
    return jt_fieldtable_add(&t, &row);
}

static void fields_are_found_with_what_their_rows_said(void **state)
{
    (void)state;
    assert_int_equal(add(7, true), JT_OK);
    assert_int_equal(add(3, false), JT_OK);
    assert_int_equal(add(0xffffffff, true), JT_OK);
    assert_int_equal(add(7, true), JT_OK); /* again */
    assert_int_equal(t.n, 3);
    assert_true(jt_fieldtable_find(&t, 7)->dedup);
    assert_false(jt_fieldtable_find(&t, 3)->dedup);
    assert_int_equal(jt_fieldtable_find(&t, 0xffffffff)->kind, JT_FIELD_PAN);
    assert_null(jt_fieldtable_find(&t, 4));
    struct jt_field_row row = { .spec = { .id = 3, .kind = JT_FIELD_PAN, .mask_eight = true },
                                .state = JT_ROW_REVOKED,
                                .revision = 5 };
    assert_int_equal(jt_fieldtable_add(&t, &row), JT_OK);
    assert_true(jt_fieldtable_find(&t, 3)->mask_eight);
    assert_null(jt_fieldtable_find_enabled(&t, 3));
    assert_non_null(jt_fieldtable_find_enabled(&t, 7));
    assert_null(jt_fieldtable_find_enabled(&t, 4));
    assert_int_equal(add(3, true), JT_OK); /* an older row that somebody put back */
    assert_null(jt_fieldtable_find_enabled(&t, 3));
    row.state = JT_ROW_ACTIVE;
    row.revision++;
    assert_int_equal(jt_fieldtable_add(&t, &row), JT_OK);
    assert_non_null(jt_fieldtable_find_enabled(&t, 3));
    jt_fieldtable_clear(&t);
    assert_null(jt_fieldtable_find(&t, 7));
    assert_int_equal(add(3, true), JT_OK); /* on an operator's word the older one counts */
    assert_false(jt_fieldtable_find(&t, 3)->mask_eight);
}

static void an_unknown_field_may_yet_come_until_the_set_is_whole(void **state)
{
    (void)state;
    assert_int_equal(add(7, true), JT_OK);
    assert_int_equal(jt_fieldtable_check(&t, 8, JT_ERR_NO_FIELD), JT_ERR_NO_FIELDS);
    t.complete = true;
    assert_int_equal(jt_fieldtable_check(&t, 8, JT_ERR_NO_FIELD), JT_ERR_NO_FIELD);
    assert_int_equal(jt_fieldtable_check(&t, 7, JT_ERR_NO_FIELD), JT_OK);
}

static void a_full_table_takes_no_more(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < JT_SET_MAX_FIELDS; i++) {
        assert_int_equal(add(2 * i + 1, true), JT_OK);
    }
    assert_int_equal(add(2, true), JT_ERR_SET_FULL);
    assert_int_equal(add(3, true), JT_OK); /* it is there */
}

#define TEST(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_are_found_with_what_their_rows_said),
        TEST(an_unknown_field_may_yet_come_until_the_set_is_whole),
        TEST(a_full_table_takes_no_more),
    };
    return cmocka_run_group_tests_name("keeper/fieldtable", tests, NULL, NULL);
}
