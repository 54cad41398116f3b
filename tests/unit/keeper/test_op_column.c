/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COLUMN_COUNT and COLUMN_CHECK: a count is made for a generation that seals nothing any more, at
 * the keeper's own epoch, and is good for that column, generation, number and epoch alone.
 */
#include "world.h"

#include "keyclient/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COLUMN "shop public.customer id pan pan_envelope"

/* Field A with another column than it has. */
static struct jt_field_row with_column(struct world *w, const char *column)
{
    struct jt_field_alter alter = { .was = { w->fields[0], w->field_set },
                                    .spec = w->fields[0].spec,
                                    .state = JT_ROW_ACTIVE };
    struct jt_field_change change;
    (void)snprintf(alter.spec.column, sizeof alter.spec.column, "%s", column);
    assert_int_equal(jt_keyclient_wait_field_change(w->kc, &alter, &change), JT_OK);
    return change.row;
}

static enum jt_err count(struct world *w, const struct jt_field_row *field,
                         const struct jt_generation_row *g, uint64_t epoch, uint64_t envelopes,
                         struct jt_column_count *out)
{
    const struct jt_column_counted counted = { *field, *g, epoch, envelopes };
    return jt_keyclient_wait_column_count(w->kc, &counted, out);
}

static void a_generation_is_counted_once_it_drains(void **state)
{
    struct world *w = *state;
    const struct jt_field_row field = with_column(w, COLUMN);
    struct jt_column_count made;
    struct jt_generation_row a = world_create(w);
    assert_int_equal(count(w, &field, &a, 1, 0, &made), JT_ERR_WRONG_STATE);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    assert_int_equal(count(w, &field, &a, 2, 0, &made), JT_ERR_WRONG_STATE);
    const struct jt_generation_row active = a;
    struct jt_generation_row b = world_create(w);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    assert_int_equal(count(w, &field, &b, 3, 0, &made), JT_ERR_WRONG_STATE);

    assert_int_equal(count(w, &field, &a, 3, 17, &made), JT_OK);
    assert_int_equal(made.field, FIELD_A);
    assert_string_equal(made.column, COLUMN);
    assert_int_equal(made.generation, 1);
    assert_int_equal(made.envelopes, 17);
    assert_int_equal(made.epoch, 3);
    assert_int_equal(count(w, &field, &a, 2, 0, &made), JT_ERR_COUNT_EPOCH);
    assert_int_equal(count(w, &field, &a, 4, 0, &made), JT_ERR_COUNT_EPOCH);
    assert_int_equal(count(w, &w->fields[0], &a, 3, 0, &made), JT_ERR_FIELD_NO_COLUMN);
    /* by the keeper's ring, not by the row that it is shown */
    assert_int_equal(count(w, &field, &active, 3, 0, &made), JT_OK);

    world_step(w, &a, JT_GENERATION_RETIRED, NULL);
    assert_int_equal(count(w, &field, &a, 4, 0, &made), JT_OK);
}

static void only_rows_of_keepers_are_counted(void **state)
{
    struct world *w = *state;
    struct jt_field_row field = with_column(w, COLUMN);
    struct jt_column_count made;
    struct jt_generation_row a = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_generation_row b = world_create(w);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    struct jt_generation_row other_key = a;
    other_key.key_id = 200; /* under which there is nothing to count */
    assert_int_equal(count(w, &field, &other_key, 3, 0, &made), JT_ERR_FORGED);
    field.spec.column[0] = 'x';
    assert_int_equal(count(w, &field, &a, 3, 0, &made), JT_ERR_FORGED);
}

static void nothing_of_a_count_can_be_changed(void **state)
{
    struct world *w = *state;
    const struct jt_field_row field = with_column(w, COLUMN);
    struct jt_column_count made;
    struct jt_generation_row a = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_generation_row b = world_create(w);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    assert_int_equal(count(w, &field, &a, 3, 17, &made), JT_OK);
    assert_int_equal(jt_keyclient_wait_column_check(w->kc, &made), JT_OK);
    struct jt_column_count altered = made;
    altered.envelopes = 0;
    assert_int_equal(jt_keyclient_wait_column_check(w->kc, &altered), JT_ERR_FORGED);
    altered = made;
    altered.epoch = 4;
    assert_int_equal(jt_keyclient_wait_column_check(w->kc, &altered), JT_ERR_FORGED);
    altered = made;
    altered.generation = 2;
    assert_int_equal(jt_keyclient_wait_column_check(w->kc, &altered), JT_ERR_FORGED);
    altered = made;
    altered.field = FIELD_B;
    assert_int_equal(jt_keyclient_wait_column_check(w->kc, &altered), JT_ERR_FORGED);
    altered = made;
    altered.column[0] = 'x';
    assert_int_equal(jt_keyclient_wait_column_check(w->kc, &altered), JT_ERR_FORGED);
    altered = made;
    altered.mac[15] ^= 1;
    assert_int_equal(jt_keyclient_wait_column_check(w->kc, &altered), JT_ERR_FORGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_generation_is_counted_once_it_drains),
        IN_A_WORLD(only_rows_of_keepers_are_counted),
        IN_A_WORLD(nothing_of_a_count_can_be_changed),
    };
    return cmocka_run_group_tests_name("keeper/op_column", tests, NULL, NULL);
}
