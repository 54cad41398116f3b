/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletion on a real database: all of a batch or none, under the ring rule, beside re-encryption
 * and tokenizing of the same cards; and the tally stays exact.
 */
#include "tests/db/fixture.h"

#include "model/certificate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fx_result result;

#define N 20

/* N cards under generation 1, N more under generation 2, to which 1 drains. */
struct scene {
    struct fx_lane *lane;
    struct fx_card cards[2 * N];
    struct jt_card_doomed doomed[2 * N];
};

static struct scene *open_scene(struct fx *fx)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    s->lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(s->lane);
    for (uint64_t g = 1; g <= 2; g++) {
        fx_activate(fx, g);
        for (uint64_t i = (g - 1) * N; i < g * N; i++) {
            s->cards[i] = fx_card(1, i, g);
            s->doomed[i] = (struct jt_card_doomed){ .id = s->cards[i].id, .key_id = (uint8_t)g };
        }
        fx_tokenize(s->lane, fx->epoch, g, NULL, 0, s->cards + (g - 1) * N, N, &result);
        assert_int_equal(result.err, JT_OK);
    }
    return s;
}

static void close_scene(struct scene *s)
{
    fx_lane_free(s->lane);
    free(s);
}

static int64_t n_cards(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM card");
}

static int64_t n_audited(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 13");
}

/* Of each generation: what the tally says is what there is. */
static void check_tally(struct fx *fx)
{
    assert_int_equal(
        fx_number(fx->plain,
                  "SELECT count(*) FROM generation g WHERE (SELECT count(*) FROM card k WHERE "
                  "k.key_id = g.key_id) <> (SELECT coalesce(sum(written + moved_in - moved_out - "
                  "deleted), 0) FROM tally t WHERE t.generation = g.number)"),
        0);
}

static void nothing_was_written(struct fx *fx, int64_t n)
{
    assert_int_equal(n_cards(fx), n);
    assert_int_equal(n_audited(fx), 0);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(deleted) FROM tally"), 0);
}

static void cards_of_all_live_generations_go_and_are_counted(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    fx_delete(s->lane, fx->epoch, s->doomed + N - 5, 12, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.check.node_stands && result.all_there);
    assert_int_equal(result.n_deleted, 12);
    assert_int_equal(n_cards(fx), 2 * N - 12);
    assert_int_equal(n_audited(fx), 1);
    struct jt_generation_info one, two;
    assert_int_equal(jt_generation_get(fx->db, 1, &one), JT_OK);
    assert_int_equal(jt_generation_get(fx->db, 2, &two), JT_OK);
    assert_int_equal(one.rows_deleted, 5);
    assert_int_equal(two.rows_deleted, 7);
    assert_int_equal(jt_generation_rows(&one), N - 5);
    check_tally(fx);
    /* Nothing to delete is a request as well, and has its audit row. */
    fx_delete(s->lane, fx->epoch, s->doomed, 0, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.all_there);
    assert_int_equal(n_audited(fx), 2);
    close_scene(s);
}

static void one_that_is_not_there_keeps_all_from_going(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    fx_exec(fx->plain, "DELETE FROM card WHERE id = (SELECT max(id) FROM card WHERE key_id = 1)");
    fx_delete(s->lane, fx->epoch, s->doomed, N, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.check.node_stands);
    assert_false(result.all_there);
    nothing_was_written(fx, 2 * N - 1);
    s->doomed[0].key_id = 2; /* it stands under the other one */
    fx_delete(s->lane, fx->epoch, s->doomed, 1, &result);
    assert_false(result.all_there);
    nothing_was_written(fx, 2 * N - 1);
    close_scene(s);
}

static void another_epoch_or_node_deletes_nothing(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    fx_delete(s->lane, fx->epoch - 1, s->doomed, N, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.check.epoch, fx->epoch);
    assert_int_equal(result.n_deleted, 0);
    nothing_was_written(fx, 2 * N);
    fx_exec(fx->plain, "UPDATE generation SET state = 4 WHERE number = 1");
    fx_delete(s->lane, fx->epoch, s->doomed, N, &result);
    assert_int_equal(result.err, JT_ERR_RING_CONTRADICTED);
    nothing_was_written(fx, 2 * N);
    fx_exec(fx->plain, "DELETE FROM node");
    fx_delete(s->lane, fx->epoch, s->doomed + N, N, &result);
    assert_int_equal(result.err, JT_OK);
    assert_false(result.check.node_stands);
    nothing_was_written(fx, 2 * N);
    close_scene(s);
}

/* A row is moved to another generation in the moment in which it is to be deleted. */
static void a_row_that_moves_on_is_waited_for_and_reported(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    fx_exec(fx->plain, "BEGIN; UPDATE card SET envelope = set_byte(envelope, 0, 2), fp = "
                       "gen_random_uuid() WHERE id = (SELECT min(id) FROM card)");
    fx_delete_start(s->lane, fx->epoch, s->doomed, 3);
    fx_await_waiting(fx, "test_pipe", 1);
    fx_exec(fx->plain, "COMMIT");
    fx_wait(s->lane, &result);
    assert_int_equal(result.err, JT_OK);
    assert_false(result.all_there);
    nothing_was_written(fx, 2 * N);
    s->doomed[0].key_id = 2; /* seen again */
    fx_delete(s->lane, fx->epoch, s->doomed, 3, &result);
    assert_true(result.all_there);
    assert_int_equal(n_cards(fx), 2 * N - 3);
    close_scene(s);
}

static void a_move_leaves_alone_what_is_being_deleted(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct jt_card_row row = fx_row(&s->cards[0]);
    uint8_t envelope[25], fingerprint[16];
    memcpy(envelope, s->cards[0].envelope, sizeof envelope);
    envelope[0] = 2;
    fx_fingerprint(0, 2, fingerprint);
    const struct jt_card_move move = { &row, envelope, 25, fingerprint };
    const struct jt_move_txn txn = {
        .epoch = fx->epoch, .from = fx_key(1), .to = fx_key(2), .writer = 77, .moves = &move, .n = 1
    };
    fx_exec(fx->plain, "BEGIN; DELETE FROM card WHERE id = (SELECT min(id) FROM card)");
    fx_move(s->lane, &txn, &result);
    assert_int_equal(result.n_moved, 0);
    fx_exec(fx->plain, "COMMIT");
    fx_move(s->lane, &txn, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.n_moved, 0); /* it does not come back */
    assert_int_equal(n_cards(fx), 2 * N - 1);
    close_scene(s);
}

/* Tokenizing waits for a deletion under way, and then makes a new card: never the old id. */
static void a_deleted_card_comes_back_with_another_id(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct fx_card again = fx_card(1, N, 2);
    fx_exec(fx->plain, "BEGIN; DELETE FROM card WHERE id = (SELECT min(id) FROM card WHERE key_id "
                       "= 2)");
    fx_tokenize_start(s->lane, fx->epoch, 2, NULL, 0, &again, 1);
    fx_await_waiting(fx, "test_pipe", 1);
    fx_exec(fx->plain, "COMMIT");
    fx_wait(s->lane, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.written[0]);
    assert_true(result.ids[0] == again.id && again.id != s->cards[N].id);
    close_scene(s);
}

static void what_is_swallowed_or_out_of_order_is_an_error(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    fx_exec(fx->plain, "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN "
                       "NULL; END'; CREATE TRIGGER keep BEFORE DELETE ON card FOR EACH ROW EXECUTE "
                       "FUNCTION keep()");
    fx_delete(s->lane, fx->epoch, s->doomed, 2, &result);
    assert_int_equal(result.err, JT_ERR_DB_UNTRUE);
    fx_exec(fx->plain, "DROP TRIGGER keep ON card");
    nothing_was_written(fx, 2 * N);
    fx_lane_wait_ready(s->lane);
    fx_exec(fx->plain, "CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON tally FOR EACH ROW EXECUTE "
                       "FUNCTION keep()");
    fx_delete(s->lane, fx->epoch, s->doomed, 2, &result);
    assert_int_equal(result.err, JT_ERR_DB_UNTRUE);
    fx_exec(fx->plain, "DROP TRIGGER keep ON tally; DROP FUNCTION keep");
    nothing_was_written(fx, 2 * N);
    fx_lane_wait_ready(s->lane);
    fx_delete(s->lane, fx->epoch, s->doomed, 2, &result);
    assert_int_equal(result.err, JT_OK);
    close_scene(s);
}

static void the_facts_of_a_retirement_tell_what_was_deleted(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    fx_delete(s->lane, fx->epoch, s->doomed, N, &result);
    assert_int_equal(result.err, JT_OK);
    fx_exec(fx->plain, "INSERT INTO retirement (generation, state, actor) VALUES (1, 1, 'me')");
    struct jt_retirement_facts facts = { .node = "node-1" };
    bool busy = false;
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_OK);
    assert_int_equal(facts.rows_written, N);
    assert_int_equal(facts.rows_deleted, N);
    assert_int_equal(facts.rows_moved_out, 0);
    assert_int_equal(facts.rows_left, 0);
    close_scene(s);
}

/* --- all at once --- */

#define ROUNDS 150
#define CARDS  60 /* the population that all draw from */
#define BATCH  20

struct worker {
    struct fx *fx;
    PGconn *plain;
    struct fx_lane *lane;
    pthread_t thread;
    uint64_t seed;
    size_t n_deleted, n_raced;
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void *tokenize_on_and_on(void *arg)
{
    struct worker *w = arg;
    struct fx_result *r = calloc(1, sizeof *r);
    const uint64_t draining[] = { 1 };
    for (int round = 0; round < ROUNDS; round++) {
        struct fx_card cards[BATCH];
        for (size_t i = 0; i < BATCH; i++) {
            cards[i] = fx_card(1, next_random(&w->seed) % CARDS, 2);
        }
        fx_tokenize(w->lane, w->fx->epoch, 2, draining, 1, cards, BATCH, r);
        must(r->err == JT_OK && r->check.node_stands, "tokenizing beside deletion fails");
    }
    free(r);
    return NULL;
}

/* What stands there now, in order of id: as a front would have located it a moment ago. */
static size_t look(struct worker *w, struct jt_card_doomed *out, const char *sql)
{
    PGresult *res = PQexec(w->plain, sql);
    must(PQresultStatus(res) == PGRES_TUPLES_OK, PQerrorMessage(w->plain));
    size_t n = (size_t)PQntuples(res);
    for (size_t i = 0; i < n; i++) {
        out[i].id = strtoull(PQgetvalue(res, (int)i, 0), NULL, 10);
        out[i].key_id = (uint8_t)atoi(PQgetvalue(res, (int)i, 1));
    }
    PQclear(res);
    return n;
}

static void *delete_on_and_on(void *arg)
{
    struct worker *w = arg;
    struct fx_result *r = calloc(1, sizeof *r);
    for (int round = 0; round < ROUNDS; round++) {
        struct jt_card_doomed doomed[BATCH];
        size_t n = look(w, doomed,
                        "SELECT id, key_id FROM (SELECT id, key_id FROM card ORDER BY random() "
                        "LIMIT 5) x ORDER BY id");
        fx_delete(w->lane, w->fx->epoch, doomed, n, r);
        must(r->err == JT_OK && r->check.node_stands, "deletion fails");
        must(!r->all_there || r->n_deleted == n, "not all that were there are deleted");
        w->n_deleted += r->n_deleted;
        w->n_raced += !r->all_there;
    }
    free(r);
    return NULL;
}

static void start(struct fx *fx, struct worker *w, uint64_t seed, void *(*run)(void *))
{
    *w = (struct worker){ .fx = fx, .seed = seed, .plain = fx_connect() };
    w->lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(w->lane);
    assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
}

/* Re-encryption of what is left under generation 1, by SQL of the same locks. */
static void move_some(struct fx *fx)
{
    fx_exec(
        fx->plain,
        "BEGIN; SELECT pg_advisory_xact_lock_shared(7235419260851097); "
        "WITH due AS (SELECT ctid, id FROM card WHERE key_id = 1 ORDER BY id LIMIT 2 FOR UPDATE "
        "SKIP LOCKED), moved AS (UPDATE card k SET envelope = set_byte(k.envelope, 0, 2), fp = "
        "gen_random_uuid() FROM due WHERE k.ctid = due.ctid RETURNING 1), told AS (INSERT INTO "
        "tally AS t (generation, writer, moved_in, moved_out) SELECT g, 7777, (g - 1) * n, "
        "(2 - g) * n FROM (SELECT count(*) AS n FROM moved) c, generate_series(1, 2) g "
        "ON CONFLICT (generation, writer) DO UPDATE SET moved_in = t.moved_in + "
        "excluded.moved_in, moved_out = t.moved_out + excluded.moved_out RETURNING 1) SELECT "
        "count(*) FROM told; COMMIT");
}

static void beside_tokenize_and_moves_the_tally_stays_exact(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct worker tokenizers[2], deleters[2];
    for (uint64_t i = 0; i < 2; i++) {
        start(fx, &tokenizers[i], i + 1, tokenize_on_and_on);
        start(fx, &deleters[i], i + 9, delete_on_and_on);
    }
    for (int i = 0; i < N; i++) {
        move_some(fx);
    }
    size_t n_deleted = 0;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(tokenizers[i].thread, NULL), 0);
        assert_int_equal(pthread_join(deleters[i].thread, NULL), 0);
        n_deleted += deleters[i].n_deleted;
        fx_lane_free(tokenizers[i].lane);
        fx_lane_free(deleters[i].lane);
        PQfinish(tokenizers[i].plain);
        PQfinish(deleters[i].plain);
    }
    check_tally(fx);
    assert_true(n_deleted > ROUNDS);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(deleted) FROM tally"), n_deleted);
    /* one row a card: its number stands in what made its fingerprint, except where it was moved */
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) - count(DISTINCT (key_id, field, fp)) FROM card"), 0);
    close_scene(s);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(cards_of_all_live_generations_go_and_are_counted),
        fx_vault_test(one_that_is_not_there_keeps_all_from_going),
        fx_vault_test(another_epoch_or_node_deletes_nothing),
        fx_vault_test(a_row_that_moves_on_is_waited_for_and_reported),
        fx_vault_test(a_move_leaves_alone_what_is_being_deleted),
        fx_vault_test(a_deleted_card_comes_back_with_another_id),
        fx_vault_test(what_is_swallowed_or_out_of_order_is_an_error),
        fx_vault_test(the_facts_of_a_retirement_tell_what_was_deleted),
        fx_vault_test(beside_tokenize_and_moves_the_tally_stays_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
