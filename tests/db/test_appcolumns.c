/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of applications as rows: with their field, and what was counted in them. */
#include "tests/db/fixture.h"

#include "store/appcolumns.h"
#include "store/fields.h"
#include "store/sets.h"

#include <stdio.h>
#include <string.h>

#define COLUMN "shop public.customer id pan pan_envelope"

static struct jt_field_change field;

static void change(struct fx *fx, const char *column, enum jt_audit_action action)
{
    field.row.revision++;
    field.set.version++;
    (void)snprintf(field.row.spec.column, sizeof field.row.spec.column, "%s", column);
    assert_int_equal(jt_field_update(fx->db, &field, action, &fx_act), JT_OK);
}

/* Field 7 with a column; generation 1. */
static int setup(void **state)
{
    int rc = fx_setup_vault(state);
    if (rc != 0) {
        return rc;
    }
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    field = (struct jt_field_change){
        .row = { .spec = { .id = 7, .name = "customers", .kind = JT_FIELD_PAN },
                 .state = JT_ROW_ACTIVE,
                 .revision = (uint64_t)fx_number(
                                 fx->plain,
                                 "SELECT coalesce(max(version), 0) FROM row_set WHERE kind = 2") +
                             1 },
        .set = { .kind = JT_SET_FIELDS, .n = 1 },
    };
    field.set.version = field.row.revision;
    assert_int_equal(jt_field_insert(fx->db, &field, &fx_act), JT_OK);
    change(fx, COLUMN, JT_AUDIT_COLUMN_ADD);
    return 0;
}
#define column_test(test) cmocka_unit_test_setup_teardown(test, setup, fx_teardown)

static struct jt_column_count count_of(uint64_t envelopes, const char *column)
{
    struct jt_column_count count = {
        .field = 7, .generation = 1, .envelopes = envelopes, .epoch = 5, .mac = { 1, 2 }
    };
    (void)snprintf(count.column, sizeof count.column, "%s", column);
    return count;
}

static enum jt_err put(struct fx *fx, uint64_t envelopes, const char *column)
{
    const struct jt_column_count count = count_of(envelopes, column);
    return jt_column_counts_put(fx->db, "customers", &count, 1, &fx_act);
}

struct found {
    size_t n;
    struct jt_column_count_row row;
};

static void note(void *arg, const struct jt_column_count_row *row)
{
    struct found *found = arg;
    found->n++;
    found->row = *row;
}

static struct found read_back(struct fx *fx)
{
    struct found by_field = { 0 }, by_generation = { 0 };
    assert_int_equal(jt_column_counts_of_field(fx->db, 7, note, &by_field), JT_OK);
    assert_int_equal(jt_column_counts_of_generation(fx->db, 1, note, &by_generation), JT_OK);
    assert_int_equal(by_field.n, by_generation.n);
    return by_field;
}

struct fields {
    char column[JT_APP_COLUMN_MAX + 1];
};

static void note_field(void *arg, const struct jt_field_row *row)
{
    struct fields *found = arg;
    if (row->spec.id == 7) {
        memcpy(found->column, row->spec.column, sizeof found->column);
    }
}

static void a_column_stands_in_the_row_of_its_field(void **state)
{
    struct fx *fx = *state;
    struct jt_set_row set;
    struct fields found;
    assert_int_equal(jt_set_fields_since(fx->db, 0, &set, note_field, &found), JT_OK);
    assert_string_equal(found.column, COLUMN);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 86"), 1);
}

static void the_newest_count_stands(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(read_back(fx).n, 0);
    assert_int_equal(put(fx, 17, COLUMN), JT_OK);
    struct found found = read_back(fx);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.row.count.envelopes, 17);
    assert_int_equal(found.row.count.epoch, 5);
    assert_int_equal(found.row.count.mac[1], 2);
    assert_string_equal(found.row.counted_by, fx_act.actor);
    assert_int_equal(put(fx, 0, COLUMN), JT_OK);
    found = read_back(fx);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.row.count.envelopes, 0);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 88 AND "
                                          "object IN ('customers 1:17', 'customers 1:0')"),
                     2);
}

static void counts_go_with_their_column(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(put(fx, 0, COLUMN), JT_OK);
    change(fx, COLUMN, JT_AUDIT_FIELD_CHANGE); /* its rules */
    assert_int_equal(read_back(fx).n, 1);
    change(fx, "", JT_AUDIT_COLUMN_REMOVE);
    assert_int_equal(read_back(fx).n, 0);
    assert_int_equal(put(fx, 0, COLUMN), JT_ERR_FIELD_NO_COLUMN);
    change(fx, "shop public.other id pan pan_envelope", JT_AUDIT_COLUMN_ADD);
    assert_int_equal(put(fx, 0, COLUMN), JT_ERR_FIELD_NO_COLUMN);
    assert_int_equal(read_back(fx).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        column_test(a_column_stands_in_the_row_of_its_field),
        column_test(the_newest_count_stands),
        column_test(counts_go_with_their_column),
    };
    return cmocka_run_group_tests_name("db/appcolumns", tests, NULL, NULL);
}
