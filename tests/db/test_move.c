/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Re-encryption on a real database: compare-and-swap, locked rows, the tally, the walk over what is
 * left.
 */
#include "tests/db/fixture.h"

#include <stdlib.h>
#include <string.h>

static struct fx_result result;

#define N 20

/*
 * N cards of two fields under generation 1, which drains in favour of generation 2; and what they
 * become.
 */
struct scene {
    struct fx_lane *lane;
    struct fx_card old[N], new[N];
    struct jt_card_row rows[N];
    struct jt_card_move moves[N];
    struct jt_move_txn txn;
};

static struct scene *open_scene(struct fx *fx)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_create_generation(fx, 3);
    fx_activate(fx, 1);
    s->lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(s->lane);
    for (uint64_t i = 0; i < N; i++) {
        s->old[i] = fx_card(1 + i % 2, i, 1);
        s->new[i] = s->old[i];
        fx_fingerprint(i, 2, s->new[i].fingerprint);
        s->new[i].envelope[0] = 2;
        s->rows[i] = fx_row(&s->old[i]);
        s->moves[i] =
            (struct jt_card_move){ &s->rows[i], s->new[i].envelope, 25, s->new[i].fingerprint };
    }
    fx_tokenize(s->lane, fx->epoch, 1, NULL, 0, s->old, N, &result);
    assert_int_equal(result.err, JT_OK);
    fx_activate(fx, 2);
    s->txn = (struct jt_move_txn){ .epoch = fx->epoch,
                                   .from = fx_key(1),
                                   .to = fx_key(2),
                                   .writer = 77,
                                   .moves = s->moves,
                                   .n = N };
    return s;
}

static void close_scene(struct scene *s)
{
    fx_lane_free(s->lane);
    free(s);
}

static void assert_moved(size_t n)
{
    assert_int_equal(result.err, JT_OK);
    assert_true(result.check.node_stands);
    assert_int_equal(result.n_moved, n);
}

static void cards_move_and_both_generations_count_them(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    s->txn.n = 15;
    fx_move(s->lane, &s->txn, &result);
    assert_moved(15);
    assert_int_equal(
        fx_number(fx->plain,
                  "SELECT count(*) FROM card WHERE key_id = 2 AND get_byte(envelope, 0) = 2"),
        15);
    struct jt_generation_info one, two;
    assert_int_equal(jt_generation_get(fx->db, 1, &one), JT_OK);
    assert_int_equal(jt_generation_get(fx->db, 2, &two), JT_OK);
    assert_int_equal(one.rows_written, N);
    assert_int_equal(one.rows_moved_out, 15);
    assert_int_equal(two.rows_moved_in, 15);
    assert_int_equal(two.rows_written, 0);

    struct jt_move_result waited;
    s->txn.n = N; /* 15 of them moved already */
    assert_int_equal(jt_cards_move_wait(fx->db, &fx->node, &s->txn, &waited), JT_OK);
    assert_int_equal(waited.n_moved, N - 15);
    assert_int_equal(waited.check.epoch, fx->epoch);
    assert_int_equal(jt_cards_move_wait(fx->db, &fx->node, &s->txn, &waited), JT_OK);
    assert_int_equal(waited.n_moved, 0);
    assert_int_equal(
        fx_number(fx->plain, "SELECT sum(moved_in) * 1000 + sum(moved_out) FROM tally"),
        N * 1000 + N);

    /* Under the new generation each keeps its id. */
    const uint64_t draining[] = { 1 };
    struct fx_card again[N];
    for (uint64_t i = 0; i < N; i++) {
        again[i] = fx_card(1 + i % 2, i, 2);
    }
    fx_tokenize(s->lane, fx->epoch, 2, draining, 1, again, N, &result);
    for (size_t i = 0; i < N; i++) {
        assert_true(result.found[i]);
        assert_int_equal(result.ids[i], s->old[i].id);
    }
    close_scene(s);
}

static void a_row_that_changed_is_left_alone(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    fx_exec(fx->plain, "UPDATE card SET envelope = set_byte(envelope, 20, 1) WHERE field = 1");
    s->rows[1].id = UINT64_C(1) << 50; /* nobody's */
    fx_move(s->lane, &s->txn, &result);
    assert_moved(N / 2 - 1);
    assert_int_equal(
        fx_number(fx->plain, "SELECT moved_out FROM tally WHERE writer = 77 AND generation = 1"),
        N / 2 - 1);
    close_scene(s);
}

static void a_row_locked_by_somebody_else_is_skipped_at_once(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    fx_exec(fx->plain, "BEGIN; SELECT 1 FROM card WHERE field = 2 FOR UPDATE");
    fx_move(s->lane, &s->txn, &result);
    assert_moved(N / 2);
    fx_exec(fx->plain, "COMMIT");
    fx_move(s->lane, &s->txn, &result);
    assert_moved(N / 2);
    close_scene(s);
}

static void a_fingerprint_that_exists_already_is_an_alarm_and_moves_nothing(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct fx_card twin = fx_card(1, 0, 2); /* what the ring rule keeps honest writers from */
    fx_tokenize(s->lane, fx->epoch, 2, NULL, 0, &twin, 1, &result);
    assert_true(result.found[0]);
    fx_move(s->lane, &s->txn, &result);
    assert_int_equal(result.err, JT_ERR_DB_DUPLICATE);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 1"), N);
    char message[256];
    fx_lane_message(s->lane, message, sizeof message);
    assert_memory_equal(message, "23505", 5);
    assert_null(strstr(message, "Key ("));
    assert_true(fx_lane_ready(s->lane)); /* rolled back, and going on */
    struct jt_move_result waited;
    assert_int_equal(jt_cards_move_wait(fx->db, &fx->node, &s->txn, &waited), JT_ERR_DB_DUPLICATE);
    s->txn.moves++;
    s->txn.n--;
    fx_move(s->lane, &s->txn, &result);
    assert_moved(N - 1);
    close_scene(s);
}

static void only_from_draining_to_active_under_the_present_epoch(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    s->txn.epoch--;
    fx_move(s->lane, &s->txn, &result);
    assert_moved(0);
    assert_int_equal(result.check.epoch, fx->epoch);
    s->txn.epoch++;

    for (uint64_t i = 0; i < N; i++) {
        s->new[i].envelope[0] = 3;
    }
    s->txn.to = fx_key(3); /* future: the ring of this epoch says otherwise */
    fx_move(s->lane, &s->txn, &result);
    assert_int_equal(result.err, JT_ERR_RING_CONTRADICTED);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 1"), N);

    struct jt_move_result waited;
    s->txn.to = fx_key(2); /* and the envelopes say 3 */
    assert_int_equal(jt_cards_move_wait(fx->db, &fx->node, &s->txn, &waited), JT_ERR_INVALID);
    struct jt_node_spec other = fx->node;
    other.incarnation[0] ^= 1;
    for (uint64_t i = 0; i < N; i++) {
        s->new[i].envelope[0] = 2;
    }
    assert_int_equal(jt_cards_move_wait(fx->db, &other, &s->txn, &waited), JT_OK);
    assert_false(waited.check.node_stands);
    assert_int_equal(waited.n_moved, 0);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card WHERE key_id = 1"), N);
    close_scene(s);
}

static void the_walk_meets_every_card_once_in_order_of_id(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct jt_card_cursor cursor = { 0 };
    struct jt_card_row rows[7];
    size_t n, seen = 0;
    bool met[N] = { false };
    uint64_t id = 0;
    do {
        assert_int_equal(jt_cards_stragglers(fx->db, 1, &cursor, JT_CARD_CURSOR_END, rows, 7, &n),
                         JT_OK);
        for (size_t r = 0; r < n; r++) {
            assert_true(rows[r].id > id);
            id = rows[r].id;
            for (size_t i = 0; i < N; i++) {
                if (rows[r].id == s->old[i].id) {
                    assert_false(met[i]);
                    met[i] = true;
                    assert_int_equal(rows[r].envelope_len, 25);
                    assert_memory_equal(rows[r].envelope, s->old[i].envelope, 25);
                    assert_memory_equal(rows[r].fingerprint, s->old[i].fingerprint, 16);
                    assert_int_equal(rows[r].field, s->old[i].field);
                    seen++;
                }
            }
        }
    } while (n > 0);
    assert_int_equal(seen, N);
    cursor = (struct jt_card_cursor){ 0 };
    assert_int_equal(jt_cards_stragglers(fx->db, 2, &cursor, JT_CARD_CURSOR_END, rows, 7, &n),
                     JT_OK);
    assert_int_equal(n, 0);
    close_scene(s);
}

static void the_newest_rows_of_each_key_id_are_told(void **state)
{
    struct fx *fx = *state;
    struct scene *s = open_scene(fx);
    struct fx_card late = fx_card(1, 500, 2);
    fx_tokenize(s->lane, fx->epoch, 2, NULL, 0, &late, 1, &result);
    struct jt_card_row rows[9];
    size_t n;
    assert_int_equal(jt_cards_newest(fx->db, (const uint8_t[]){ 1, 2, 3 }, 3, 3, rows, &n), JT_OK);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows[i].id, s->old[N - 1 - i].id);
    }
    assert_int_equal(rows[3].id, late.id);
    close_scene(s);
}

static void key_ids_in_use_are_told_without_a_scan(void **state)
{
    struct fx *fx = *state;
    uint8_t used[JT_KEY_ID_SET_LEN];
    assert_int_equal(jt_cards_key_ids(fx->db, used), JT_OK);
    assert_memory_equal(used, (uint8_t[32]){ 0 }, 32);
    struct scene *s = open_scene(fx);
    fx_exec(fx->plain,
            "INSERT INTO card (id, field, fp, envelope) SELECT i, 1, md5(i::text)::uuid, "
            "decode('ff' || repeat('ee', 24), 'hex') FROM generate_series(1, 3) i");
    assert_int_equal(jt_cards_key_ids(fx->db, used), JT_OK);
    assert_int_equal(used[0], 1 << 1);
    assert_int_equal(used[31], 1 << 7);
    close_scene(s);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(cards_move_and_both_generations_count_them),
        fx_vault_test(a_row_that_changed_is_left_alone),
        fx_vault_test(a_row_locked_by_somebody_else_is_skipped_at_once),
        fx_vault_test(a_fingerprint_that_exists_already_is_an_alarm_and_moves_nothing),
        fx_vault_test(only_from_draining_to_active_under_the_present_epoch),
        fx_vault_test(the_newest_rows_of_each_key_id_are_told),
        fx_vault_test(key_ids_in_use_are_told_without_a_scan),
        fx_vault_test(the_walk_meets_every_card_once_in_order_of_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
