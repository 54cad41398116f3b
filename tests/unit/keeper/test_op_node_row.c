/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NODE_ROW and NODE_MARKS: what a keeper tells of its ids, what it remembers of others', and that
 * no number mints an id again, whoever has it.
 */
#include "inside.h"

#include "wire/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS (UINT64_C(3600) * 1000)

static struct jt_node_joined joined;
static const struct jt_node_spec spec = { .name = "node1", .number = NODE };

static enum jt_err node_row(struct inside *in, const struct jt_node_spec *node,
                            struct jt_node_row *out)
{
    struct jt_reader reply;
    jt_node_spec_encode(node, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_NODE_ROW, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_node_row_decode(&reply, out), JT_OK);
    }
    return err;
}

static struct jt_node_row row_of(struct inside *in, uint8_t number, uint64_t mark)
{
    struct jt_node_row row = { .spec = { .name = "other", .number = number }, .id_mark = mark };
    assert_int_equal(jt_rowmac_node(in->k->root, &row, row.mac), JT_OK);
    return row;
}

/* NODE_MARKS with rows that are all good. */
static void show(struct inside *in, const struct jt_node_row *rows, size_t n)
{
    enum jt_err verdicts[JT_WIRE_MAX_VERDICTS];
    struct jt_reader reply;
    jt_node_marks_encode(rows, n, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_NODE_MARKS, &reply), JT_OK);
    assert_int_equal(jt_verdicts_decode(&reply, n, verdicts), JT_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(verdicts[i], JT_OK);
    }
}

static enum jt_err join_renumbered(struct inside *in, uint8_t number)
{
    const struct jt_node_join join = { .spec = { .name = "node1", .number = number },
                                       .renumbered = true };
    struct jt_reader reply;
    jt_node_join_encode(&join, &in->payload);
    return inside_ask(in, JT_VERB_NODE_JOIN, &reply);
}

static uint64_t next_ms(struct inside *in)
{
    struct row row;
    inside_seal(in, 1, true, &row, 1);
    return jt_idmint_ms_of(row.id);
}

static void the_row_is_that_of_the_node_that_has_joined(void **state)
{
    struct inside *in = *state;
    struct jt_node_row row;
    assert_int_equal(node_row(in, &spec, &row), JT_ERR_NOT_JOINED);
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_int_equal(node_row(in, &spec, &row), JT_OK);
    assert_memory_equal(row.keeper, in->k->incarnation, sizeof row.keeper);
    assert_int_equal(jt_rowmac_node_check(in->k->root, &row), JT_OK);
    struct jt_node_spec other[3] = { spec, spec, spec };
    other[0].name[0] = 'm';
    other[1].number++;
    other[2].incarnation[0] ^= 1;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(node_row(in, &other[i], &row), JT_ERR_NOT_JOINED);
    }
    inside_restart(in, true);
    assert_int_equal(node_row(in, &spec, &row), JT_ERR_NOT_JOINED);
}

/* From the join on, and while nothing is minted too. */
static void the_mark_in_the_row_is_ahead_of_every_id(void **state)
{
    struct inside *in = *state;
    struct jt_node_row row;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_true(joined.row.id_mark >= jt_keeper_now_ms() + JT_IDMINT_RENEW_MS);
    assert_true(next_ms(in) < joined.row.id_mark);
    in->k->mint.last_ms += 40000; /* as if that much time had passed */
    assert_int_equal(node_row(in, &spec, &row), JT_OK);
    assert_true(row.id_mark > joined.row.id_mark);
    assert_true(row.id_mark >= in->k->mint.last_ms + JT_IDMINT_RENEW_MS);
    assert_true(in->k->state.id_mark == row.id_mark); /* and it is durable */
}

static void forged_rows_are_refused_alone(void **state)
{
    struct inside *in = *state;
    struct jt_node_row rows[3] = { row_of(in, 3, 100), row_of(in, 4, 200), row_of(in, 5, 300) };
    struct jt_reader reply;
    enum jt_err verdicts[3];
    rows[1].id_mark++;
    jt_node_marks_encode(rows, 3, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_NODE_MARKS, &reply), JT_OK);
    assert_int_equal(jt_verdicts_decode(&reply, 3, verdicts), JT_OK);
    assert_int_equal(verdicts[0], JT_OK);
    assert_int_equal(verdicts[1], JT_ERR_FORGED);
    assert_int_equal(verdicts[2], JT_OK);
    inside_restart(in, false);
    assert_int_equal(in->k->state.node_marks[3], 100);
    assert_int_equal(in->k->state.node_marks[4], 0);
    assert_int_equal(in->k->state.node_marks[5], 300);
}

static void a_mark_never_falls(void **state)
{
    struct inside *in = *state;
    struct jt_node_row high = row_of(in, 3, 500), low = row_of(in, 3, 400);
    show(in, &high, 1);
    show(in, &low, 1);
    assert_int_equal(in->k->state.node_marks[3], 500);
}

/* The database may have lost every row with such an id. */
static void a_number_that_changes_hands_begins_above_its_mark(void **state)
{
    struct inside *in = *state;
    uint64_t mark = jt_keeper_now_ms() + HOUR_MS / 2;
    struct jt_node_row other = row_of(in, NODE + 1, mark);
    show(in, &other, 1);
    assert_int_equal(inside_join(in, NODE + 1, NULL, 0, false, &joined), JT_OK);
    assert_true(next_ms(in) > mark);
    assert_true(joined.row.id_mark > mark);
}

static void another_number_is_taken_only_when_the_old_one_is_said_to_be_free(void **state)
{
    struct inside *in = *state;
    uint64_t mark = jt_keeper_now_ms() + HOUR_MS / 2;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    uint64_t under_old = joined.row.id_mark;
    struct jt_node_row other = row_of(in, NODE + 1, mark);
    show(in, &other, 1);
    assert_int_equal(inside_join(in, NODE + 1, NULL, 0, false, &joined), JT_ERR_NODE_CHANGED);
    assert_int_equal(join_renumbered(in, NODE + 1), JT_OK);
    assert_true(next_ms(in) > mark);
    inside_restart(in, false);
    assert_int_equal(in->k->state.node, NODE + 1);
    assert_true(in->k->state.node_marks[NODE] >= under_old); /* nobody begins below that */
    /* And back: above what it minted under the first number, whatever the clock says. */
    assert_int_equal(join_renumbered(in, NODE), JT_OK);
    assert_true(next_ms(in) > under_old);
}

/* Each start would begin a minute later than the one before, if the row were news. */
static void a_keepers_own_word_is_no_news_to_it(void **state)
{
    struct inside *in = *state;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    uint64_t used = next_ms(in);
    for (int i = 0; i < 5; i++) {
        struct jt_node_row own = joined.row;
        inside_restart(in, true);
        show(in, &own, 1);
        assert_true(in->k->state.id_mark == used);
        assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
        uint64_t next = next_ms(in);
        assert_true(next < used + JT_IDMINT_RENEW_MS);
        used = next;
    }
}

/* Its directory was put back from a copy: what it minted after that is in its row. */
static void an_older_directory_goes_on_above_its_own_row(void **state)
{
    struct inside *in = *state;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    struct jt_keeper_state copy = in->k->state;
    (void)next_ms(in);
    in->k->mint.last_ms += HOUR_MS; /* an hour of work */
    uint64_t used = next_ms(in);
    struct jt_node_row row;
    assert_int_equal(node_row(in, &spec, &row), JT_OK);
    assert_int_equal(jt_state_save(in->k->dir_fd, in->k->root, &copy), JT_OK);
    inside_restart(in, false);
    assert_true(in->k->state.id_mark < used);
    show(in, &row, 1);
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_true(next_ms(in) > used);
}

/* A copy of this directory serves elsewhere under the same number. */
static void a_higher_mark_of_its_own_number_moves_a_keeper_that_mints(void **state)
{
    struct inside *in = *state;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    struct jt_node_row twin = row_of(in, NODE, joined.row.id_mark + HOUR_MS);
    show(in, &twin, 1);
    assert_true(next_ms(in) > twin.id_mark);
}

static void nothing_is_saved_where_nothing_rose(void **state)
{
    struct inside *in = *state;
    struct jt_node_row row = row_of(in, 3, 100);
    show(in, &row, 1);
    struct jt_keeper_state other = in->k->state;
    other.highest_generation = 77;
    assert_int_equal(jt_state_save(in->k->dir_fd, in->k->root, &other), JT_OK);
    show(in, &row, 1);
    show(in, NULL, 0);
    inside_restart(in, false);
    assert_int_equal(in->k->state.highest_generation, 77); /* not written over */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(the_row_is_that_of_the_node_that_has_joined),
        IN_A_KEEPER(the_mark_in_the_row_is_ahead_of_every_id),
        IN_A_KEEPER(forged_rows_are_refused_alone),
        IN_A_KEEPER(a_mark_never_falls),
        IN_A_KEEPER(a_number_that_changes_hands_begins_above_its_mark),
        IN_A_KEEPER(another_number_is_taken_only_when_the_old_one_is_said_to_be_free),
        IN_A_KEEPER(a_keepers_own_word_is_no_news_to_it),
        IN_A_KEEPER(an_older_directory_goes_on_above_its_own_row),
        IN_A_KEEPER(a_higher_mark_of_its_own_number_moves_a_keeper_that_mints),
        IN_A_KEEPER(nothing_is_saved_where_nothing_rose),
    };
    return cmocka_run_group_tests_name("keeper/op_node_row", tests, NULL, NULL);
}
