/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of a retirement on a real database: no card in two of them, each in one, whoever dies; and
 * the notes of cards that are stuck.
 */
#include "tests/db/fixture.h"

#include "store/retirement_ranges.h"
#include "store/retirements.h"
#include "store/stuck.h"

#include <pthread.h>
#include <string.h>

#define N     100
#define PIECE 30

/* Workers of two nodes, of which only one has a row in table node: claims need none. */
static const struct jt_node_spec near = { .name = "near", .number = 1, .incarnation = { 1 } };
static const struct jt_node_spec far = { .name = "far", .number = 2, .incarnation = { 2 } };
static const struct jt_range_owner one = { &near, 1 }, two = { &far, 1 };
static const struct jt_worker_note quiet = { .moved_in_1000_s = 1000 };

/* N cards under generation 1, which drains, with a job. */
static void open_job(struct fx *fx)
{
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    fx_exec(fx->plain,
            "INSERT INTO card (id, field, fp, envelope) SELECT i, 1, md5('f' || i)::uuid, "
            "decode('01' || repeat('ee', 24), 'hex') FROM generate_series(1, 100) i");
    fx_activate(fx, 2);
    assert_int_equal(jt_retirement_open(fx->db, 1, &fx_act), JT_OK);
}

static struct jt_retirement_range claim(struct fx *fx, const struct jt_range_owner *owner)
{
    struct jt_retirement_range range;
    assert_int_equal(jt_range_claim(fx->db, 1, owner, PIECE, &range), JT_OK);
    return range;
}

static size_t cards_in(struct fx *fx, const struct jt_retirement_range *range)
{
    struct jt_card_row rows[N];
    struct jt_card_cursor cursor = range->cursor;
    size_t n;
    assert_int_equal(jt_cards_stragglers(fx->db, range->key_id, &cursor, range->to, rows, N, &n),
                     JT_OK);
    return n;
}

static void ranges_follow_one_another_without_gap_or_overlap(void **state)
{
    struct fx *fx = *state;
    struct jt_pass pass;
    struct jt_retirement_range none;
    open_job(fx);
    struct jt_card_cursor at = { 0 };
    size_t sum = 0;
    for (int i = 0; i < 4; i++) {
        struct jt_retirement_range range = claim(fx, i % 2 == 0 ? &one : &two);
        assert_true(range.from.id == at.id && range.cursor.id == at.id);
        assert_int_equal(range.key_id, 1);
        assert_int_equal(cards_in(fx, &range), i < 3 ? PIECE : N - 3 * PIECE);
        at = range.to;
        sum += cards_in(fx, &range);
        assert_int_equal(jt_pass_look(fx->db, 1, &pass), JT_OK);
        assert_true(!pass.is_over && pass.to_have == (i < 3));
        assert_int_equal(jt_range_end(fx->db, &range, i % 2 == 0 ? &one : &two), JT_OK);
    }
    assert_int_equal(sum, N);
    assert_int_equal(jt_range_claim(fx->db, 1, &one, PIECE, &none), JT_ERR_NO_ROW);
    assert_int_equal(jt_pass_look(fx->db, 1, &pass), JT_OK);
    assert_true(pass.is_over && !pass.to_have);
    assert_int_equal(jt_pass_begin(fx->db, 1), JT_OK);
    assert_int_equal(jt_pass_begin(fx->db, 1), JT_ERR_NO_CHANGE); /* somebody else was quicker */
    assert_true(claim(fx, &two).from.id == 0);
}

static struct jt_retirement_range claimed;

static void *claim_aside(void *arg)
{
    struct jt_db *db;
    (void)arg;
    assert_int_equal(jt_db_new(fx_conninfo(), "claims aside", 10000, &db), JT_OK);
    assert_int_equal(jt_range_claim(db, 1, &two, PIECE, &claimed), JT_OK);
    jt_db_free(db);
    return NULL;
}

/* The second goes on from where the first one ended, and not from what it saw before it waited. */
static void two_who_claim_at_once_get_two_ranges(void **state)
{
    struct fx *fx = *state;
    pthread_t thread;
    open_job(fx);
    PGconn *first = fx_connect();
    fx_exec(first, "BEGIN; UPDATE retirement SET walked_id = 42 WHERE generation = 1");
    assert_int_equal(pthread_create(&thread, NULL, claim_aside, NULL), 0);
    fx_await_waiting(fx, "claims aside", 1);
    fx_exec(first, "COMMIT");
    pthread_join(thread, NULL);
    assert_true(claimed.from.id == 42 && claimed.to.id == 42 + PIECE);
    PQfinish(first);
}

static void a_dead_workers_range_is_taken_over_at_its_cursor(void **state)
{
    struct fx *fx = *state;
    bool paused;
    open_job(fx);
    struct jt_retirement_range dead = claim(fx, &one);
    dead.cursor.id = 11;
    dead.n_moved = 10;
    dead.n_stuck = 1;
    assert_int_equal(jt_range_renew(fx->db, &dead, &one, &quiet, &paused), JT_OK);
    assert_false(paused);
    assert_true(claim(fx, &two).from.id == PIECE); /* while it lives, the next one */
    fx_exec(fx->plain, "UPDATE retirement_range SET claimed_until = now() - interval '1 s' "
                       "WHERE node = 'near'");
    struct jt_retirement_range taken = claim(fx, &two);
    assert_true(taken.from.id == 0 && taken.cursor.id == 11 && taken.to.id == PIECE);
    assert_true(taken.n_moved == 10 && taken.n_stuck == 1 && taken.key_id == 1);
    /* It was not dead. */
    assert_int_equal(jt_range_renew(fx->db, &dead, &one, &quiet, &paused), JT_ERR_RANGE_LOST);
    assert_int_equal(jt_range_end(fx->db, &dead, &one), JT_ERR_RANGE_LOST);
    assert_int_equal(jt_range_give_back(fx->db, &dead, &one), JT_ERR_RANGE_LOST);
    assert_int_equal(jt_range_end(fx->db, &taken, &two), JT_OK);
}

/* The planner believes what it counted last, and the table is mostly empty or nearly so. */
static void of_several_dead_workers_ranges_one_is_taken_over_at_a_time(void **state)
{
    struct fx *fx = *state;
    open_job(fx);
    fx_exec(fx->plain, "TRUNCATE retirement_range; ANALYZE retirement_range");
    for (int i = 0; i < 3; i++) {
        (void)claim(fx, &one);
    }
    fx_exec(fx->plain, "UPDATE retirement_range SET claimed_until = now() - interval '1 s'");
    for (uint64_t from = 0; from < 3 * PIECE; from += PIECE) {
        assert_true(claim(fx, &two).from.id == from);
    }
}

static void a_range_that_is_taken_over_now_is_passed_over(void **state)
{
    struct fx *fx = *state;
    open_job(fx);
    struct jt_retirement_range range = claim(fx, &one);
    assert_int_equal(jt_range_give_back(fx->db, &range, &one), JT_OK);
    PGconn *held = fx_connect();
    fx_exec(held, "BEGIN; SELECT 1 FROM retirement_range FOR UPDATE");
    assert_true(claim(fx, &two).from.id == PIECE); /* without waiting */
    fx_exec(held, "ROLLBACK");
    assert_true(claim(fx, &two).from.id == 0);
    PQfinish(held);
}

/* As after the server's clock was set back: nobody waits for an hour. */
static void a_claim_that_reaches_too_far_is_none(void **state)
{
    struct fx *fx = *state;
    struct jt_pass pass;
    struct jt_retirement_range none;
    open_job(fx);
    while (jt_range_claim(fx->db, 1, &one, PIECE, &none) == JT_OK) {
    }
    assert_int_equal(jt_pass_look(fx->db, 1, &pass), JT_OK);
    assert_false(pass.to_have);
    fx_exec(fx->plain, "UPDATE retirement_range SET claimed_until = now() + interval '1 hour' "
                       "WHERE from_id = 0");
    assert_int_equal(jt_pass_look(fx->db, 1, &pass), JT_OK);
    assert_true(pass.to_have);
    assert_true(claim(fx, &two).from.id == 0);
}

static void a_run_of_a_node_owns_its_ranges_and_not_the_next_run(void **state)
{
    struct fx *fx = *state;
    bool paused;
    open_job(fx);
    struct jt_retirement_range range = claim(fx, &one);
    const struct jt_node_spec again = { .name = "near", .number = 1, .incarnation = { 9 } };
    const struct jt_range_owner next = { &again, 1 };
    assert_int_equal(jt_range_renew(fx->db, &range, &next, &quiet, &paused), JT_ERR_RANGE_LOST);
    assert_int_equal(jt_range_renew(fx->db, &range, &one, &quiet, &paused), JT_OK);
}

static void nobody_works_on_a_paused_job(void **state)
{
    struct fx *fx = *state;
    bool paused;
    uint64_t generation;
    struct jt_retirement_range range;
    struct jt_retirement job;
    open_job(fx);
    range = claim(fx, &one);
    fx_chain(fx->db);
    assert_int_equal(jt_retirement_pause(fx->db, 1, true, &fx_act), JT_OK);
    assert_int_equal(jt_retirement_pause(fx->db, 1, true, &fx_act), JT_OK);
    assert_int_equal(jt_retirement_get(fx->db, 1, &job), JT_OK);
    assert_string_equal(job.paused_by, fx_act.actor);
    assert_int_equal(jt_range_renew(fx->db, &range, &one, &quiet, &paused), JT_OK);
    assert_true(paused);
    assert_int_equal(jt_range_claim(fx->db, 1, &two, PIECE, &range), JT_ERR_NO_ROW);
    assert_int_equal(jt_range_next_job(fx->db, 0, &generation), JT_ERR_NO_ROW);
    assert_int_equal(jt_retirement_pause(fx->db, 1, false, &fx_act), JT_OK);
    assert_int_equal(jt_range_next_job(fx->db, 0, &generation), JT_OK);
    assert_true(generation == 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action IN (56, 57)"),
                     2);
    assert_int_equal(jt_retirement_pause(fx->db, 2, true, &fx_act), JT_ERR_NO_RETIREMENT);
    fx_exec(fx->plain, "UPDATE retirement SET state = 2, retired_at = now(), node = '', "
                       "rows_written = 0, rows_moved_in = 0, rows_moved_out = 0, rows_left = 0, "
                       "lsn = '0/0', timeline = 1, system_identifier = 1, epoch = 1");
    assert_int_equal(jt_retirement_pause(fx->db, 1, true, &fx_act), JT_ERR_WRONG_STATE);
    assert_int_equal(jt_range_claim(fx->db, 1, &two, PIECE, &range), JT_ERR_NO_ROW);
}

static void workers_of_all_nodes_add_up_while_they_are_fresh(void **state)
{
    struct fx *fx = *state;
    struct jt_workers_seen seen;
    const struct jt_worker_note slow = { 500, JT_THROTTLE_RATE };
    bool paused;
    open_job(fx);
    struct jt_retirement_range a = claim(fx, &one), b = claim(fx, &two);
    assert_int_equal(jt_range_renew(fx->db, &a, &one, &slow, &paused), JT_OK);
    assert_int_equal(jt_range_renew(fx->db, &b, &two, &slow, &paused), JT_OK);
    assert_int_equal(jt_range_workers(fx->db, 1, &seen), JT_OK);
    assert_true(seen.n == 2 && seen.moved_in_1000_s == 1000);
    assert_int_equal(seen.throttled_by, JT_THROTTLE_RATE);
    fx_exec(fx->plain, "UPDATE retirement_worker SET noted_at = now() - interval '1 minute' "
                       "WHERE node = 'far'");
    assert_int_equal(jt_range_workers(fx->db, 1, &seen), JT_OK);
    assert_true(seen.n == 1 && seen.moved_in_1000_s == 500);
    const struct jt_range_owner keeper_of_jobs = { &far, 0 };
    const struct jt_worker_note old_snapshot = { 0, JT_THROTTLE_SNAPSHOT };
    fx_exec(fx->plain, "DELETE FROM retirement_worker");
    assert_int_equal(jt_worker_note(fx->db, 1, &keeper_of_jobs, &old_snapshot), JT_OK);
    assert_int_equal(jt_range_workers(fx->db, 1, &seen), JT_OK);
    assert_true(seen.n == 0 && seen.throttled_by == JT_THROTTLE_SNAPSHOT);
    assert_int_equal(jt_retirement_forget(fx->db, 1), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT (SELECT count(*) FROM retirement_range) + "
                                          "(SELECT count(*) FROM retirement_worker)"),
                     0);
}

static void stuck_cards_are_noted_once_and_listed_with_their_rows(void **state)
{
    struct fx *fx = *state;
    struct jt_stuck_seen seen[N];
    struct jt_stuck_counts counts;
    size_t n;
    open_job(fx);
    struct jt_stuck_card cards[] = {
        { .at = { 0, 30 }, .field = 1, .cause = JT_STUCK_CORRUPT },
        { .at = { 0, 10 }, .field = 1, .cause = JT_STUCK_FOREIGN },
        { .at = { 0, 5000 }, .field = 9, .cause = JT_STUCK_FIELD },
    };
    assert_int_equal(jt_stuck_put(fx->db, 1, cards, 3), JT_OK);
    fx_exec(fx->plain, "UPDATE stuck_card SET first_seen = '2020-02-02T02:02:02Z'");
    cards[0].cause = JT_STUCK_TWICE;
    assert_int_equal(jt_stuck_put(fx->db, 1, cards, 3), JT_OK);
    assert_int_equal(jt_stuck_list(fx->db, 1, 1, (struct jt_card_cursor){ 0 }, 0, seen, N, &n),
                     JT_OK);
    assert_int_equal(n, 3);
    assert_true(seen[0].card.at.id == 10 && seen[0].stands && seen[0].row.id == 10);
    assert_int_equal(seen[1].card.cause, JT_STUCK_TWICE);
    assert_string_equal(seen[1].first_seen, "2020-02-02T02:02:02.000Z");
    assert_false(seen[2].stands); /* there is no such row */
    assert_int_equal(jt_stuck_list(fx->db, 1, 1, seen[0].card.at, 1, seen, 1, &n), JT_OK);
    assert_true(n == 1 && seen[0].card.at.id == 5000);
    assert_int_equal(jt_stuck_count(fx->db, 1, &counts), JT_OK);
    assert_true(counts.all == 3 && counts.by_cause[JT_STUCK_TWICE] == 1);
    assert_int_equal(jt_stuck_forget(fx->db, 1, cards, 2), JT_OK);
    assert_int_equal(jt_stuck_count(fx->db, 1, &counts), JT_OK);
    assert_true(counts.all == 1 && counts.by_cause[JT_STUCK_FIELD] == 1);
    assert_int_equal(jt_stuck_count(fx->db, 2, &counts), JT_OK);
    assert_true(counts.all == 0);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(ranges_follow_one_another_without_gap_or_overlap),
        fx_vault_test(two_who_claim_at_once_get_two_ranges),
        fx_vault_test(a_dead_workers_range_is_taken_over_at_its_cursor),
        fx_vault_test(of_several_dead_workers_ranges_one_is_taken_over_at_a_time),
        fx_vault_test(a_range_that_is_taken_over_now_is_passed_over),
        fx_vault_test(a_claim_that_reaches_too_far_is_none),
        fx_vault_test(a_run_of_a_node_owns_its_ranges_and_not_the_next_run),
        fx_vault_test(nobody_works_on_a_paused_job),
        fx_vault_test(workers_of_all_nodes_add_up_while_they_are_fresh),
        fx_vault_test(stuck_cards_are_noted_once_and_listed_with_their_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
