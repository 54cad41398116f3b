/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of requests on a real database: who has one, until when, and what is remembered. */
#include "tests/db/fixture.h"

#include "base/loop.h"
#include "store/claims.h"
#include "store/statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITER 3
#define MAX    8

/* A loop and a pipe for each transaction: a loop runs once. */
struct scene {
    const struct jt_node_spec *node;
    const struct jt_claim_txn *txn;
    struct jt_loop *loop;
    struct jt_pipe *pipe;
    enum jt_err err;
    size_t n;
    struct jt_claim_result results[MAX];
};

static void open_scene(struct scene *s, const struct jt_node_spec *node)
{
    *s = (struct scene){ .node = node };
}

static void forget(struct scene *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->results[i].cards);
    }
    s->n = 0;
}

static void close_scene(struct scene *s)
{
    forget(s);
}

static void on_run(void *arg, enum jt_err err, struct jt_claim_result *results, size_t n)
{
    struct scene *s = arg;
    s->err = err;
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        s->results[i] = results[i];
        results[i].cards = NULL;
    }
    jt_loop_stop(s->loop);
}

static void on_up(void *arg, uint32_t events)
{
    (void)events;
    struct scene *s = arg;
    assert_int_equal(jt_claims_run(s->pipe, s->txn, on_run, s), JT_OK);
}

static void run(struct scene *s, const struct jt_claim_txn *txn)
{
    forget(s);
    s->txn = txn;
    s->err = JT_ERR_IMPOSSIBLE;
    assert_int_equal(jt_loop_new(&s->loop), JT_OK);
    assert_int_equal(jt_pipe_new(s->loop, fx_conninfo(), "test", s->node, 5000, &s->pipe), JT_OK);
    jt_pipe_on_up(s->pipe, on_up, s);
    assert_int_equal(jt_loop_run(s->loop), JT_OK);
    jt_pipe_free(s->pipe);
    jt_loop_free(s->loop);
    assert_int_equal(s->err, JT_OK);
}

static struct jt_claim claim_of(const char *key, uint8_t body)
{
    return (struct jt_claim){ .client = "shop", .key = key, .mac = { body, (uint8_t)key[0] } };
}

static enum jt_err ask(struct scene *s, struct jt_claim *claim)
{
    const struct jt_claim *claims[] = { claim };
    const struct jt_claim_txn txn = { .claims = claims, .n_claims = 1, .writer = WRITER };
    run(s, &txn);
    claim->attempt = s->results[0].attempt;
    return s->results[0].err;
}

static void release(struct scene *s, const struct jt_claim *claim,
                    const struct jt_claim_card *cards, size_t n)
{
    const struct jt_claim_release releases[] = { { claim, cards, n } };
    const struct jt_claim_txn txn = { .releases = releases, .n_releases = 1, .writer = WRITER };
    run(s, &txn);
}

static int64_t n_rows(struct fx *fx)
{
    int64_t n = fx_number(fx->plain, "SELECT count(*) FROM idempotency");
    assert_int_equal(fx_number(fx->plain, "SELECT sum(live)::int8 FROM idempotency_count"), n);
    return n;
}

static void one_has_it_until_it_is_released(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    open_scene(&s, &fx->node);
    struct jt_claim first = claim_of("a", 1), second = claim_of("a", 1), other = claim_of("a", 2);
    assert_int_equal(ask(&s, &first), JT_OK);
    assert_int_equal(first.attempt, 1);
    assert_int_equal(ask(&s, &second), JT_ERR_ONCE_RUNNING);
    assert_int_equal(ask(&s, &other), JT_ERR_ONCE_OTHER);
    release(&s, &first, NULL, 0);
    assert_int_equal(ask(&s, &other), JT_ERR_ONCE_OTHER);
    assert_int_equal(ask(&s, &second), JT_OK);
    assert_int_equal(second.attempt, 2);
    release(&s, &first, NULL, 0); /* no longer its own */
    assert_int_equal(ask(&s, &first), JT_ERR_ONCE_RUNNING);
    assert_int_equal(n_rows(fx), 1);
    close_scene(&s);
}

static void of_equal_ones_in_a_batch_the_first_has_it(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    open_scene(&s, &fx->node);
    const struct jt_claim a = claim_of("a", 1), b = claim_of("b", 1), c = claim_of("a", 2);
    const struct jt_claim *claims[] = { &b, &a, &a, &c };
    const struct jt_claim_txn txn = { .claims = claims, .n_claims = 4, .writer = WRITER };
    run(&s, &txn);
    assert_int_equal(s.results[0].err, JT_OK);
    assert_int_equal(s.results[1].err, JT_OK);
    assert_int_equal(s.results[2].err, JT_ERR_ONCE_RUNNING);
    assert_int_equal(s.results[3].err, JT_ERR_ONCE_OTHER);
    assert_int_equal(n_rows(fx), 2);
    close_scene(&s);
}

static void a_row_that_somebody_writes_for_is_not_waited_for(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    open_scene(&s, &fx->node);
    struct jt_claim claim = claim_of("a", 1);
    assert_int_equal(ask(&s, &claim), JT_OK);
    release(&s, &claim, NULL, 0);
    fx_exec(fx->plain, "BEGIN; SELECT FROM idempotency FOR SHARE");
    assert_int_equal(ask(&s, &claim), JT_ERR_ONCE_RUNNING);
    fx_exec(fx->plain, "COMMIT");
    assert_int_equal(ask(&s, &claim), JT_OK);
    close_scene(&s);
}

/* Two loops: one asks in vain while the other releases. */
static void who_asks_in_vain_does_not_keep_it_from_being_released(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    open_scene(&s, &fx->node);
    struct jt_claim claim = claim_of("a", 1);
    static const char *const same[] = { "{shop}", "{a}", "{01610000-0000-0000-0000-000000000000}",
                                        "01610000-0000-0000-0000-000000000000" };
    assert_int_equal(ask(&s, &claim), JT_OK);
    fx_exec(fx->plain, "BEGIN");
    PGresult *res =
        PQexecParams(fx->plain, jt_statements[JT_SQL_ONCE_TAKE].sql, 4, NULL, same, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    assert_int_equal(PQntuples(res), 1);
    assert_string_equal(PQgetvalue(res, 0, 1), "1"); /* somebody is at it */
    PQclear(res);
    release(&s, &claim, NULL, 0);
    fx_exec(fx->plain, "COMMIT");
    assert_int_equal(ask(&s, &claim), JT_OK);
    close_scene(&s);
}

static void what_is_remembered_comes_with_the_next_claim(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    open_scene(&s, &fx->node);
    static const struct jt_claim_card cards[] = { { 0, 77, true }, { 9999, INT64_MAX, false } };
    struct jt_claim claim = claim_of("a", 1);
    assert_int_equal(ask(&s, &claim), JT_OK);
    assert_int_equal(s.results[0].n_cards, 0);
    release(&s, &claim, cards, 2);
    assert_int_equal(ask(&s, &claim), JT_OK);
    assert_int_equal(s.results[0].n_cards, 2);
    assert_int_equal(s.results[0].cards[0].place, 0);
    assert_true(s.results[0].cards[0].id == 77 && s.results[0].cards[0].known);
    assert_int_equal(s.results[0].cards[1].place, 9999);
    assert_true(s.results[0].cards[1].id == INT64_MAX && !s.results[0].cards[1].known);
    close_scene(&s);
}

static void a_front_that_is_gone_or_late_loses_it(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    struct jt_node_spec gone = fx->node;
    gone.incarnation[0] ^= 1;
    open_scene(&s, &gone);
    struct jt_claim claim = claim_of("a", 1), late = claim_of("b", 1);
    assert_int_equal(ask(&s, &claim), JT_OK);
    close_scene(&s);
    open_scene(&s, &fx->node);
    assert_int_equal(ask(&s, &claim), JT_OK);
    assert_int_equal(claim.attempt, 2);
    assert_int_equal(ask(&s, &late), JT_OK);
    fx_exec(fx->plain, "UPDATE idempotency SET busy_until = busy_until - interval '59 seconds'");
    assert_int_equal(ask(&s, &late), JT_ERR_ONCE_RUNNING);
    fx_exec(fx->plain, "UPDATE idempotency SET busy_until = busy_until - interval '1 second'");
    assert_int_equal(ask(&s, &late), JT_OK);
    close_scene(&s);
}

static void after_its_time_a_key_is_as_new(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    open_scene(&s, &fx->node);
    static const struct jt_claim_card card = { 0, 77, false };
    struct jt_claim claim = claim_of("a", 1), other = claim_of("a", 2);
    assert_int_equal(ask(&s, &claim), JT_OK);
    release(&s, &claim, &card, 1);
    fx_exec(fx->plain, "UPDATE idempotency SET at = now() - interval '23 hours 59 minutes'");
    assert_int_equal(ask(&s, &other), JT_ERR_ONCE_OTHER);
    fx_exec(fx->plain, "UPDATE idempotency SET at = now() - interval '24 hours 1 second'");
    assert_int_equal(ask(&s, &other), JT_OK);
    assert_int_equal(other.attempt, 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM idempotency_card"), 0);
    assert_int_equal(n_rows(fx), 1);
    close_scene(&s);
}

static void old_rows_go_in_pieces_and_are_counted(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    open_scene(&s, &fx->node);
    static const char *const keys[] = { "a", "b", "c", "d", "e" };
    static const struct jt_claim_card card = { 0, 77, false };
    for (size_t i = 0; i < 5; i++) {
        struct jt_claim claim = claim_of(keys[i], 1);
        assert_int_equal(ask(&s, &claim), JT_OK);
        release(&s, &claim, &card, 1);
    }
    fx_exec(fx->plain, "UPDATE idempotency SET at = now() - interval '25 hours' WHERE key <> 'e'");
    static const uint64_t pieces[] = { 3, 1, 0 };
    for (size_t i = 0; i < 3; i++) {
        uint64_t n;
        assert_int_equal(jt_claims_expire(fx->db, 3, &n), JT_OK);
        assert_int_equal(n, pieces[i]);
    }
    assert_int_equal(n_rows(fx), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM idempotency_card"), 1);
    close_scene(&s);
}

static void a_client_has_so_many_and_others_have_theirs(void **state)
{
    struct fx *fx = *state;
    struct scene s;
    char sql[160];
    open_scene(&s, &fx->node);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO idempotency_count VALUES ('shop', 1, %d), ('shop', 2, 1)",
                   JT_CLAIMS_MAX - 2);
    fx_exec(fx->plain, sql);
    struct jt_claim last = claim_of("a", 1), more = claim_of("b", 1), stranger = claim_of("b", 1);
    stranger.client = "stranger";
    assert_int_equal(ask(&s, &last), JT_OK);
    assert_int_equal(ask(&s, &more), JT_ERR_ONCE_FULL);
    release(&s, &last, NULL, 0);
    assert_int_equal(ask(&s, &last), JT_OK);
    stranger.mac[2] = 1; /* a keeper's MAC covers the client */
    assert_int_equal(ask(&s, &stranger), JT_OK);
    close_scene(&s);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(one_has_it_until_it_is_released),
        fx_vault_test(of_equal_ones_in_a_batch_the_first_has_it),
        fx_vault_test(who_asks_in_vain_does_not_keep_it_from_being_released),
        fx_vault_test(a_row_that_somebody_writes_for_is_not_waited_for),
        fx_vault_test(what_is_remembered_comes_with_the_next_claim),
        fx_vault_test(a_front_that_is_gone_or_late_loses_it),
        fx_vault_test(after_its_time_a_key_is_as_new),
        fx_vault_test(old_rows_go_in_pieces_and_are_counted),
        fx_vault_test(a_client_has_so_many_and_others_have_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
