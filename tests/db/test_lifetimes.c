/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates of cards on a real database: a card whose date is over is there for no reader, a later date
 * counts, and both stay right beside re-encryption, deletion and the purge of the same rows.
 */
#include "tests/db/fixture.h"
#include "tests/db/proxy.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_US (UINT64_C(3600) * 1000000)
#define NEVER   UINT64_C(0)

static struct fx_result result;
static const uint8_t live[] = { 1, 2 };

#define N 30

/* N cards under generation 1, which drains to 2: of each three one for ever, two with a date. */
struct scene {
    struct fx_lane *lane;
    uint64_t soon_us; /* the date, an hour from now */
    struct fx_card cards[N];
};

static struct scene *open_scene(struct fx *fx)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    s->lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(s->lane);
    fx_activate(fx, 1);
    s->soon_us = jt_clock_wall_us() + HOUR_US;
    for (uint64_t i = 0; i < N; i++) {
        s->cards[i] = fx_card(1, i, 1);
        s->cards[i].expires_us = i % 3 == 0 ? NEVER : s->soon_us;
    }
    fx_tokenize(s->lane, fx->epoch, 1, NULL, 0, s->cards, N, &result);
    assert_int_equal(result.err, JT_OK);
    fx_activate(fx, 2);
    return s;
}

static void close_scene(struct scene *s)
{
    fx_lane_free(s->lane);
    free(s);
}

static struct jt_card_longer longer(const struct scene *s, size_t i, uint64_t until_us)
{
    return (struct jt_card_longer){ .id = s->cards[i].id, .key_id = 1, .expires_us = until_us };
}

static struct jt_card_doomed doomed(const struct scene *s, size_t i)
{
    return (struct jt_card_doomed){ .id = s->cards[i].id, .key_id = 1 };
}

/* Makes the date of card i one that is over, as time would. */
static void age(struct fx *fx, const struct scene *s, size_t i, int hours)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "UPDATE card SET expires_at = now() - %d * interval '1 hour' WHERE id = %llu",
                   hours, (unsigned long long)s->cards[i].id);
    fx_exec(fx->plain, sql);
}

/* Its date in microseconds since 1970; 0: none; -1: it is gone. */
static int64_t date_of(struct fx *fx, const struct scene *s, size_t i)
{
    char sql[240];
    (void)snprintf(sql, sizeof sql,
                   "SELECT coalesce((SELECT coalesce((extract(epoch FROM expires_at) * "
                   "1000000)::int8, 0) FROM card WHERE id = %llu), -1)",
                   (unsigned long long)s->cards[i].id);
    return fx_number(fx->plain, sql);
}

static int64_t n_cards(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM card");
}

static int64_t n_purged_rows(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 18");
}

static void check_tally(struct fx *fx)
{
    assert_int_equal(
        fx_number(fx->plain,
                  "SELECT count(*) FROM generation g WHERE (SELECT count(*) FROM card k WHERE "
                  "k.key_id = g.key_id) <> (SELECT coalesce(sum(written + moved_in - moved_out - "
                  "deleted), 0) FROM tally t WHERE t.generation = g.number)"),
        0);
}

/* --- reading and storing --- */

static void a_card_has_the_latest_date_that_its_batch_says(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    assert_int_equal(date_of(fx, s, 0), 0);
    assert_int_equal(date_of(fx, s, 1), s->soon_us);
    struct fx_card same[4];
    for (size_t i = 0; i < 4; i++) {
        same[i] = fx_card(1, 1000 + i / 3, 2);
        same[i].expires_us = s->soon_us + i * HOUR_US;
    }
    same[3].expires_us = NEVER;
    fx_tokenize(s->lane, fx->epoch, 2, NULL, 0, same, 4, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 2"), 2);
    assert_int_equal(fx_number(fx->plain, "SELECT (extract(epoch FROM max(expires_at)) * "
                                          "1000000)::int8 FROM card WHERE key_id = 2"),
                     s->soon_us + 2 * HOUR_US);
    close_scene(s);
}

static void what_is_over_is_there_for_no_reader_and_known_to_who_stores(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    const uint64_t ids[] = { s->cards[1].id, s->cards[2].id, s->cards[3].id };
    age(fx, s, 1, 1);
    fx_read(s->lane, ids, 3, live, 2, &result);
    assert_int_equal(result.cards[0].n_rows, 0);
    assert_int_equal(result.cards[1].n_rows, 1);
    assert_true(result.cards[1].row.expires_us == s->soon_us && !result.cards[1].row.expired);
    assert_true(result.cards[2].row.expires_us == NEVER && !result.cards[2].row.expired);
    fx_strays(s->lane, ids, 3, &result);
    assert_int_equal(result.stranded[0], 0); /* nobody hid it */
    assert_int_equal(result.stranded[1], 1);
    const uint64_t draining[] = { 1 };
    struct fx_card again[] = { fx_card(1, 1, 2), fx_card(1, 2, 2) };
    fx_tokenize(s->lane, fx->epoch, 2, draining, 1, again, 2, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.found[0] && result.expired[0] && result.ids[0] == s->cards[1].id);
    assert_true(result.found[1] && !result.expired[1]);
    assert_int_equal(n_cards(fx), N);
    close_scene(s);
}

/* --- a later date --- */

static void a_later_date_is_written_and_an_earlier_one_is_not(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    uint64_t later_us = s->soon_us + HOUR_US, sooner_us = s->soon_us - HOUR_US / 2;
    const struct jt_card_longer cards[] = { longer(s, 0, later_us), longer(s, 1, later_us),
                                            longer(s, 2, sooner_us), longer(s, 4, NEVER) };
    fx_lengthen(s->lane, fx->epoch, cards, 4, &result);
    assert_int_equal(result.err, JT_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_true(result.lives[i]);
    }
    assert_int_equal(date_of(fx, s, 0), 0);
    assert_int_equal(date_of(fx, s, 1), later_us);
    assert_int_equal(date_of(fx, s, 2), s->soon_us);
    assert_int_equal(date_of(fx, s, 4), 0);
    close_scene(s);
}

static void what_is_over_moved_or_gone_gets_no_later_date(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    age(fx, s, 1, 1);
    fx_exec(fx->plain, "DELETE FROM card WHERE id = (SELECT min(id) + 2 FROM card)");
    struct jt_card_longer cards[] = { longer(s, 1, NEVER), longer(s, 2, NEVER), longer(s, 4, NEVER),
                                      longer(s, 5, NEVER) };
    cards[2].key_id = 2; /* it is said to stand there */
    fx_lengthen(s->lane, fx->epoch, cards, 4, &result);
    assert_int_equal(result.err, JT_OK);
    assert_false(result.lives[0] || result.lives[1] || result.lives[2]);
    assert_true(result.lives[3]);
    assert_true(date_of(fx, s, 1) > 0);
    assert_int_equal(date_of(fx, s, 4), s->soon_us);
    assert_int_equal(date_of(fx, s, 5), 0);
    fx_lengthen(s->lane, fx->epoch - 1, cards + 2, 1, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.check.epoch, fx->epoch);
    assert_false(result.lives[0]);
    cards[0].key_id = 9;
    fx_lengthen(s->lane, fx->epoch, cards, 1, &result);
    assert_int_equal(result.err, JT_ERR_RING_CONTRADICTED);
    close_scene(s);
}

/* Who waited for the row sees a version that the statement could not write: look again. */
static void two_who_lengthen_a_row_at_once_are_both_right_in_the_end(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    const struct jt_card_longer card = longer(s, 1, s->soon_us + 2 * HOUR_US);
    fx_exec(fx->plain, "BEGIN; UPDATE card SET expires_at = expires_at + interval '1 hour' WHERE "
                       "id = (SELECT min(id) + 1 FROM card)");
    fx_lengthen_start(s->lane, fx->epoch, &card, 1);
    fx_await_waiting(fx, "test_pipe", 1);
    fx_exec(fx->plain, "COMMIT");
    fx_wait(s->lane, &result);
    assert_int_equal(result.err, JT_OK);
    assert_false(result.lives[0]);
    fx_lengthen(s->lane, fx->epoch, &card, 1, &result);
    assert_true(result.lives[0]);
    assert_int_equal(date_of(fx, s, 1), card.expires_us);
    close_scene(s);
}

static void a_row_that_gets_a_later_date_is_deleted_when_it_is_seen_again(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    const struct jt_card_doomed cards[] = { doomed(s, 0), doomed(s, 1) };
    fx_exec(fx->plain, "BEGIN; UPDATE card SET expires_at = expires_at + interval '1 hour' WHERE "
                       "id = (SELECT min(id) + 1 FROM card)");
    fx_delete_start(s->lane, fx->epoch, cards, 2);
    fx_await_waiting(fx, "test_pipe", 1);
    fx_exec(fx->plain, "COMMIT");
    fx_wait(s->lane, &result);
    assert_int_equal(result.err, JT_OK);
    assert_false(result.all_there);
    assert_int_equal(n_cards(fx), N);
    fx_delete(s->lane, fx->epoch, cards, 2, &result);
    assert_true(result.all_there);
    assert_int_equal(n_cards(fx), N - 2);
    close_scene(s);
}

static void a_date_moves_with_its_row_and_what_is_swallowed_is_an_error(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct fx_card next = fx_card(1, 1, 2);
    struct jt_card_row row = fx_row(&s->cards[1]);
    const struct jt_card_move move = { &row, next.envelope, 25, next.fingerprint };
    const struct jt_move_txn txn = {
        .epoch = fx->epoch, .from = fx_key(1), .to = fx_key(2), .writer = 77, .moves = &move, .n = 1
    };
    fx_move(s->lane, &txn, &result);
    assert_int_equal(result.n_moved, 1);
    assert_int_equal(date_of(fx, s, 1), s->soon_us);
    const struct jt_card_longer card = longer(s, 1, NEVER);
    fx_lengthen(s->lane, fx->epoch, &card, 1, &result);
    assert_false(result.lives[0]); /* it is not where it was seen */
    fx_exec(fx->plain, "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN "
                       "NULL; END'; CREATE TRIGGER keep BEFORE UPDATE ON card FOR EACH ROW EXECUTE "
                       "FUNCTION keep()");
    const struct jt_card_longer other = longer(s, 2, NEVER);
    fx_lengthen(s->lane, fx->epoch, &other, 1, &result);
    assert_int_equal(result.err, JT_ERR_DB_UNTRUE);
    fx_exec(fx->plain, "DROP TRIGGER keep ON card; DROP FUNCTION keep");
    close_scene(s);
}

/* --- removal --- */

static void only_what_is_over_is_removed_as_such(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    const struct jt_card_doomed cards[] = { doomed(s, 1), doomed(s, 2) };
    age(fx, s, 1, 1);
    fx_delete_expired(s->lane, fx->epoch, cards, 2, &result);
    assert_int_equal(result.err, JT_OK);
    assert_false(result.all_there);
    assert_int_equal(n_cards(fx), N);
    fx_delete_expired(s->lane, fx->epoch, cards, 1, &result);
    assert_true(result.all_there);
    assert_int_equal(result.n_deleted, 1);
    assert_int_equal(date_of(fx, s, 1), -1);
    check_tally(fx);
    close_scene(s);
}

static enum jt_err purge(struct fx *fx, const struct jt_card_doomed *cards, size_t n,
                         uint64_t epoch)
{
    uint64_t ids[N];
    for (size_t i = 0; i < n; i++) {
        ids[i] = cards[i].id;
    }
    const struct jt_audit_row row = { .action = JT_AUDIT_PURGE,
                                      .client = "",
                                      .field = 1,
                                      .n_items = (uint32_t)n,
                                      .n_done = (uint32_t)n,
                                      .ids = ids,
                                      .n_ids = n,
                                      .object = "" };
    const struct jt_delete_txn txn = { .expired = true,
                                       .epoch = epoch,
                                       .writer = 1,
                                       .cards = cards,
                                       .n = n,
                                       .audit = { .rows = &row, .n = 1 } };
    return jt_cards_purge(fx->db, &fx->node, &txn);
}

static void the_purge_finds_the_oldest_first_after_their_grace(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct jt_card_expired found[10];
    size_t n;
    assert_int_equal(jt_cards_expired(fx->db, 0, 0, found, 10, &n), JT_OK);
    assert_int_equal(n, 0);
    age(fx, s, 1, 2);
    age(fx, s, 4, 3);
    age(fx, s, 7, 26);
    assert_int_equal(jt_cards_expired(fx->db, 2 * 3600 + 60, 0, found, 10, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_true(found[0].card.id == s->cards[7].id && found[1].card.id == s->cards[4].id);
    assert_true(found[0].card.key_id == 1 && found[0].field == 1);
    assert_true(found[0].since_us > 26 * HOUR_US && found[0].since_us < 27 * HOUR_US);
    assert_int_equal(jt_cards_expired(fx->db, 0, 0, found, 1, &n), JT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(jt_cards_expired(fx->db, 0, 1, found, 10, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_true(found[0].card.id == s->cards[4].id);
    fx_exec(fx->plain, "UPDATE card SET expires_at = '-infinity' WHERE id = (SELECT max(id) FROM "
                       "card)");
    assert_int_equal(jt_cards_expired(fx->db, 0, 0, found, 10, &n), JT_OK);
    assert_int_equal(n, 4);
    fx_exec(fx->plain,
            "UPDATE generation SET state = 4 WHERE number = 1"); /* strays: not its own */
    assert_int_equal(jt_cards_expired(fx->db, 0, 0, found, 10, &n), JT_OK);
    assert_int_equal(n, 0);
    close_scene(s);
}

static void the_purge_waits_for_no_row_and_leaves_all_where_one_is_in_the_way(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    const struct jt_card_doomed cards[] = { doomed(s, 1), doomed(s, 4), doomed(s, 5) };
    age(fx, s, 1, 1);
    age(fx, s, 4, 1);
    assert_int_equal(purge(fx, cards, 3, fx->epoch), JT_ERR_NO_CHANGE); /* the last one lives */
    fx_exec(fx->plain, "BEGIN; SELECT FROM card WHERE id = (SELECT min(id) + 4 FROM card) FOR "
                       "UPDATE");
    assert_int_equal(purge(fx, cards, 2, fx->epoch), JT_ERR_NO_CHANGE);
    fx_exec(fx->plain, "COMMIT");
    assert_int_equal(purge(fx, cards, 2, fx->epoch - 1), JT_ERR_RING_MOVED);
    assert_int_equal(n_cards(fx), N);
    assert_int_equal(n_purged_rows(fx), 0);
    assert_int_equal(purge(fx, cards, 2, fx->epoch), JT_OK);
    assert_int_equal(n_cards(fx), N - 2);
    assert_int_equal(n_purged_rows(fx), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(deleted) FROM tally"), 2);
    check_tally(fx);
    close_scene(s);
}

/* --- all at once --- */

#define ROUNDS 200

struct worker {
    struct fx *fx;
    struct scene *scene;
    struct fx_lane *lane;
    PGconn *plain;
    pthread_t thread;
    size_t n_done;
};

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* Rows as a front would have seen them a moment ago, in order of id. */
static size_t look(struct worker *w, size_t max, struct jt_card_doomed *out)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "SELECT id, key_id FROM (SELECT id, key_id FROM card ORDER BY random() LIMIT "
                   "%zu) x ORDER BY id",
                   max);
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

static void *lengthen_on_and_on(void *arg)
{
    struct worker *w = arg;
    struct fx_result *r = calloc(1, sizeof *r);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct jt_card_doomed seen[10];
        struct jt_card_longer cards[10];
        size_t n = look(w, 10, seen);
        for (size_t i = 0; i < n; i++) {
            cards[i] = (struct jt_card_longer){ .id = seen[i].id,
                                                .key_id = seen[i].key_id,
                                                .expires_us = w->scene->soon_us + round };
        }
        fx_lengthen(w->lane, w->fx->epoch, cards, n, r);
        must(r->err == JT_OK && r->check.node_stands, "lengthening fails");
        for (size_t i = 0; i < n; i++) {
            w->n_done += r->lives[i];
        }
    }
    free(r);
    return NULL;
}

static void *move_on_and_on(void *arg)
{
    struct worker *w = arg;
    struct fx_result *r = calloc(1, sizeof *r);
    for (int round = 0; round < ROUNDS; round++) {
        struct fx_card *card = &w->scene->cards[round % N];
        struct fx_card next = fx_card(1, card->number, 2);
        struct jt_card_row row = fx_row(card);
        const struct jt_card_move move = { &row, next.envelope, 25, next.fingerprint };
        const struct jt_move_txn txn = { .epoch = w->fx->epoch,
                                         .from = fx_key(1),
                                         .to = fx_key(2),
                                         .writer = 77,
                                         .moves = &move,
                                         .n = 1 };
        fx_move(w->lane, &txn, r);
        must(r->err == JT_OK && r->check.node_stands, "moving fails");
        w->n_done += r->n_moved;
    }
    free(r);
    return NULL;
}

static void *delete_on_and_on(void *arg)
{
    struct worker *w = arg;
    struct fx_result *r = calloc(1, sizeof *r);
    for (int round = 0; round < ROUNDS / 10; round++) {
        struct jt_card_doomed seen[1];
        size_t n = look(w, 1, seen);
        fx_delete(w->lane, w->fx->epoch, seen, n, r);
        must(r->err == JT_OK && r->check.node_stands, "deletion fails");
        w->n_done += r->n_deleted;
    }
    free(r);
    return NULL;
}

static void dates_moves_and_deletions_of_the_same_rows_go_together(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    void *(*const acts[])(void *) = { lengthen_on_and_on, lengthen_on_and_on, move_on_and_on,
                                      delete_on_and_on };
    struct worker workers[4];
    for (size_t i = 0; i < 4; i++) {
        workers[i] = (struct worker){ .fx = fx, .scene = s, .plain = fx_connect() };
        workers[i].lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
        fx_lane_wait_up(workers[i].lane);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&workers[i].thread, NULL, acts[i], &workers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        fx_lane_free(workers[i].lane);
        PQfinish(workers[i].plain);
    }
    assert_true(workers[0].n_done > ROUNDS && workers[1].n_done > ROUNDS);
    assert_true(workers[2].n_done > 0);
    assert_int_equal(n_cards(fx), N - workers[3].n_done);
    check_tally(fx);
    close_scene(s);
}

/* Asks the server for nine rows where the front asked for three. */
static bool ask_for_more(struct fx_proxy *proxy, int to, unsigned char *bytes, size_t n,
                         bool to_server)
{
    static const unsigned char three[] = { 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 3 };
    unsigned char *at = to_server ? memmem(bytes, n, three, sizeof three) : NULL;
    (void)proxy;
    if (at != NULL) {
        at[sizeof three - 1] = 9;
    }
    return fx_proxy_send(to, bytes, n);
}

static void a_server_that_sends_more_than_there_is_room_for_is_refused(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct fx_proxy proxy = { .pass = ask_for_more };
    struct jt_card_expired found[3];
    struct jt_db *db;
    size_t n;
    fx_exec(fx->plain, "UPDATE card SET expires_at = now() - interval '1 day'");
    fx_proxy_start(&proxy, fx->plain);
    assert_int_equal(jt_db_new(proxy.conninfo, "test", 5000, &db), JT_OK);
    assert_int_equal(jt_cards_expired(db, 0, 0, found, 3, &n), JT_ERR_DB_FAULT);
    assert_int_equal(n, 0);
    jt_db_free(db);
    fx_proxy_stop(&proxy);
    close_scene(s);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(a_card_has_the_latest_date_that_its_batch_says),
        fx_vault_test(what_is_over_is_there_for_no_reader_and_known_to_who_stores),
        fx_vault_test(a_later_date_is_written_and_an_earlier_one_is_not),
        fx_vault_test(what_is_over_moved_or_gone_gets_no_later_date),
        fx_vault_test(two_who_lengthen_a_row_at_once_are_both_right_in_the_end),
        fx_vault_test(a_row_that_gets_a_later_date_is_deleted_when_it_is_seen_again),
        fx_vault_test(a_date_moves_with_its_row_and_what_is_swallowed_is_an_error),
        fx_vault_test(only_what_is_over_is_removed_as_such),
        fx_vault_test(the_purge_finds_the_oldest_first_after_their_grace),
        fx_vault_test(the_purge_waits_for_no_row_and_leaves_all_where_one_is_in_the_way),
        fx_vault_test(dates_moves_and_deletions_of_the_same_rows_go_together),
        fx_vault_test(a_server_that_sends_more_than_there_is_room_for_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
