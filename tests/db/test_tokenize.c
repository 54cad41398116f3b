/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokenize transactions on a real database: deduplication, the ring rule, the tally, the audit row.
 */
#include "tests/db/fixture.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

static struct fx_result result; /* large */

static struct fx_lane *open_lane(const struct fx *fx)
{
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(lane);
    return lane;
}

static void assert_stored(const struct fx_result *r, size_t n)
{
    assert_int_equal(r->err, JT_OK);
    assert_true(r->check.node_stands);
    assert_int_equal(r->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(r->found[i]);
    }
}

static void new_cards_are_stored_under_their_ids(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card cards[50];
    for (uint32_t i = 0; i < 50; i++) {
        cards[i] = fx_card(1 + i % 3, i, 1);
    }
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, 50, &result);
    assert_stored(&result, 50);
    assert_int_equal(result.check.epoch, fx->epoch);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(result.ids[i], cards[i].id);
    }
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 1 AND bucket = 0"), 50);
    assert_int_equal(fx_number(fx->plain,
                               "SELECT count(*) FROM card WHERE octet_length(envelope) = 25 AND "
                               "get_byte(envelope, 0) = key_id"),
                     50);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(written) FROM tally WHERE generation = 1"),
                     50);
    assert_int_equal(
        fx_number(fx->plain,
                  "SELECT count(*) FROM audit WHERE start = 77 AND link = 1 AND place = 1 AND "
                  "client = 'app' AND action = 1 "
                  "AND n_items = 50 AND n_done = 50 AND object = '' AND ids = ''"),
        1);
    fx_lane_free(lane);
}

static void a_card_repeated_in_a_batch_gets_one_id(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card cards[9];
    for (uint64_t i = 0; i < 9; i++) {
        cards[i] = fx_card(1, i % 2, 1);
    }
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, 9, &result);
    assert_stored(&result, 9);
    for (size_t i = 2; i < 9; i++) {
        assert_int_equal(result.ids[i], result.ids[i % 2]);
    }
    assert_int_not_equal(result.ids[0], result.ids[1]);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card"), 2);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(written) FROM tally"), 2);
    fx_lane_free(lane);
}

static void a_known_card_keeps_its_id(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card first = fx_card(1, 7, 1);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &first, 1, &result);
    struct fx_card again[2] = { fx_card(1, 7, 1), fx_card(2, 7, 1) };
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, again, 2, &result);
    assert_stored(&result, 2);
    assert_int_equal(result.ids[0], first.id);
    /* the same card in another field is another row */
    assert_int_equal(result.ids[1], again[1].id);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(written) FROM tally"), 2);
    fx_lane_free(lane);
}

static void a_card_under_a_draining_generation_keeps_its_id_and_gets_no_second_row(void **state)
{
    struct fx *fx = *state;
    for (uint64_t g = 1; g <= 3; g++) {
        fx_create_generation(fx, g);
    }
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card old[2] = { fx_card(1, 100, 1), fx_card(1, 101, 1) };
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, old, 2, &result);
    fx_activate(fx, 2);
    struct fx_card middle = fx_card(1, 200, 2);
    const uint64_t draining[] = { 1, 2 };
    fx_tokenize(lane, fx->epoch, 2, draining, 1, &middle, 1, &result);
    assert_stored(&result, 1);
    fx_activate(fx, 3);

    struct fx_card cards[] = { fx_card(1, 300, 3), fx_card(1, 200, 3), fx_card(1, 101, 3),
                               fx_card(1, 100, 3), fx_card(1, 301, 3) };
    fx_tokenize(lane, fx->epoch, 3, draining, 2, cards, 5, &result);
    assert_stored(&result, 5);
    assert_int_equal(result.ids[0], cards[0].id);
    assert_int_equal(result.ids[1], middle.id);
    assert_int_equal(result.ids[2], old[1].id);
    assert_int_equal(result.ids[3], old[0].id);
    assert_int_equal(result.ids[4], cards[4].id);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card"), 5);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 3"), 2);
    assert_int_equal(fx_number(fx->plain, "SELECT written FROM tally WHERE generation = 3"), 2);
    fx_lane_free(lane);
}

/*
 * Another transaction holds the card's fingerprint, not yet committed, while ours wants to insert
 * it.
 */
static void race(struct fx *fx, const char *end, const struct fx_card *card)
{
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    char sql[300], hex[33];
    for (size_t i = 0; i < 16; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", card->fingerprint[i]);
    }
    (void)snprintf(sql, sizeof sql,
                   "BEGIN; INSERT INTO card (id, field, fp, envelope) VALUES (1111, 1, '%s', "
                   "decode('01' || repeat('ee', 24), 'hex'))",
                   hex);
    fx_exec(fx->plain, sql);
    struct fx_card cards[2] = { *card, fx_card(1, 99, 1) };
    fx_tokenize_start(lane, fx->epoch, 1, NULL, 0, cards, 2);
    PGconn *watcher = fx_connect();
    fx_await(watcher, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test_pipe' "
                      "AND wait_event_type "
                      "= 'Lock'");
    PQfinish(watcher);
    fx_exec(fx->plain, end);
    fx_wait(lane, &result);
    assert_stored(&result, 2);
    assert_int_equal(result.ids[1], cards[1].id);
    fx_lane_free(lane);
}

static void a_race_lost_to_a_commit_gives_the_winners_id(void **state)
{
    struct fx *fx = *state;
    struct fx_card card = fx_card(1, 5, 1);
    race(fx, "COMMIT", &card);
    assert_int_equal(result.ids[0], 1111);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card"), 2);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(written) FROM tally"), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 1"), 1);
}

static void a_race_won_by_a_rollback_gives_the_own_id(void **state)
{
    struct fx *fx = *state;
    struct fx_card card = fx_card(1, 5, 1);
    race(fx, "ROLLBACK", &card);
    assert_int_equal(result.ids[0], card.id);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(written) FROM tally"), 2);
}

static void assert_nothing_written(const struct fx *fx)
{
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card"), 0);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 1"), 0);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM tally"), 0);
}

static void a_stale_epoch_writes_nothing(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    fx_activate(fx, 2);
    struct fx_card card = fx_card(1, 1, 1);
    for (uint64_t epoch = fx->epoch - 1; epoch <= fx->epoch + 1; epoch += 2) {
        fx_tokenize(lane, epoch, 1, NULL, 0, &card, 1, &result);
        assert_int_equal(result.err, JT_OK);
        assert_int_equal(result.check.epoch, fx->epoch);
        assert_true(result.check.node_stands);
        assert_false(result.found[0]);
    }
    assert_nothing_written(fx);
    assert_true(fx_lane_ready(lane));
    fx_lane_free(lane);
}

static void another_incarnation_writes_nothing(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct jt_node_spec other = fx->node;
    other.incarnation[15] ^= 1;
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &other, 10000);
    fx_lane_wait_up(lane);
    struct fx_card card = fx_card(1, 1, 1);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.check.epoch, fx->epoch);
    assert_false(result.check.node_stands);
    assert_false(result.found[0]);
    assert_nothing_written(fx);
    fx_lane_free(lane);
}

static void generation_rows_that_contradict_the_ring_are_an_alarm(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    fx_exec(fx->plain, "UPDATE generation SET state = 3");
    struct fx_card card = fx_card(1, 1, 1);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    assert_int_equal(result.err, JT_ERR_RING_CONTRADICTED);
    assert_nothing_written(fx);
    fx_lane_free(lane);
}

static void a_batch_of_the_largest_size_goes_through_one_pipe(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    fx_activate(fx, 2);
    struct fx_lane *lane = open_lane(fx);
    static struct fx_card cards[JT_STORE_MAX_CARDS];
    for (uint64_t i = 0; i < JT_STORE_MAX_CARDS; i++) {
        cards[i] = fx_card(1, i, 2);
    }
    const uint64_t draining[] = { 1 };
    fx_tokenize(lane, fx->epoch, 2, draining, 1, cards, JT_STORE_MAX_CARDS, &result);
    assert_stored(&result, JT_STORE_MAX_CARDS);
    for (size_t i = 0; i < JT_STORE_MAX_CARDS; i++) {
        assert_int_equal(result.ids[i], cards[i].id);
    }
    fx_lane_free(lane);
}

static void cards_are_read_by_id_in_the_order_asked(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card cards[3] = { fx_card(1, 1, 1), fx_card(1, 2, 1), fx_card(2, 3, 2) };
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, 2, &result);
    fx_activate(fx, 2);
    fx_tokenize(lane, fx->epoch, 2, NULL, 0, cards + 2, 1, &result);
    const uint64_t nobody = UINT64_C(1) << 55;
    const uint64_t ids[] = { cards[2].id, cards[0].id, nobody, cards[1].id, cards[0].id };
    const int which[] = { 2, 0, -1, 1, 0 };
    fx_read(lane, ids, 5, (const uint8_t[]){ 2, 1 }, 2, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.epoch, fx->epoch);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(result.cards[i].n_rows, which[i] >= 0);
        if (which[i] >= 0) {
            const struct jt_card_row expected = fx_row(&cards[which[i]]);
            assert_int_equal(result.cards[i].row.id, expected.id);
            assert_int_equal(result.cards[i].row.field, expected.field);
            assert_memory_equal(result.cards[i].row.fingerprint, expected.fingerprint, 16);
            assert_int_equal(result.cards[i].row.envelope_len, 25);
            assert_memory_equal(result.cards[i].row.envelope, expected.envelope, 25);
        }
    }
    /* Only the key ids that are asked for, in the same snapshot as the epoch. */
    fx_read(lane, ids, 5, (const uint8_t[]){ 2 }, 1, &result);
    assert_int_equal(result.cards[0].n_rows, 1);
    assert_int_equal(result.cards[1].n_rows, 0);
    fx_read(lane, NULL, 0, NULL, 0, &result);
    assert_int_equal(result.err, JT_OK);
    fx_lane_free(lane);
}

static void two_rows_under_one_id_are_both_told_of(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card card = fx_card(1, 1, 1);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    fx_exec(fx->plain, "INSERT INTO card (id, field, fp, envelope) "
                       "SELECT id, field, fp, set_byte(envelope, 0, 2) FROM card");
    fx_read(lane, &card.id, 1, (const uint8_t[]){ 1, 2 }, 2, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.cards[0].n_rows, 2);
    fx_lane_free(lane);
}

static void rows_under_any_other_key_id_are_found_as_strays(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card cards[2] = { fx_card(1, 1, 1), fx_card(1, 2, 1) };
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, 2, &result);
    char sql[120];
    (void)snprintf(sql, sizeof sql,
                   "UPDATE card SET envelope = set_byte(envelope, 0, 200) WHERE id = %llu",
                   (unsigned long long)cards[1].id);
    fx_exec(fx->plain, sql);
    const uint64_t ids[] = { cards[1].id, UINT64_C(1) << 55, cards[1].id };
    fx_read(lane, ids, 1, (const uint8_t[]){ 1 }, 1, &result);
    assert_int_equal(result.cards[0].n_rows, 0);
    fx_strays(lane, ids, 3, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.n, 3);
    assert_int_equal(result.stranded[0], 200);
    assert_int_equal(result.stranded[1], 0);
    assert_int_equal(result.stranded[2], 200);
    fx_lane_free(lane);
}

/* No index spans the key ids: the statement itself keeps an id from being stored twice. */
static void an_id_that_a_draining_generation_has_is_not_stored_again(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = open_lane(fx);
    struct fx_card old = fx_card(1, 1, 1);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &old, 1, &result);
    fx_activate(fx, 2);
    struct fx_card cards[2] = { fx_card(1, 2, 2), fx_card(1, 3, 2) };
    cards[0].id = old.id;
    const uint64_t draining[] = { 1 };
    fx_tokenize(lane, fx->epoch, 2, draining, 1, cards, 2, &result);
    assert_int_equal(result.err, JT_OK);
    assert_false(result.found[0]);
    assert_true(result.written[1]);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 2"), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT written FROM tally WHERE generation = 2"), 1);
    /* And within one generation its index does: nothing is written, and it is an alarm. */
    cards[0] = fx_card(1, 4, 2);
    cards[0].id = cards[1].id;
    fx_tokenize(lane, fx->epoch, 2, draining, 1, cards, 1, &result);
    assert_int_equal(result.err, JT_ERR_DB_DUPLICATE);
    fx_lane_free(lane);
}

static void audit_rows_of_reads_carry_the_ids(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = open_lane(fx);
    const uint64_t ids[] = { 0x0102030405060708, 0x1112131415161718 };
    const struct jt_audit_row rows[] = {
        { .action = JT_AUDIT_DETOKENIZE,
          .client = "app-1",
          .field = 3,
          .n_items = 2,
          .n_done = 2,
          .ids = ids,
          .n_ids = 2 },
        { .action = JT_AUDIT_DETOKENIZE, .client = "app-2", .field = 4, .n_items = 5, .n_done = 0 },
    };
    fx_audit(lane, rows, 2, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(
        fx_number(
            fx->plain,
            "SELECT count(*) FROM audit WHERE client = 'app-1' AND field = 3 AND "
            "ids = "
            "decode('01020304050607081112131415161718', 'hex') AND head IS NULL AND place = 1 "
            "AND action = 2"),
        1);
    assert_int_equal(
        fx_number(fx->plain,
                  "SELECT count(*) FROM audit WHERE client = 'app-2' AND n_items = 5 AND "
                  "n_done = 0 AND ids = '' AND head IS NOT NULL AND place = 2"),
        1);
    assert_int_equal(fx_number(fx->plain,
                               "SELECT count(DISTINCT (start, connection, link, at)) FROM audit "
                               "WHERE action = 2 AND at <= clock_timestamp()"),
                     1);
    fx_lane_free(lane);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(new_cards_are_stored_under_their_ids),
        fx_vault_test(a_card_repeated_in_a_batch_gets_one_id),
        fx_vault_test(a_known_card_keeps_its_id),
        fx_vault_test(a_card_under_a_draining_generation_keeps_its_id_and_gets_no_second_row),
        fx_vault_test(a_race_lost_to_a_commit_gives_the_winners_id),
        fx_vault_test(a_race_won_by_a_rollback_gives_the_own_id),
        fx_vault_test(a_stale_epoch_writes_nothing),
        fx_vault_test(another_incarnation_writes_nothing),
        fx_vault_test(generation_rows_that_contradict_the_ring_are_an_alarm),
        fx_vault_test(a_batch_of_the_largest_size_goes_through_one_pipe),
        fx_vault_test(cards_are_read_by_id_in_the_order_asked),
        fx_vault_test(two_rows_under_one_id_are_both_told_of),
        fx_vault_test(rows_under_any_other_key_id_are_found_as_strays),
        fx_vault_test(an_id_that_a_draining_generation_has_is_not_stored_again),
        fx_vault_test(audit_rows_of_reads_carry_the_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
