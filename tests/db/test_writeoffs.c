/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the database does when cards are written off: they go to quarantine as they stand and as
 * they are listed, or not at all; and what is counted of it.
 */
#include "tests/db/fixture.h"

#include "store/endings.h"
#include "store/retirements.h"
#include "store/stuck.h"
#include "store/writeoffs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 4

static struct fx_card cards[N];
static struct jt_card_row rows[N];
static uint8_t causes[N];
static struct jt_writeoff_row request;
static uint8_t list_bytes[3] = { 7, 8, 9 };
static struct jt_buf list = { .data = list_bytes, .len = sizeof list_bytes };
static const uint8_t warrant[] = { 1, 2, 3 };

static void put(struct fx *fx, uint32_t number)
{
    request = (struct jt_writeoff_row){ .generation = 1, .number = number, .request_len = 40 };
    memset(request.request, (int)number, request.request_len);
    assert_int_equal(jt_writeoff_put(fx->db, &request, &list, &fx_act), JT_OK);
}

/* Generation 1 drains, with N cards that are listed; generation 2 is active. */
static int setup(void **state)
{
    struct fx *fx;
    int rc = fx_setup_vault(state);
    if (rc != 0) {
        return rc;
    }
    fx = *state;
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    struct fx_result *result = calloc(1, sizeof *result);
    fx_lane_wait_up(lane);
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    for (size_t i = 0; i < N; i++) {
        cards[i] = fx_card(i < 2 ? 1 : 2, 100 + i, 1);
        rows[i] = fx_row(&cards[i]);
        causes[i] = JT_STUCK_CORRUPT;
    }
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, N, result);
    assert_int_equal(result->err, JT_OK);
    fx_create_generation(fx, 2);
    fx_activate(fx, 2);
    assert_int_equal(jt_retirement_open(fx->db, 1, &fx_act), JT_OK);
    put(fx, 1);
    fx_lane_free(lane);
    free(result);
    return 0;
}
#define listed_test(test) cmocka_unit_test_setup_teardown(test, setup, fx_teardown)

static enum jt_err carry_out(struct fx *fx, struct jt_db *db, uint32_t number, size_t *n_moved)
{
    const struct jt_writeoff_txn txn = { .epoch = fx->epoch,
                                         .from = fx_key(1),
                                         .number = number,
                                         .writer = 77,
                                         .rows = rows,
                                         .causes = causes,
                                         .n = N,
                                         .warrant = warrant,
                                         .warrant_len = sizeof warrant };
    return jt_writeoff_carry_out(db, &fx->node, &txn, &fx_act, n_moved);
}

static int64_t n_cards(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 1");
}

static int64_t n_lost(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM quarantine");
}

/* --- going --- */

static void they_go_byte_for_byte_and_are_counted(void **state)
{
    struct fx *fx = *state;
    struct jt_retirement_facts facts = { .node = "node-1" };
    struct jt_generation_info info;
    size_t n;
    bool busy, unused;
    fx_exec(fx->plain, "CREATE TEMP TABLE before AS SELECT id, field, bucket, key_id, fp, "
                       "envelope, expires_at, digits FROM card");
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_OK);
    assert_int_equal(n, N);
    assert_int_equal(n_cards(fx), 0);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM before NATURAL JOIN (SELECT id, field, bucket, "
                             "key_id, fp, envelope FROM quarantine WHERE generation = 1 AND "
                             "write_off = 1 AND cause = 2 AND digits IS NULL) q"),
        N);
    assert_int_equal(jt_generation_get(fx->db, 1, &info), JT_OK);
    assert_true(info.rows_written_off == N && jt_generation_rows(&info) == 0);
    /* one audit row for each field, with the ids that went */
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) * 100 + sum(octet_length(ids)) FROM "
                                          "audit WHERE action = 85 AND object = '1'"),
                     2 * 100 + N * 8);
    /* again: it is done, and nothing is done */
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 85"), 2);
    assert_int_equal(jt_writeoff_get(fx->db, 1, 0, &request), JT_OK);
    assert_true(request.n_moved == N && request.warrant_len == sizeof warrant &&
                request.done_at[0] != '\0');
    /* zero is proved by the index, as ever */
    assert_int_equal(jt_generation_is_unused(fx->db, 1, &unused), JT_OK);
    assert_true(unused);
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_OK);
    assert_true(facts.rows_written == N && facts.rows_written_off == N && facts.rows_left == 0);
}

static void what_is_not_as_it_was_listed_stays(void **state)
{
    struct fx *fx = *state;
    struct jt_retirement_facts facts = { .node = "node-1" };
    size_t n;
    bool busy;
    fx_exec(fx->plain, "UPDATE card SET envelope = set_byte(envelope, 20, 1) WHERE id = "
                       "(SELECT min(id) FROM card)"); /* mended, for all that is known */
    rows[1].fingerprint[0] ^= 1;
    rows[2].field = 9;
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(n_cards(fx), 3);
    assert_int_equal(n_lost(fx), 1);
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_ERR_NOT_EMPTY);
}

static size_t moved_aside;
static enum jt_err err_aside;

static void *carry_out_aside(void *arg)
{
    struct fx *fx = arg;
    struct jt_db *db;
    assert_int_equal(jt_db_new(fx_conninfo(), "writes off aside", 10000, &db), JT_OK);
    fx_chain(db);
    err_aside = carry_out(fx, db, 1, &moved_aside);
    jt_db_free(db);
    return NULL;
}

static void who_repairs_a_card_at_that_moment_keeps_it(void **state)
{
    struct fx *fx = *state;
    pthread_t thread;
    PGconn *repair = fx_connect();
    fx_exec(repair, "BEGIN; UPDATE card SET fp = md5('mended')::uuid WHERE id = "
                    "(SELECT min(id) FROM card)");
    assert_int_equal(pthread_create(&thread, NULL, carry_out_aside, fx), 0);
    fx_await_waiting(fx, "writes off aside", 1);
    fx_exec(repair, "COMMIT");
    pthread_join(thread, NULL);
    assert_int_equal(err_aside, JT_OK);
    assert_int_equal(moved_aside, N - 1);
    assert_int_equal(n_cards(fx), 1);
    PQfinish(repair);
}

/* --- not going --- */

static void nothing_goes_under_another_ring_or_an_active_generation(void **state)
{
    struct fx *fx = *state;
    size_t n;
    fx->epoch++;
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_ERR_RING_MOVED);
    fx->epoch--;
    fx_exec(fx->plain, "UPDATE generation SET state = 1 WHERE number = 1");
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_ERR_RING_CONTRADICTED);
    fx_exec(fx->plain, "UPDATE generation SET state = 3 WHERE number = 1");
    assert_int_equal(carry_out(fx, fx->db, 2, &n), JT_OK); /* of such a request nobody knows */
    assert_int_equal(n, 0);
    assert_int_equal(n_cards(fx), N);
    assert_int_equal(n_lost(fx), 0);
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_OK);
    assert_int_equal(n, N);
}

static void a_trigger_of_a_stranger_stops_it_whole(void **state)
{
    struct fx *fx = *state;
    static const char *const tables[] = { "card", "quarantine", "tally" };
    size_t n;
    fx_exec(fx->plain, "CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS "
                       "'BEGIN RETURN NULL; END'");
    for (size_t i = 0; i < 3; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "CREATE TRIGGER strange BEFORE INSERT OR UPDATE OR DELETE ON %s "
                       "FOR EACH ROW EXECUTE FUNCTION drop_row()",
                       tables[i]);
        fx_exec(fx->plain, sql);
        assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_ERR_DB_UNTRUE);
        (void)snprintf(sql, sizeof sql, "DROP TRIGGER strange ON %s", tables[i]);
        fx_exec(fx->plain, sql);
        assert_int_equal(n_cards(fx), N);
        assert_int_equal(n_lost(fx), 0);
    }
}

/* --- requests --- */

static size_t n_approvals(struct fx *fx)
{
    static const struct jt_custodian_set set = {
        .n = 2, .all = { { .name = "alice" }, { .name = "bob" } }
    };
    struct jt_approval_row approvals[JT_CUSTODIANS_MAX];
    size_t n;
    const struct jt_approvals_wanted wanted = { .of = JT_APPROVALS_OF_WRITEOFF,
                                                .id = request.generation,
                                                .number = request.number };
    assert_int_equal(jt_approvals_read(fx->db, &wanted, &set, approvals, &n), JT_OK);
    return n;
}

static void a_request_takes_the_place_of_one_that_waits(void **state)
{
    struct fx *fx = *state;
    const struct jt_approval alice = { .custodian = "alice" }, eve = { .custodian = "eve" };
    struct jt_writeoff_row found;
    struct jt_buf bytes;
    size_t n;
    assert_int_equal(jt_writeoff_add_approval(fx->db, &request, &alice, &fx_act), JT_OK);
    assert_int_equal(jt_writeoff_add_approval(fx->db, &request, &alice, &fx_act), JT_OK);
    assert_int_equal(jt_writeoff_add_approval(fx->db, &request, &eve, &fx_act), JT_OK);
    assert_int_equal(n_approvals(fx), 1); /* whoever is no custodian is not read */
    const struct jt_writeoff_row first = request;
    put(fx, 2);
    assert_int_equal(n_approvals(fx), 0);
    /* an approval of the one before comes too late, and nothing of it can be carried out */
    assert_int_equal(jt_writeoff_add_approval(fx->db, &first, &alice, &fx_act),
                     JT_ERR_NO_WRITE_OFF);
    assert_int_equal(jt_writeoff_get(fx->db, 1, 1, &found), JT_ERR_NO_WRITE_OFF);
    assert_int_equal(jt_writeoff_get(fx->db, 1, 0, &found), JT_OK);
    assert_true(found.number == 2 && found.request_len == 40);
    jt_buf_init(&bytes, 100);
    assert_int_equal(jt_writeoff_read_list(fx->db, 1, 2, &bytes), JT_OK);
    assert_int_equal(bytes.len, sizeof list_bytes);
    assert_memory_equal(bytes.data, list_bytes, sizeof list_bytes);
    jt_buf_clear(&bytes);
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_OK);
    assert_int_equal(n, 0);
    /* one that was carried out stays, and takes no approval */
    assert_int_equal(carry_out(fx, fx->db, 2, &n), JT_OK);
    assert_int_equal(n, N);
    assert_int_equal(jt_writeoff_add_approval(fx->db, &request, &alice, &fx_act),
                     JT_ERR_NO_WRITE_OFF);
    put(fx, 3);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM write_off"), 2);
}

/* --- asking for them, counting them --- */

static void who_asks_for_an_id_hears_that_it_is_in_quarantine(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    struct fx_result *result = calloc(1, sizeof *result);
    const uint64_t ids[] = { cards[0].id, 999, cards[1].id };
    size_t n;
    fx_lane_wait_up(lane);
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_OK);
    /* and one that stands beside it, under a key id of no generation */
    fx_exec(fx->plain, "INSERT INTO card (id, field, fp, envelope) SELECT id, field, fp, "
                       "set_byte(envelope, 0, 200) FROM quarantine ORDER BY id LIMIT 1");
    fx_strays(lane, ids, 3, result);
    assert_int_equal(result->err, JT_OK);
    assert_int_equal(result->stranded[0], 200);
    assert_int_equal(result->stranded[1], 0);
    assert_int_equal(result->stranded[2], JT_STRAY_QUARANTINED);
    fx_lane_free(lane);
    free(result);
}

static void what_ends_is_counted(void **state)
{
    struct fx *fx = *state;
    struct jt_endings e;
    const struct jt_stuck_card stuck = { .at = { 0, cards[0].id }, .field = 1, .cause = 2 };
    size_t n;
    assert_int_equal(jt_stuck_put(fx->db, 1, &stuck, 1), JT_OK);
    assert_int_equal(jt_endings_read(fx->db, &e), JT_OK);
    assert_true(e.stuck_cards == 1 && e.write_offs_waiting == 1 && e.written_off_cards == 0);
    assert_int_equal(carry_out(fx, fx->db, 1, &n), JT_OK);
    assert_int_equal(jt_endings_read(fx->db, &e), JT_OK);
    assert_true(e.write_offs_waiting == 0 && e.written_off_cards == N);
    assert_true(e.waiting + e.grace + e.due + e.cancelled + e.erasing == 0);
    /* one word for all nodes: what is furthest from the end, but that it is cancelled anywhere */
    fx_exec(fx->plain, "INSERT INTO destruction (generation, body, mac, requested_by) VALUES "
                       "(1, 'x', '1234567890123456', 'x')");
    assert_int_equal(jt_endings_read(fx->db, &e), JT_OK);
    assert_int_equal(e.waiting, 1);
    fx_exec(fx->plain, "INSERT INTO destruction_node (generation, node, view, left_s, n_tried) "
                       "VALUES (1, 'node-1', 2, 500, 0), (1, 'gone', 4, 0, 0)");
    assert_int_equal(jt_endings_read(fx->db, &e), JT_OK);
    assert_true(e.grace == 1 && e.cancelled == 0 && e.grace_left_s > 400 && e.grace_left_s <= 500);
    fx_exec(fx->plain, "UPDATE destruction_node SET view = 3, left_s = 0");
    assert_int_equal(jt_endings_read(fx->db, &e), JT_OK);
    assert_true(e.due == 1 && e.grace_left_s == 0);
    fx_exec(fx->plain, "UPDATE destruction_node SET view = 4");
    assert_int_equal(jt_endings_read(fx->db, &e), JT_OK);
    assert_int_equal(e.cancelled, 1);
    fx_exec(fx->plain, "UPDATE generation SET destroyed_at = now() WHERE number = 1");
    assert_int_equal(jt_endings_read(fx->db, &e), JT_OK);
    assert_true(e.erasing == 1 && e.cancelled == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        listed_test(they_go_byte_for_byte_and_are_counted),
        listed_test(what_is_not_as_it_was_listed_stays),
        listed_test(who_repairs_a_card_at_that_moment_keeps_it),
        listed_test(nothing_goes_under_another_ring_or_an_active_generation),
        listed_test(a_trigger_of_a_stranger_stops_it_whole),
        listed_test(a_request_takes_the_place_of_one_that_waits),
        listed_test(who_asks_for_an_id_hears_that_it_is_in_quarantine),
        listed_test(what_ends_is_counted),
    };
    return cmocka_run_group_tests_name("store/writeoffs", tests, NULL, NULL);
}
