/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric tokens on a real database: none is issued twice, none is a card, and whoever comes second
 * waits for whoever was first.
 */
#include "tests/db/fixture.h"

#include "base/random.h"
#include "store/numeric.h"

#include <stdio.h>
#include <string.h>

static struct fx_result result; /* large */

static struct fx_lane *begin(struct fx *fx)
{
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(lane);
    return lane;
}

static struct fx_card numeric_card(uint64_t number, uint64_t token, bool guarded)
{
    struct fx_card card = fx_card(1, number, 1);
    card.token = token;
    card.guarded = guarded;
    return card;
}

static void store(struct fx *fx, struct fx_lane *lane, const struct fx_card *cards, size_t n)
{
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, n, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.n, n);
}

static int64_t n_tokens(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM numeric_token");
}

static void tokens_are_stored_beside_their_cards(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = begin(fx);
    struct fx_card cards[40];
    for (uint64_t i = 0; i < 40; i++) {
        /* opaque ones among them */
        cards[i] = numeric_card(100 + i, i % 4 == 0 ? 0 : 5000 + i, i % 4 == 1);
    }
    store(fx, lane, cards, 40);
    for (size_t i = 0; i < 40; i++) {
        assert_true(result.written[i] && result.ids[i] == cards[i].id);
    }
    assert_int_equal(n_tokens(fx), 30);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card WHERE digits IS NULL"), 10);
    assert_int_equal(fx_number(fx->plain,
                               "SELECT count(*) FROM card c JOIN numeric_token n ON n.id = c.id "
                               "AND n.field = c.field WHERE octet_length(c.digits) = 8"),
                     30);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(written) FROM tally"), 40);
    const uint64_t asked[] = { 5001, 5000, 5039, 1 };
    const uint8_t live[] = { 1 };
    fx_read_toks(lane, 1, asked, 4, live, 1, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.cards[0].n_rows == 1 && result.cards[0].id == cards[1].id &&
                result.cards[0].row.id == cards[1].id);
    const struct jt_digits digits = fx_digits(5001);
    assert_memory_equal(&result.cards[0].row.digits, &digits, sizeof digits);
    assert_true(result.cards[1].n_rows == 0 && result.cards[1].id == 0);
    assert_true(result.cards[2].row.id == cards[39].id);
    assert_true(result.cards[3].n_rows == 0 && result.cards[3].id == 0);
    fx_lane_free(lane);
}

static void a_known_card_takes_no_second_token(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = begin(fx);
    const struct fx_card first = numeric_card(7, 70, true);
    struct fx_card again = numeric_card(7, 71, true);
    store(fx, lane, &first, 1);
    store(fx, lane, &again, 1);
    assert_true(result.found[0] && !result.written[0] && result.ids[0] == first.id);
    assert_int_equal(n_tokens(fx), 1); /* and 71 is free still */
    struct fx_card other = numeric_card(8, 71, true);
    store(fx, lane, &other, 1);
    assert_true(result.written[0]);
    fx_lane_free(lane);
}

static void a_token_that_was_issued_is_never_issued_again(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = begin(fx);
    struct fx_card card = numeric_card(1, 90, false);
    store(fx, lane, &card, 1);
    struct fx_card others[3] = { numeric_card(2, 90, false), numeric_card(3, 91, false),
                                 numeric_card(4, 91, false) };
    store(fx, lane, others, 3);
    assert_false(result.found[0]);
    assert_int_equal(result.why[0], JT_CARD_TOKEN_TAKEN);
    /* of two in one batch one has it */
    assert_true(result.written[1] != result.written[2]);
    assert_int_equal(result.why[result.written[1] ? 2 : 1], JT_CARD_TOKEN_TAKEN);
    assert_true(result.n_taken[0] == 2); /* the same but for the last digits */
    /* its card goes, and it stays */
    const struct jt_card_doomed doomed = { .id = card.id, .key_id = 1 };
    fx_delete(lane, fx->epoch, &doomed, 1, &result);
    assert_int_equal(result.n_deleted, 1);
    struct fx_card again = numeric_card(1, 90, false);
    store(fx, lane, &again, 1);
    assert_int_equal(result.why[0], JT_CARD_TOKEN_TAKEN);
    const uint64_t asked[] = { 90 };
    const uint8_t live[] = { 1 };
    fx_read_toks(lane, 1, asked, 1, live, 1, &result);
    assert_true(result.cards[0].n_rows == 0 && result.cards[0].id == card.id);
    /* in another field it is another token */
    struct fx_card elsewhere = fx_card(2, 1, 1);
    elsewhere.token = 90;
    store(fx, lane, &elsewhere, 1);
    assert_true(result.written[0]);
    fx_lane_free(lane);
}

static void a_card_that_is_a_token_and_a_token_that_is_a_card_are_refused(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 2);
    struct fx_lane *lane = begin(fx);
    struct fx_card cards[2] = { numeric_card(10, 20, true), numeric_card(11, 21, true) };
    store(fx, lane, cards, 2);
    struct fx_card is_token = numeric_card(20, 30, true), has_card = numeric_card(31, 10, true);
    store(fx, lane, &is_token, 1);
    assert_int_equal(result.why[0], JT_CARD_IS_TOKEN);
    store(fx, lane, &has_card, 1);
    assert_int_equal(result.why[0], JT_CARD_TOKEN_TAKEN);
    /* within one batch: card 50, and 51 with the token 50 */
    struct fx_card both[2] = { numeric_card(50, 60, true), numeric_card(51, 50, true) };
    store(fx, lane, both, 2);
    assert_true(result.written[0]);
    assert_int_equal(result.why[1], JT_CARD_TOKEN_TAKEN);
    /* where nobody guards they may meet */
    struct fx_card unguarded = numeric_card(21, 11, false);
    store(fx, lane, &unguarded, 1);
    assert_true(result.written[0]);
    /* under a draining generation they are found as well */
    fx_activate(fx, 2);
    const uint64_t draining[] = { 1 };
    struct fx_card later[2] = { fx_card(1, 70, 2), fx_card(1, 60, 2) };
    later[0].token = 50;
    later[1].token = 71;
    later[0].guarded = later[1].guarded = true;
    fx_tokenize(lane, fx->epoch, 2, draining, 1, later, 2, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.why[0], JT_CARD_TOKEN_TAKEN);
    assert_int_equal(result.why[1], JT_CARD_IS_TOKEN);
    fx_lane_free(lane);
}

/* `second` comes while `first` is under way, held up by a stranger's row. */
static void race(struct fx *fx, struct fx_lane *lane, const struct fx_card *first,
                 const struct fx_card *second)
{
    struct fx_lane *other = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(other);
    char sql[300], hex[33];
    for (size_t i = 0; i < 16; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", first->fingerprint[i]);
    }
    (void)snprintf(sql, sizeof sql,
                   "BEGIN; INSERT INTO card (id, field, fp, envelope) VALUES (1111, 1, '%s', "
                   "decode('01' || repeat('ee', 24), 'hex'))",
                   hex);
    fx_exec(fx->plain, sql);
    PGconn *watcher = fx_connect();
    fx_tokenize_start(lane, fx->epoch, 1, NULL, 0, first, 1);
    fx_await(watcher, "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                      "'test_pipe' AND wait_event = 'transactionid'");
    fx_tokenize_start(other, fx->epoch, 1, NULL, 0, second, 1);
    fx_await(watcher, "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                      "'test_pipe' AND wait_event = 'advisory'");
    PQfinish(watcher);
    fx_exec(fx->plain, "ROLLBACK");
    fx_wait(lane, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.written[0]);
    fx_wait(other, &result);
    assert_int_equal(result.err, JT_OK);
    assert_false(result.found[0]);
    fx_lane_free(other);
}

static void who_stores_a_card_waits_for_who_issues_it_as_a_token(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = begin(fx);
    const struct fx_card issues = numeric_card(1, 2, true), stores = numeric_card(2, 3, true);
    race(fx, lane, &issues, &stores);
    assert_int_equal(result.why[0], JT_CARD_IS_TOKEN);
    fx_lane_free(lane);
}

static void who_issues_a_token_waits_for_who_stores_it_as_a_card(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = begin(fx);
    const struct fx_card stores = numeric_card(2, 3, true), issues = numeric_card(1, 2, true);
    race(fx, lane, &stores, &issues);
    assert_int_equal(result.why[0], JT_CARD_TOKEN_TAKEN);
    fx_lane_free(lane);
}

static void nothing_is_issued_below_the_mark(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = begin(fx);
    struct jt_numeric_mark mark;
    assert_int_equal(jt_numeric_mark_read(fx->db, &mark), JT_OK);
    assert_true(mark.mark == 1 && mark.system_identifier != 0 && mark.timeline == 1);
    assert_int_equal(jt_numeric_mark_raise(fx->db, 2), JT_OK); /* is not */
    assert_int_equal(jt_numeric_mark_read(fx->db, &mark), JT_OK);
    assert_true(mark.mark == 1);
    assert_int_equal(jt_numeric_mark_raise(fx->db, 1), JT_OK);
    assert_int_equal(jt_numeric_mark_read(fx->db, &mark), JT_OK);
    assert_true(mark.mark == 2);
    fx_lane_need_mark(lane, 3);
    struct fx_card cards[2] = { numeric_card(1, 2, false), fx_card(1, 3, 1) };
    store(fx, lane, cards, 2);
    assert_true(result.numeric_behind && !result.found[0] && result.why[0] == 0);
    assert_true(result.written[1]); /* an opaque one is stored all the same */
    assert_int_equal(n_tokens(fx), 0);
    fx_lane_need_mark(lane, 2);
    store(fx, lane, cards, 1);
    assert_true(!result.numeric_behind && result.written[0]);
    fx_exec(fx->plain, "DELETE FROM numeric_mark"); /* somebody's doing */
    struct fx_card later = numeric_card(9, 9, false);
    store(fx, lane, &later, 1);
    assert_true(result.numeric_behind && !result.found[0]);
    assert_int_equal(jt_numeric_mark_read(fx->db, &mark), JT_ERR_DB_FAULT);
    fx_lane_free(lane);
}

static void a_swallowed_token_stores_no_card(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = begin(fx);
    fx_exec(fx->plain,
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
            "RETURN NULL; END'; CREATE TRIGGER t BEFORE INSERT ON numeric_token FOR EACH "
            "ROW EXECUTE FUNCTION nothing()");
    struct fx_card card = numeric_card(1, 2, false);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    assert_int_equal(result.err, JT_ERR_DB_UNTRUE);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card"), 0);
    fx_lane_free(lane);
}

static void ids_of_tokens_are_found(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = begin(fx);
    struct fx_card card = numeric_card(1, 2, false);
    uint8_t tok[JT_TOK_LEN];
    uint64_t id;
    store(fx, lane, &card, 1);
    fx_tok(1, 2, tok);
    assert_int_equal(jt_numeric_find(fx->db, 1, tok, &id), JT_OK);
    assert_true(id == card.id);
    assert_int_equal(jt_numeric_find(fx->db, 2, tok, &id), JT_ERR_NO_TOKEN);
    fx_lane_free(lane);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(tokens_are_stored_beside_their_cards),
        fx_vault_test(a_known_card_takes_no_second_token),
        fx_vault_test(a_token_that_was_issued_is_never_issued_again),
        fx_vault_test(a_card_that_is_a_token_and_a_token_that_is_a_card_are_refused),
        fx_vault_test(who_stores_a_card_waits_for_who_issues_it_as_a_token),
        fx_vault_test(who_issues_a_token_waits_for_who_stores_it_as_a_card),
        fx_vault_test(nothing_is_issued_below_the_mark),
        fx_vault_test(a_swallowed_token_stores_no_card),
        fx_vault_test(ids_of_tokens_are_found),
    };
    return cmocka_run_group_tests_name("store/numeric", tests, NULL, NULL);
}
