/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the ring beside writers: the two sides of the ring lock, and the states that a change
 * must find.
 */
#include "tests/db/fixture.h"

#include "base/clock.h"
#include "store/clients.h"
#include "store/retirements.h"
#include "store/ring.h"
#include "model/certificate.h"

#include <stdio.h>
#include <string.h>

static struct fx_result result;
static const struct jt_act alice = { .node = "node-1", .actor = "alice" };
static const struct jt_act bob = { .node = "node-2", .actor = "bob" };

static struct fx_lane *open_lane(const struct fx *fx)
{
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(lane);
    return lane;
}

static void the_first_ring_is_stored_once(void **state)
{
    struct fx *fx = *state;
    struct jt_ring_row ring = { .epoch = 1, .body_len = 3, .body = { 9, 9, 9 } };
    const struct jt_client_change first = {
        .row = { .spec = { .id = "second", .permissions = JT_MAY_ALL }, .state = 1, .revision = 1 },
        .set = { .kind = JT_SET_CLIENTS, .version = 1, .n = 1 }
    };
    assert_int_equal(jt_ring_first(fx->db, &ring, &first), JT_ERR_RING_THERE);
    struct jt_client_row client;
    assert_int_equal(jt_client_get(fx->db, "second", &client), JT_ERR_NO_CLIENT);
    assert_int_equal(jt_client_get(fx->db, "first", &client), JT_OK);
    assert_int_equal(client.spec.permissions, JT_MAY_ALL);
    assert_int_equal(jt_ring_read(fx->db, &ring), JT_OK);
    assert_int_equal(ring.epoch, 1);
    assert_int_equal(ring.body_len, 20);
    fx_exec(fx->plain, "DELETE FROM ring");
    assert_int_equal(jt_ring_read(fx->db, &ring), JT_ERR_NOT_INITIALIZED);
}

static void a_roll_moves_states_times_and_epoch_together(void **state)
{
    struct fx *fx = *state;
    bool busy;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    assert_int_equal(fx_try_activate(fx, fx->db, 1, 0, &busy), JT_OK);
    assert_int_equal(fx_try_activate(fx, fx->db, 2, 1, &busy), JT_OK);
    struct jt_generation_info one, two;
    assert_int_equal(jt_generation_get(fx->db, 1, &one), JT_OK);
    assert_int_equal(jt_generation_get(fx->db, 2, &two), JT_OK);
    assert_int_equal(one.row.state, JT_GENERATION_DRAINING);
    assert_int_equal(two.row.state, JT_GENERATION_ACTIVE);
    assert_string_equal(two.activated_by, "tester");
    assert_string_equal(one.holder_override, "test of 1"); /* each keeps its own */
    assert_string_equal(two.holder_override, "test of 2");
    assert_string_equal(one.draining_at, two.activated_at);
    assert_int_equal(strlen(one.draining_at), 24);
    assert_string_equal(one.retired_at, "");
    struct jt_ring_row ring;
    assert_int_equal(jt_ring_read(fx->db, &ring), JT_OK);
    assert_int_equal(ring.epoch, 3);
    assert_int_equal(ring.body_len, 39);
}

static void a_change_from_a_stale_epoch_or_a_wrong_state_changes_nothing(void **state)
{
    struct fx *fx = *state;
    bool busy;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    fx->epoch--;
    assert_int_equal(fx_try_activate(fx, fx->db, 2, 1, &busy), JT_ERR_RING_MOVED);
    assert_false(busy);
    fx->epoch++;
    /* active already */
    assert_int_equal(fx_try_activate(fx, fx->db, 1, 0, &busy), JT_ERR_WRONG_STATE);
    /* a second active one */
    assert_int_equal(fx_try_activate(fx, fx->db, 2, 0, &busy), JT_ERR_DB_DUPLICATE);
    assert_int_equal(fx_try_activate(fx, fx->db, 3, 1, &busy),
                     JT_ERR_WRONG_STATE); /* unknown; 1 must not be draining now */
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM generation WHERE state = 2 AND number = 1"), 1);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM generation WHERE state = 1 AND number = 2"), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT epoch FROM ring"), (int64_t)fx->epoch);
    const struct jt_ring_row next = { .epoch = fx->epoch + 1 };
    const struct jt_generation_row row = { .number = 1,
                                           .key_id = 1,
                                           .state = JT_GENERATION_RETIRED };
    const struct jt_ring_change unproved = {
        .from_epoch = fx->epoch, .next = &next, .rows = &row, .n_rows = 1, .act = &fx_act
    };
    assert_int_equal(jt_ring_change(fx->db, &unproved, &busy), JT_ERR_INVALID);
}

static void a_held_writer_delays_the_change_and_not_the_traffic(void **state)
{
    struct fx *fx = *state;
    bool busy;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    fx_exec(fx->plain, "BEGIN; SELECT pg_advisory_xact_lock_shared(" JT_RING_LOCK ")");
    for (uint64_t i = 0; i < 3; i++) {
        int64_t start = jt_clock_ms();
        assert_int_equal(fx_try_activate(fx, fx->db, 2, 1, &busy), JT_ERR_DB_PASSING);
        assert_true(busy);
        assert_true(jt_clock_ms() - start < 2000);
        struct fx_card card = fx_card(1, i, 1);
        fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
        assert_int_equal(result.err, JT_OK);
        assert_true(result.found[0]);
    }
    fx_exec(fx->plain, "COMMIT");
    assert_int_equal(fx_try_activate(fx, fx->db, 2, 1, &busy), JT_OK);
    assert_false(busy);
    fx_lane_free(lane);
}

static void only_our_own_fronts_that_are_stuck_are_ended(void **state)
{
    struct fx *fx = *state;
    static const char *const names[] = { "jetond tokenize", "jetond idle", "somebody" };
    PGconn *conns[3];
    for (size_t i = 0; i < 3; i++) {
        conns[i] = fx_connect();
        char sql[100];
        (void)snprintf(sql, sizeof sql, "SET application_name = '%s'", names[i]);
        fx_exec(conns[i], sql);
    }
    fx_exec(conns[0], "BEGIN; SELECT pg_advisory_xact_lock_shared(" JT_RING_LOCK ")");
    fx_exec(conns[1], "BEGIN; SELECT pg_advisory_xact_lock_shared(1)"); /* another lock */
    /* not a front */
    fx_exec(conns[2], "BEGIN; SELECT pg_advisory_xact_lock_shared(" JT_RING_LOCK ")");
    int n_ended;
    struct jt_ring_holder holder;
    assert_int_equal(jt_ring_foreign_holder(fx->db, &holder), JT_OK);
    assert_int_equal(holder.process, PQbackendPID(conns[2]));
    assert_string_equal(holder.user, PQuser(conns[2]));
    assert_int_equal(jt_ring_end_stuck(fx->db, 3600000, &n_ended), JT_OK); /* none is that old */
    assert_int_equal(n_ended, 0);
    assert_int_equal(jt_ring_end_stuck(fx->db, 0, &n_ended), JT_OK);
    assert_int_equal(n_ended, 1);
    fx_await(fx->plain, "SELECT (count(*) = 0)::int FROM pg_stat_activity WHERE application_name = "
                        "'jetond tokenize'");
    for (size_t i = 1; i < 3; i++) {
        fx_exec(conns[i], "COMMIT");
    }
    assert_int_equal(jt_ring_foreign_holder(fx->db, &holder), JT_ERR_NO_ROW);
    for (size_t i = 0; i < 3; i++) {
        PQfinish(conns[i]);
    }
}

/*
 * The transaction begins and waits for the lock while the ring changes: the check and the writes
 * must see the change, although the transaction is older. (Lock and check in one statement, or a
 * snapshot of the whole transaction, would not.)
 */
static void a_writer_that_waited_through_a_roll_writes_nothing(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card card = fx_card(1, 1, 1);
    fx_exec(fx->plain, "BEGIN; SELECT pg_advisory_xact_lock(" JT_RING_LOCK ")");
    fx_tokenize_start(lane, fx->epoch, 1, NULL, 0, &card, 1);
    fx_await_waiting(fx, "test_pipe", 1);
    fx_exec(fx->plain, "UPDATE generation SET state = 3 WHERE number = 1; UPDATE generation SET "
                       "state = 2 WHERE number "
                       "= 2; "
                       "UPDATE ring SET epoch = epoch + 1; COMMIT");
    fx_wait(lane, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.check.epoch, fx->epoch + 1);
    assert_false(result.found[0]);
    assert_int_equal(fx_number(fx->plain, "SELECT (SELECT count(*) FROM card) + "
                                          "(SELECT count(*) FROM audit WHERE action = 1)"),
                     0);
    fx_lane_free(lane);
}

static void a_mover_that_waited_through_a_retirement_writes_nothing(void **state)
{
    struct fx *fx = *state;
    for (uint64_t g = 1; g <= 3; g++) {
        fx_create_generation(fx, g);
    }
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card card = fx_card(1, 1, 1), moved = fx_card(1, 1, 2);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    fx_activate(fx, 2);
    fx_exec(fx->plain, "BEGIN; SELECT pg_advisory_xact_lock(" JT_RING_LOCK ")");
    const struct jt_card_row row = fx_row(&card);
    const struct jt_card_move move = { &row, moved.envelope, 25, moved.fingerprint };
    const struct jt_move_txn txn = {
        .epoch = fx->epoch, .from = fx_key(1), .to = fx_key(2), .writer = 9, .moves = &move, .n = 1
    };
    fx_move_start(lane, &txn);
    fx_await_waiting(fx, "test_pipe", 1);
    fx_exec(fx->plain, "UPDATE generation SET state = 3 WHERE number = 2; UPDATE generation SET "
                       "state = 2 WHERE number "
                       "= 3; "
                       "UPDATE ring SET epoch = epoch + 1; COMMIT");
    fx_wait(lane, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.n_moved, 0);
    assert_int_equal(result.check.epoch, fx->epoch + 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 1"), 1);
    fx_lane_free(lane);
}

static void retirement_needs_a_job_and_no_card_left(void **state)
{
    struct fx *fx = *state;
    bool busy, unused;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card card = fx_card(1, 1, 1), moved = fx_card(1, 1, 2);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    fx_activate(fx, 2);
    struct jt_retirement_facts facts = { .node = "node-1" };

    assert_int_equal(jt_generation_is_unused(fx->db, 1, &unused), JT_OK);
    assert_false(unused);
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_ERR_NOT_EMPTY); /* a card is left */
    const struct jt_card_row row = fx_row(&card);
    const struct jt_card_move move = { &row, moved.envelope, 25, moved.fingerprint };
    const struct jt_move_txn txn = {
        .epoch = fx->epoch, .from = fx_key(1), .to = fx_key(2), .writer = 9, .moves = &move, .n = 1
    };
    fx_move(lane, &txn, &result);
    assert_int_equal(result.n_moved, 1);
    assert_int_equal(jt_generation_is_unused(fx->db, 1, &unused), JT_OK);
    assert_true(unused);
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_ERR_NO_JOB);        /* no job */
    assert_int_equal(jt_retirement_open(fx->db, 2, &alice), JT_ERR_WRONG_STATE); /* active */
    assert_int_equal(jt_retirement_open(fx->db, 7, &alice), JT_ERR_NO_GENERATION);
    assert_int_equal(jt_retirement_open(fx->db, 1, &alice), JT_OK);
    assert_int_equal(jt_retirement_open(fx->db, 1, &bob), JT_OK);

    fx_exec(fx->plain, "BEGIN; SELECT pg_advisory_xact_lock_shared(" JT_RING_LOCK ")");
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_ERR_DB_PASSING);
    assert_true(busy);
    fx_exec(fx->plain, "COMMIT");
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_OK);
    assert_int_equal(facts.generation, 1);
    assert_int_equal(facts.rows_written, 1);
    assert_int_equal(facts.rows_moved_in, 0);
    assert_int_equal(facts.rows_moved_out, 1);
    assert_int_equal(facts.rows_left, 0);
    assert_int_equal(facts.epoch, fx->epoch);
    assert_int_equal(facts.timeline, 1);
    assert_true(facts.lsn > 0);
    assert_string_equal(facts.actor, "alice");
    assert_string_equal(facts.node, "node-1");
    assert_int_equal(facts.system_identifier,
                     (uint64_t)fx_number(fx->plain, "SELECT system_identifier FROM "
                                                    "pg_control_system()"));
    assert_int_equal(
        fx_number(fx->plain, "SELECT (pg_current_wal_insert_lsn() >= lsn)::int FROM retirement"),
        1);
    assert_int_equal(fx_number(fx->plain,
                               "SELECT count(*) FROM generation WHERE number = 1 AND state = 4 AND "
                               "retired_by = 'tester'"),
                     1);
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy),
                     JT_ERR_WRONG_STATE); /* no longer draining */
    fx_lane_free(lane);
}

/*
 * The index entries of moved rows stay while an old snapshot may see them, and the proof walks them
 * all. A row policy that sleeps stands for millions of them.
 */
static void a_proof_that_takes_long_is_cut_short_under_the_lock(void **state)
{
    struct fx *fx = *state;
    bool busy;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card card = fx_card(1, 1, 1), late = fx_card(1, 2, 2);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    fx_activate(fx, 2);
    assert_int_equal(jt_retirement_open(fx->db, 1, &alice), JT_OK);
    fx_exec(fx->plain, "ALTER TABLE card RENAME TO real_card; "
                       "CREATE VIEW card AS SELECT * FROM real_card WHERE pg_sleep(10) IS NULL");
    struct jt_retirement_facts facts = { .node = "node-1" };
    int64_t start = jt_clock_ms();
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_ERR_DB_PASSING);
    assert_true(busy);
    assert_true(jt_clock_ms() - start < 1500);
    fx_exec(fx->plain, "DROP VIEW card; ALTER TABLE real_card RENAME TO card");
    /* nothing is left of the attempt */
    fx_tokenize(lane, fx->epoch, 2, NULL, 0, &late, 1, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.found[0]);
    fx_exec(fx->plain, "DELETE FROM card WHERE key_id = 1");
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_OK);
    assert_false(busy);
    fx_lane_free(lane);
}

static void assert_same_facts(const struct jt_retirement_facts *a,
                              const struct jt_retirement_facts *b)
{
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->rows_written, b->rows_written);
    assert_int_equal(a->rows_moved_in, b->rows_moved_in);
    assert_int_equal(a->rows_moved_out, b->rows_moved_out);
    assert_int_equal(a->rows_left, b->rows_left);
    assert_int_equal(a->lsn, b->lsn);
    assert_int_equal(a->timeline, b->timeline);
    assert_int_equal(a->system_identifier, b->system_identifier);
    assert_int_equal(a->epoch, b->epoch);
    assert_string_equal(a->started_at, b->started_at);
    assert_string_equal(a->retired_at, b->retired_at);
    assert_string_equal(a->node, b->node);
    assert_string_equal(a->actor, b->actor);
}

static void a_job_goes_from_open_to_certified(void **state)
{
    struct fx *fx = *state;
    bool busy;
    struct jt_retirement job;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    fx_activate(fx, 2);
    assert_int_equal(jt_retirement_next(fx->db, 0, &job), JT_ERR_NO_RETIREMENT);
    assert_int_equal(jt_retirement_open(fx->db, 1, &alice), JT_OK);
    assert_int_equal(jt_retirement_next(fx->db, 0, &job), JT_OK);
    assert_int_equal(job.generation, 1);
    assert_int_equal(job.key_id, 1);
    assert_int_equal(job.state, JT_RETIREMENT_DRAINING);
    assert_string_equal(job.actor, "alice");
    assert_int_equal(strlen(job.facts.started_at), 24);

    struct jt_certificate certificate = { .text = "generation: 1\nrows left: 0\n", .text_len = 27 };
    memset(certificate.signature, 0x51, sizeof certificate.signature);
    memset(certificate.public_key, 0x52, sizeof certificate.public_key);
    /* not retired yet */
    assert_int_equal(jt_retirement_certify(fx->db, 1, &certificate), JT_ERR_NO_CHANGE);
    struct jt_retirement_facts facts = { .node = "node-1" };
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_OK);
    assert_int_equal(jt_retirement_next(fx->db, 0, &job), JT_OK);
    assert_int_equal(job.state, JT_RETIREMENT_RETIRED);
    assert_same_facts(&job.facts, &facts);
    assert_int_equal(jt_retirement_certify(fx->db, 1, &certificate), JT_OK);
    assert_int_equal(jt_retirement_next(fx->db, 0, &job), JT_ERR_NO_RETIREMENT);
    assert_int_equal(jt_retirement_get(fx->db, 1, &job), JT_OK);
    assert_int_equal(job.state, JT_RETIREMENT_CERTIFIED);
    assert_string_equal(job.certificate.text, certificate.text);
    assert_int_equal(job.certificate.text_len, certificate.text_len);
    assert_memory_equal(job.certificate.signature, certificate.signature,
                        sizeof certificate.signature);
    assert_memory_equal(job.certificate.public_key, certificate.public_key,
                        sizeof certificate.public_key);
    assert_int_equal(jt_retirement_open(fx->db, 1, &alice), JT_ERR_WRONG_STATE);
    assert_int_equal(jt_retirement_get(fx->db, 2, &job), JT_ERR_NO_RETIREMENT);
}

static void open_jobs_have_their_turn_one_after_the_other(void **state)
{
    struct fx *fx = *state;
    struct jt_retirement job;
    for (uint64_t g = 1; g <= 4; g++) {
        fx_create_generation(fx, g);
        fx_activate(fx, g);
    }
    static const uint64_t opened[] = { 3, 1, 2 };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(jt_retirement_open(fx->db, opened[i], &alice), JT_OK);
    }
    static const struct {
        uint64_t after, next;
    } turns[] = { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 3, 1 }, { 99, 1 } };
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        assert_int_equal(jt_retirement_next(fx->db, turns[i].after, &job), JT_OK);
        assert_int_equal(job.generation, turns[i].next);
    }
    bool busy;
    struct jt_retirement_facts facts = { .node = "node-1" };
    const struct jt_certificate certificate = { .text = "x", .text_len = 1 };
    assert_int_equal(fx_try_retire(fx, 2, &facts, &busy), JT_OK);
    assert_int_equal(jt_retirement_next(fx->db, 1, &job), JT_OK);
    assert_int_equal(job.generation, 2); /* retired, but not certified */
    assert_int_equal(jt_retirement_certify(fx->db, 2, &certificate), JT_OK);
    assert_int_equal(jt_retirement_next(fx->db, 1, &job), JT_OK);
    assert_int_equal(job.generation, 3);
}

static void abandoned_generations_come_page_by_page(void **state)
{
    struct fx *fx = *state;
    static struct jt_generation_rows rows;
    static struct jt_generation_row page[JT_GENERATIONS_MAX];
    size_t n;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    fx_exec(fx->plain,
            "INSERT INTO generation (number, key_id, state, check_value, mac_epoch, mac, "
            "created_by, destroyed_at, destroyed_by) SELECT n, 9, 5, '12345678', 1, "
            "'1234567890123456', 'x', now(), 'x' FROM generate_series(2, 301) AS n");
    assert_int_equal(jt_generations_read(fx->db, &rows), JT_OK);
    assert_true(rows.n == 1 && rows.n_abandoned == 300);
    assert_int_equal(jt_generations_abandoned(fx->db, INT64_MAX, page, &n), JT_OK);
    assert_true(n == JT_GENERATIONS_MAX && page[0].number == 301 && page[n - 1].number == 47);
    assert_int_equal(page[0].state, JT_GENERATION_FUTURE); /* as they were MACed */
    assert_int_equal(jt_generations_abandoned(fx->db, 47, page, &n), JT_OK);
    assert_true(n == 45 && page[44].number == 2);
    assert_int_equal(jt_generations_abandoned(fx->db, 2, page, &n), JT_OK);
    assert_int_equal(n, 0);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(the_first_ring_is_stored_once),
        fx_vault_test(a_roll_moves_states_times_and_epoch_together),
        fx_vault_test(a_change_from_a_stale_epoch_or_a_wrong_state_changes_nothing),
        fx_vault_test(a_held_writer_delays_the_change_and_not_the_traffic),
        fx_vault_test(only_our_own_fronts_that_are_stuck_are_ended),
        fx_vault_test(a_writer_that_waited_through_a_roll_writes_nothing),
        fx_vault_test(a_mover_that_waited_through_a_retirement_writes_nothing),
        fx_vault_test(retirement_needs_a_job_and_no_card_left),
        fx_vault_test(a_proof_that_takes_long_is_cut_short_under_the_lock),
        fx_vault_test(a_job_goes_from_open_to_certified),
        fx_vault_test(open_jobs_have_their_turn_one_after_the_other),
        fx_vault_test(abandoned_generations_come_page_by_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
