/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations and the ring: create, acknowledge, abandon, and every step or ring that is out of
 * order or forged.
 */
#include "world.h"

#include "keyclient/nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

static void acknowledgements_prove_possession(void **state)
{
    struct world *w = *state;
    const struct jt_node_spec spec = { .name = "node1", .number = WORLD_NODE };
    struct jt_generation_row a = world_create(w);
    uint8_t challenge[JT_CHALLENGE_LEN];
    struct jt_node_row node;
    struct jt_ack ack;
    assert_int_equal(jt_keyclient_wait_ack_challenge(w->kc, &a, challenge), JT_OK);
    assert_int_equal(jt_keyclient_wait_node_row(w->kc, &spec, &node), JT_OK);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &a, "node1", challenge, &ack), JT_OK);
    assert_string_equal(ack.node, "node1");
    assert_memory_equal(ack.incarnation, jt_keyclient_incarnation(w->kc), JT_INCARNATION_LEN);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &ack, &node), JT_OK);

    struct jt_ack forged = ack;
    forged.node[0] = 'm';
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &forged, &node), JT_ERR_FORGED);
    forged = ack;
    forged.challenge[0] ^= 1;
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &forged, &node), JT_ERR_FORGED);
    forged = ack;
    forged.incarnation[0] ^= 1;
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &forged, &node), JT_ERR_FORGED);
    forged = ack;
    forged.mac[15] ^= 1;
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &forged, &node), JT_ERR_FORGED);

    struct jt_generation_row b = world_create(w);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &b, &ack, &node), JT_ERR_FORGED);
    struct jt_generation_row unsigned_row = a;
    unsigned_row.state = JT_GENERATION_ACTIVE;
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &unsigned_row, "node1", challenge, &ack),
                     JT_ERR_FORGED);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &a, "", challenge, &ack), JT_ERR_INVALID);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &a, "no de", challenge, &ack), JT_ERR_INVALID);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &a), JT_OK);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &a, "node1", challenge, &ack),
                     JT_ERR_KEY_MISSING);
}

static void a_generation_is_abandoned_only_before_the_ring_lists_it(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row b = world_create(w);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &b), JT_OK);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &b), JT_ERR_KEY_MISSING);
    char path[160];
    struct stat st;
    snprintf(path, sizeof path, "%s/generation-2.key", w->k.keys);
    assert_int_not_equal(stat(path, &st), 0);
    world_restart(w, SIGKILL);
    struct jt_generation_row c = world_create(w);
    assert_int_equal(c.number, 3); /* the number stays used, over the restart */
    assert_int_equal(c.key_id, 2); /* the key id is free again */
    struct jt_generation_row future = a;
    /* no ring was shown since the start */
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &a), JT_ERR_NO_RING);
    assert_int_equal(world_accept(w, &w->ring), JT_OK);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &future), JT_ERR_USED_BEFORE);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &a), JT_ERR_WRONG_STATE);
    world_step(w, &c, JT_GENERATION_ACTIVE, &a);
    world_step(w, &a, JT_GENERATION_RETIRED, NULL);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &future), JT_ERR_USED_BEFORE);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &a), JT_ERR_WRONG_STATE);
}

static void only_its_own_future_row_abandons_a_generation(void **state)
{
    struct world *w = *state;
    struct jt_generation_row g = world_create(w);
    struct jt_generation_row forged = g;
    forged.mac[3] ^= 1;
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &forged), JT_ERR_FORGED);
    forged = g;
    forged.key_id++;
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &forged), JT_ERR_FORGED);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &g), JT_OK);
}

/* The bytes of a file of the key directory; its length. */
static size_t read_key_file(const struct world *w, const char *name, uint8_t *out, size_t max)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", w->k.keys, name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(out, 1, max, f);
    fclose(f);
    return n;
}

static void write_key_file(const struct world *w, const char *name, const uint8_t *data, size_t len)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", w->k.keys, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* The keeper of the first outside trial lost thousands of cards here. */
static void a_state_that_went_back_erases_no_key_that_was_in_a_ring(void **state)
{
    struct world *w = *state;
    static uint8_t old[8192];
    struct jt_generation_row g = world_create(w);
    struct jt_generation_row future = g;
    struct jt_ring_row before = w->ring;
    size_t len = read_key_file(w, "state", old, sizeof old);
    world_step(w, &g, JT_GENERATION_ACTIVE, NULL);
    struct jt_ring_row after = w->ring;
    (void)world_seal(w);
    world_disconnect(w);
    (void)keeper_stop(&w->k, SIGKILL);
    write_key_file(w, "state", old, len);
    assert_true(keeper_start(&w->k));
    world_connect(w);
    world_name_fields(w);
    assert_int_equal(world_accept(w, &before), JT_OK); /* a database that went back as well */
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &future), JT_ERR_USED_BEFORE);
    assert_int_equal(world_accept(w, &after), JT_OK); /* and all of it can be read again */
    world_join(w);
    (void)world_seal(w);
}

static void a_key_that_was_made_and_never_stored_is_given_out_again(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row again;
    w->db_highest = 0; /* the database never heard of it */
    again = world_create(w);
    assert_int_equal(again.number, a.number);
    assert_memory_equal(again.check_value, a.check_value, sizeof a.check_value);
    world_restart(w, SIGKILL);
    assert_int_equal(world_accept(w, &w->ring), JT_OK);
    w->db_highest = 0;
    again = world_create(w);
    assert_int_equal(again.number, a.number);
    world_step(w, &again, JT_GENERATION_ACTIVE, NULL);
    /* a database that has lost its tail: what was in a ring is never given out twice */
    w->db_highest = 0;
    assert_int_equal(world_create(w).number, a.number + 1);
}

static void a_mark_that_was_altered_keeps_the_keeper_from_starting(void **state)
{
    struct world *w = *state;
    uint8_t mark[100];
    struct jt_generation_row g = world_create(w);
    world_step(w, &g, JT_GENERATION_ACTIVE, NULL);
    size_t len = read_key_file(w, "generation-1.used", mark, sizeof mark);
    assert_int_equal(len, 44);
    world_disconnect(w);
    (void)keeper_stop(&w->k, SIGTERM);
    mark[20] ^= 1;
    write_key_file(w, "generation-1.used", mark, len);
    assert_false(keeper_start(&w->k));
    assert_non_null(strstr(w->k.output, "generation-1.used"));
    mark[20] ^= 1;
    write_key_file(w, "generation-1.used", mark, len);
    assert_true(keeper_start(&w->k));
    world_connect(w);
}

static bool directory_good(struct world *w)
{
    struct jt_keeper_status status;
    assert_int_equal(jt_keyclient_wait_status(w->kc, &status), JT_OK);
    return status.directory_good;
}

/* STATUS looks once a second at most. */
static void until_directory_is(struct world *w, bool good)
{
    for (int i = 0; i < 300 && directory_good(w) != good; i++) {
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(directory_good(w), good);
}

static void renamed(const char *from, const char *to)
{
    assert_int_equal(rename(from, to), 0);
}

static void no_key_is_acknowledged_in_a_directory_that_is_no_more(void **state)
{
    struct world *w = *state;
    uint8_t challenge[JT_CHALLENGE_LEN] = { 1 };
    struct jt_ack ack;
    struct jt_ring_row next;
    struct jt_generation_row rows[2];
    struct jt_generation_row more;
    size_t n;
    char away[160];
    struct jt_generation_row g = world_create(w);
    assert_true(directory_good(w));
    assert_int_equal(
        jt_keyclient_wait_ring_propose(w->kc, &w->ring, &g, JT_GENERATION_ACTIVE, &next, rows, &n),
        JT_OK);
    snprintf(away, sizeof away, "%s.away", w->k.keys);

    /* the directory itself, gone or another in its place */
    renamed(w->k.keys, away);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &g, "node1", challenge, &ack),
                     JT_ERR_DIRECTORY_BAD);
    assert_int_equal(mkdir(w->k.keys, 0700), 0);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &g, "node1", challenge, &ack),
                     JT_ERR_DIRECTORY_BAD);
    assert_int_equal(world_accept(w, &next), JT_ERR_DIRECTORY_BAD);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, g.number, world_no_key_ids, &more),
                     JT_ERR_DIRECTORY_BAD);
    until_directory_is(w, false);
    assert_int_equal(rmdir(w->k.keys), 0);
    renamed(away, w->k.keys);
    until_directory_is(w, true);

    assert_int_equal(world_accept(w, &next), JT_OK);
}

static void steps_out_of_order_are_refused(void **state)
{
    struct world *w = *state;
    struct jt_ring_row next;
    struct jt_generation_row rows[2];
    size_t n;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row b = world_create(w);
    assert_int_equal(
        jt_keyclient_wait_ring_propose(w->kc, &w->ring, &a, JT_GENERATION_RETIRED, &next, rows, &n),
        JT_ERR_NO_GENERATION);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &a, JT_GENERATION_DESTROYED,
                                                    &next, rows, &n),
                     JT_ERR_NO_GENERATION);
    struct jt_ring_row stale = w->ring;
    struct jt_generation_row a_future = a;
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    assert_int_equal(
        jt_keyclient_wait_ring_propose(w->kc, &stale, &b, JT_GENERATION_ACTIVE, &next, rows, &n),
        JT_ERR_RING_MOVED);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &a_future,
                                                    JT_GENERATION_ACTIVE, &next, rows, &n),
                     JT_ERR_WRONG_STATE);
    assert_int_equal(
        jt_keyclient_wait_ring_propose(w->kc, &w->ring, &a, JT_GENERATION_RETIRED, &next, rows, &n),
        JT_ERR_WRONG_STATE);
    struct jt_generation_row forged = a; /* a front that writes its own row */
    forged.state = JT_GENERATION_DRAINING;
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &forged, JT_GENERATION_RETIRED,
                                                    &next, rows, &n),
                     JT_ERR_FORGED);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &b), JT_OK);
    assert_int_equal(
        jt_keyclient_wait_ring_propose(w->kc, &w->ring, &b, JT_GENERATION_ACTIVE, &next, rows, &n),
        JT_ERR_KEY_MISSING);
    assert_int_equal(jt_keyclient_wait_ring_first(w->kc, &next), JT_ERR_RING_THERE);
}

static void a_ring_that_went_back_or_was_forged_is_refused(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row b = world_create(w);
    struct jt_ring_row first = w->ring;
    struct jt_ring_row rival;
    struct jt_generation_row rows[2];
    size_t n;
    assert_int_equal(
        jt_keyclient_wait_ring_propose(w->kc, &w->ring, &b, JT_GENERATION_ACTIVE, &rival, rows, &n),
        JT_OK);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    assert_int_equal(world_accept(w, &w->ring), JT_OK);          /* the one it has */
    assert_int_equal(world_accept(w, &first), JT_ERR_WENT_BACK); /* lower epoch */
    assert_int_equal(world_accept(w, &rival), JT_ERR_WENT_BACK); /* another one of the same epoch */

    struct jt_ring_row next;
    assert_int_equal(
        jt_keyclient_wait_ring_propose(w->kc, &w->ring, &b, JT_GENERATION_ACTIVE, &next, rows, &n),
        JT_OK);
    const size_t root_at = JT_RING_HEAD_LEN - 2 - JT_CHECK_VALUE_LEN;
    for (size_t bit = 0; bit < 8 * next.body_len; bit += 5) {
        struct jt_ring_row forged = next;
        forged.body[bit / 8] ^= (uint8_t)(1 << bit % 8);
        /* one that names another service root says so itself */
        bool other_root = bit / 8 >= root_at && bit / 8 < root_at + JT_CHECK_VALUE_LEN;
        assert_int_equal(world_accept(w, &forged), other_root ? JT_ERR_KEY_WRONG : JT_ERR_FORGED);
    }
    struct jt_ring_row forged = next;
    forged.mac[0] ^= 1;
    assert_int_equal(world_accept(w, &forged), JT_ERR_FORGED);
    forged = next;
    forged.epoch++;
    assert_int_equal(world_accept(w, &forged), JT_ERR_FORGED);
    forged = next;
    forged.body_len = 0;
    assert_int_equal(world_accept(w, &forged), JT_ERR_FORGED);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &b), JT_OK);
    assert_int_equal(world_accept(w, &next), JT_ERR_KEY_MISSING);
    world_restart(w, SIGKILL);
    assert_int_equal(world_accept(w, &first), JT_ERR_WENT_BACK); /* nor after a restart */
    assert_int_equal(jt_keyclient_wait_ring_first(w->kc, &next), JT_ERR_RING_THERE);
}

static void key_ids_run_out_and_come_back(void **state)
{
    struct world *w = *state;
    uint8_t used[JT_KEY_ID_SET_LEN];
    memset(used, 0xff, sizeof used);
    used[0] = 0xf9; /* 1 and 2 are free */
    struct jt_generation_row first;
    struct jt_generation_row g;
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 40, used, &first), JT_OK);
    assert_int_equal(first.number, 41);
    assert_int_equal(first.key_id, 1);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 41, used, &g), JT_OK);
    assert_int_equal(g.number, 42);
    assert_int_equal(g.key_id, 2);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 42, used, &g), JT_ERR_NO_KEY_ID);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &first), JT_OK);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 42, used, &g), JT_OK);
    assert_int_equal(g.key_id, 1);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, UINT64_MAX, world_no_key_ids, &g),
                     JT_ERR_LIMIT);
}

static void rolls_go_on_until_the_key_ids_run_out(void **state)
{
    struct world *w = *state;
    struct jt_generation_row old = world_create(w);
    world_step(w, &old, JT_GENERATION_ACTIVE, NULL);
    for (unsigned i = 2; i <= 255; i++) {
        struct jt_generation_row g = world_create(w);
        world_step(w, &g, JT_GENERATION_ACTIVE, &old);
        world_step(w, &old, JT_GENERATION_RETIRED, NULL);
        old = g;
    }
    struct jt_generation_row g;
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 0, world_no_key_ids, &g),
                     JT_ERR_NO_KEY_ID);
    world_restart(w, SIGKILL); /* the longest ring is read back too */
    assert_int_equal(world_accept(w, &w->ring), JT_OK);
    world_join(w);
    assert_int_equal(world_seal(w).active.generation, 255);
}

static void keys_that_wait_take_key_ids_too(void **state)
{
    struct world *w = *state;
    struct jt_generation_row g;
    struct jt_generation_row row_77 = { 0 };
    for (unsigned i = 1; i <= 255; i++) {
        g = world_create(w);
        assert_int_equal(g.key_id, i);
        row_77 = i == 77 ? g : row_77;
    }
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 255, world_no_key_ids, &g),
                     JT_ERR_NO_KEY_ID);
    world_restart(w, SIGTERM);
    assert_int_equal(world_accept(w, &w->ring), JT_OK);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 255, world_no_key_ids, &g),
                     JT_ERR_NO_KEY_ID);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, &row_77), JT_OK);
    assert_int_equal(world_create(w).key_id, 77);
}

static void a_ninth_draining_generation_is_refused(void **state)
{
    struct world *w = *state;
    struct jt_generation_row rows[JT_RING_MAX_DRAINING + 1];
    for (size_t i = 0; i <= JT_RING_MAX_DRAINING; i++) {
        rows[i] = world_create(w);
        world_step(w, &rows[i], JT_GENERATION_ACTIVE, i > 0 ? &rows[i - 1] : NULL);
    }
    struct jt_generation_row g = world_create(w);
    struct jt_ring_row next;
    struct jt_generation_row changed[2];
    size_t n;
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &g, JT_GENERATION_ACTIVE,
                                                    &next, changed, &n),
                     JT_ERR_TOO_MANY_LIVE);
    assert_int_equal(world_seal(w).n_probed, JT_RING_MAX_DRAINING);
    world_step(w, &rows[3], JT_GENERATION_RETIRED, NULL);
    world_step(w, &g, JT_GENERATION_ACTIVE, &rows[JT_RING_MAX_DRAINING]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(acknowledgements_prove_possession),
        IN_A_WORLD(a_generation_is_abandoned_only_before_the_ring_lists_it),
        IN_A_WORLD(only_its_own_future_row_abandons_a_generation),
        IN_A_WORLD(a_state_that_went_back_erases_no_key_that_was_in_a_ring),
        IN_A_WORLD(no_key_is_acknowledged_in_a_directory_that_is_no_more),
        IN_A_WORLD(a_key_that_was_made_and_never_stored_is_given_out_again),
        IN_A_WORLD(a_mark_that_was_altered_keeps_the_keeper_from_starting),
        IN_A_WORLD(steps_out_of_order_are_refused),
        IN_A_WORLD(a_ring_that_went_back_or_was_forged_is_refused),
        IN_A_WORLD(key_ids_run_out_and_come_back),
        IN_A_WORLD(rolls_go_on_until_the_key_ids_run_out),
        IN_A_WORLD(keys_that_wait_take_key_ids_too),
        IN_A_WORLD(a_ninth_draining_generation_is_refused),
    };
    return cmocka_run_group_tests_name("keeper/ring", tests, NULL, NULL);
}
