/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recoveries in the database: one request at a time, with its approvals; and that all of it is
 * posted or nothing.
 */
#include "tests/db/fixture.h"

#include "store/generations.h"
#include "store/recoveries.h"
#include "store/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct jt_recovery_row row, found; /* large */

static void put(struct fx *fx, uint8_t salt)
{
    memset(&row, 0, sizeof row);
    (void)snprintf(row.node, sizeof row.node, "node-1");
    row.body_len = 100;
    memset(row.body, salt, row.body_len);
    memset(row.mac, salt, sizeof row.mac);
    assert_int_equal(jt_recovery_put(fx->db, &row, &fx_act), JT_OK);
    assert_true(row.id > 0 && row.requested_at[0] != '\0');
}

static size_t n_approvals(struct fx *fx)
{
    static const struct jt_custodian_set set = {
        .n = 2, .all = { { .name = "alice" }, { .name = "bob" } }
    };
    struct jt_approval_row approvals[JT_CUSTODIANS_MAX];
    size_t n;
    const struct jt_approvals_wanted wanted = { .of = JT_APPROVALS_OF_RECOVERY, .id = row.id };
    assert_int_equal(jt_approvals_read(fx->db, &wanted, &set, approvals, &n), JT_OK);
    return n;
}

static void one_request_stands_at_a_time(void **state)
{
    struct fx *fx = *state;
    struct jt_approval alice = { .custodian = "alice" }, eve = { .custodian = "eve" };
    assert_int_equal(jt_recovery_newest(fx->db, &found), JT_ERR_NO_RECOVERY);
    put(fx, 1);
    assert_int_equal(jt_recovery_approve(fx->db, &row, &alice, &fx_act), JT_OK);
    assert_int_equal(jt_recovery_approve(fx->db, &row, &alice, &fx_act), JT_OK);
    assert_int_equal(jt_recovery_approve(fx->db, &row, &eve, &fx_act), JT_OK);
    assert_int_equal(n_approvals(fx), 1);
    const struct jt_recovery_row first = row;
    put(fx, 2);
    assert_int_equal(n_approvals(fx), 0);
    assert_int_equal(jt_recovery_approve(fx->db, &first, &alice, &fx_act), JT_ERR_NO_RECOVERY);
    assert_int_equal(jt_recovery_newest(fx->db, &found), JT_OK);
    assert_true(found.id == row.id && found.body_len == 100 && found.epoch == 0);
    assert_memory_equal(found.mac, row.mac, sizeof row.mac);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM jeton.recovery"), 1);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM jeton.audit WHERE action IN (80, 81)"), 5);
}

static struct jt_generation_row generation(uint64_t number, uint8_t key_id, uint8_t as)
{
    struct jt_generation_row g = {
        .number = number, .key_id = key_id, .state = as, .mac_epoch = 1002
    };
    memset(g.check_value, (int)number, sizeof g.check_value);
    return g;
}

/*
 * The copy has 1 active and 2 future, with key ids 1 and 2. Since then 1 was retired, 2 was given
 * up, 3 took its key id and is draining, and 4 is active.
 */
static enum jt_err post(struct fx *fx, const struct jt_ring_row *from, bool *busy)
{
    static const uint8_t word[] = { 1, 2, 3 }, mac[JT_ROW_MAC_LEN] = { 4 };
    static const uint64_t compromised[] = { 3 };
    const struct jt_ring_row ring = { .epoch = 1002, .body_len = 58 };
    struct jt_generation_info info;
    assert_int_equal(jt_generation_get(fx->db, 1, &info), JT_OK);
    struct jt_generation_row rows[] = {
        generation(1, 1, JT_GENERATION_DRAINING),
        generation(2, 2, JT_GENERATION_DESTROYED),
        generation(3, 2, JT_GENERATION_DRAINING),
        generation(4, 3, JT_GENERATION_ACTIVE),
    };
    memcpy(rows[0].check_value, info.row.check_value, sizeof info.row.check_value);
    const struct jt_recovery_post p = { .row = &row,
                                        .from = from,
                                        .ring = &ring,
                                        .rows = rows,
                                        .n_rows = 4,
                                        .compromised = compromised,
                                        .n_compromised = 1,
                                        .word = word,
                                        .word_len = sizeof word,
                                        .word_mac = mac,
                                        .record = "epoch 2 to 1002",
                                        .act = &fx_act };
    return jt_recovery_post(fx->db, &p, busy);
}

static int64_t count(struct fx *fx, const char *where)
{
    char sql[400];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM jeton.generation WHERE %s", where);
    return fx_number(fx->plain, sql);
}

static void all_is_posted_at_once(void **state)
{
    struct fx *fx = *state;
    struct jt_ring_row ring;
    struct jt_recovery_done *done = calloc(1, sizeof *done);
    bool busy;
    assert_non_null(done);
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    fx_create_generation(fx, 2);
    put(fx, 1);
    assert_int_equal(jt_ring_read(fx->db, &ring), JT_OK);
    assert_int_equal(jt_recovery_last_done(fx->db, done), JT_ERR_NO_RECOVERY);
    assert_int_equal(post(fx, &ring, &busy), JT_OK);
    assert_int_equal(count(fx, "number = 1 AND state = 3 AND draining_at IS NOT NULL AND "
                               "activated_at IS NOT NULL AND retired_at IS NULL"),
                     1);
    assert_int_equal(count(fx, "number = 2 AND state = 5 AND destroyed_by = 'tester'"), 1);
    assert_int_equal(count(fx, "number = 3 AND state = 3 AND key_id = 2 AND created_by = 'tester' "
                               "AND compromised_at IS NOT NULL"),
                     1);
    assert_int_equal(count(fx, "number = 4 AND state = 2 AND draining_at IS NULL"), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT epoch FROM jeton.ring"), 1002);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM jeton.audit WHERE action = 82 AND "
                                          "object = 'epoch 2 to 1002'"),
                     1);
    assert_int_equal(jt_recovery_last_done(fx->db, done), JT_OK);
    assert_true(done->epoch == 1002 && done->ring.body_len == 58 && done->word_len == 3);
    free(done);
    /* it is carried out: neither again, nor with one approval more */
    struct jt_approval alice = { .custodian = "alice" };
    assert_int_equal(jt_recovery_approve(fx->db, &row, &alice, &fx_act), JT_ERR_NO_RECOVERY);
    assert_int_equal(jt_ring_read(fx->db, &ring), JT_OK);
    assert_int_equal(post(fx, &ring, &busy), JT_ERR_NO_RECOVERY);
}

static void a_ring_that_moved_or_a_request_that_went_posts_nothing(void **state)
{
    struct fx *fx = *state;
    struct jt_ring_row ring, other;
    bool busy;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    fx_create_generation(fx, 2);
    put(fx, 1);
    assert_int_equal(jt_ring_read(fx->db, &ring), JT_OK);
    other = ring;
    other.epoch++;
    assert_int_equal(post(fx, &other, &busy), JT_ERR_RING_MOVED);
    other = ring;
    other.mac[0] ^= 1;
    assert_int_equal(post(fx, &other, &busy), JT_ERR_RING_MOVED);
    row.mac[0] ^= 1;
    assert_int_equal(post(fx, &ring, &busy), JT_ERR_NO_RECOVERY);
    row.mac[0] ^= 1;
    /* and while a writer holds the ring lock: later */
    fx_exec(fx->plain, "BEGIN");
    fx_exec(fx->plain, "SELECT pg_advisory_xact_lock_shared(" JT_RING_LOCK ")");
    assert_int_equal(post(fx, &ring, &busy), JT_ERR_DB_PASSING);
    assert_true(busy);
    fx_exec(fx->plain, "ROLLBACK");
    assert_int_equal(count(fx, "number = 1 AND state = 2"), 1);
    assert_int_equal(count(fx, "number = 2 AND state = 1"), 1);
    assert_int_equal(count(fx, "number > 2"), 0);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM jeton.recovery WHERE epoch IS NULL"), 1);
    assert_int_equal(post(fx, &ring, &busy), JT_OK);
}

static void views_are_kept_one_a_node(void **state)
{
    struct fx *fx = *state;
    struct jt_keeper_view_row view = { .node = "a", .body_len = 3, .body = { 1, 2, 3 } };
    struct jt_keeper_view_row *all = calloc(JT_RECOVERY_VIEWS_MAX, sizeof *all);
    size_t n;
    assert_non_null(all);
    for (int i = 0; i < 2; i++) {
        view.body[0]++;
        assert_int_equal(jt_keeper_view_note(fx->db, &view), JT_OK);
    }
    memcpy(view.node, "b", 2);
    assert_int_equal(jt_keeper_view_note(fx->db, &view), JT_OK);
    assert_int_equal(jt_keeper_views_read(fx->db, all, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_string_equal(all[0].node, "a");
    assert_true(all[0].body_len == 3 && all[0].body[0] == 3 && all[0].at[0] != '\0');
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fx_vault_test(one_request_stands_at_a_time),
        fx_vault_test(all_is_posted_at_once),
        fx_vault_test(a_ring_that_moved_or_a_request_that_went_posts_nothing),
        fx_vault_test(views_are_kept_one_a_node),
    };
    return cmocka_run_group_tests_name("store/recoveries", tests, NULL, NULL);
}
