/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service root: a real keeper without one, one that lost it, and the files that do not belong
 * together.
 */
#include "inside.h"

#include "keyclient/keyclient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t no_key_ids[JT_KEY_ID_SET_LEN];

static int setup(void **state)
{
    struct keeper *k = calloc(1, sizeof *k);
    assert_non_null(k);
    keeper_make(k, "development", "");
    keeper_init(k);
    *state = k;
    return 0;
}

static int teardown(void **state)
{
    keeper_remove(*state);
    free(*state);
    return 0;
}

static struct jt_keyclient *connect_to(const struct keeper *k)
{
    struct jt_keyclient *kc;
    assert_int_equal(jt_keyclient_open(k->socket, -1, 20000, &kc), JT_OK);
    return kc;
}

static void path_of(const struct keeper *k, const char *name, char out[static 160])
{
    snprintf(out, 160, "%s/%s", k->keys, name);
}

static bool is_there(const struct keeper *k, const char *name)
{
    char path[160];
    struct stat st;
    path_of(k, name, path);
    return stat(path, &st) == 0;
}

static void move_aside(const struct keeper *k, const char *name, bool back)
{
    char path[160];
    char aside[160];
    path_of(k, name, path);
    snprintf(aside, sizeof aside, "%s/%s.aside", k->dir, name);
    assert_int_equal(back ? rename(aside, path) : rename(path, aside), 0);
}

static void refuses_to_start(struct keeper *k, const char *why)
{
    assert_false(keeper_start(k));
    if (strstr(k->output, why) == NULL) {
        fail_msg("no \"%s\" in: %s", why, k->output);
    }
}

/* RING_FIRST and accepting it; the ring. */
static struct jt_ring_row first_ring(struct keeper *k)
{
    struct jt_ring_row ring;
    bool joined;
    struct jt_keyclient *kc = connect_to(k);
    assert_int_equal(jt_keyclient_wait_ring_first(kc, &ring), JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &ring, &joined), JT_OK);
    jt_keyclient_free(kc);
    return ring;
}

static void create_generation(struct keeper *k)
{
    struct jt_generation_row g;
    struct jt_keyclient *kc = connect_to(k);
    assert_int_equal(jt_keyclient_wait_generation_create(kc, 0, no_key_ids, &g), JT_OK);
    jt_keyclient_free(kc);
}

static void a_keeper_without_a_service_root_says_so_and_does_nothing(void **state)
{
    struct keeper *k = *state;
    struct jt_keeper_status status;
    assert_true(keeper_start(k));
    assert_non_null(strstr(k->output, "no service root yet"));
    struct jt_keyclient *kc = connect_to(k);
    assert_int_equal(jt_keyclient_wait_status(kc, &status), JT_OK);
    assert_false(status.has_root);
    assert_false(status.joined);
    struct jt_ring_row ring = { .epoch = 1 };
    bool joined;
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &ring, &joined), JT_ERR_NO_ROOT);
    assert_string_equal(jt_keyclient_fault(kc)->cause, "the keeper refuses RING_ACCEPT");
    jt_keyclient_free(kc);

    int fd = keeper_greet(k);
    struct jt_buf reply;
    jt_buf_init(&reply, 1000);
    static const uint8_t verbs[] = {
#define JT_VERB(number, id, name, needs, payload, request, reply_text) JT_VERB_##id,
#include "wire/verbs.def"
#undef JT_VERB
    };
    for (size_t i = 0; i < sizeof verbs; i++) {
        uint8_t verb = verbs[i];
        if (verb == JT_VERB_HELLO || verb == JT_VERB_STATUS || verb == JT_VERB_RING_FIRST ||
            verb == JT_VERB_PARCEL_ASK || verb == JT_VERB_PARCEL_ACCEPT ||
            verb == JT_VERB_ESCROW_RESTORE ||
            (verb >= JT_VERB_UNSEAL && verb <= JT_VERB_UNSEAL_BOX)) {
            continue;
        }
        const struct jt_buf nothing = { 0 };
        struct jt_reader in;
        assert_int_equal(keeper_ask(fd, verb, &nothing, &reply, &in), JT_ERR_NO_ROOT);
    }
    jt_buf_clear(&reply);
    close(fd);
    assert_false(is_there(k, JT_KEYDIR_ROOT));
}

static void ring_first_makes_one_root_however_often_it_is_asked(void **state)
{
    struct keeper *k = *state;
    struct jt_ring_row rows[3];
    struct jt_ring ring;
    struct jt_keeper_status status;
    assert_true(keeper_start(k));
    struct jt_keyclient *kc = connect_to(k);
    assert_int_equal(jt_keyclient_wait_ring_first(kc, &rows[0]), JT_OK);
    assert_int_equal(jt_keyclient_wait_status(kc, &status), JT_OK);
    assert_true(status.has_root);
    assert_int_equal(jt_keyclient_wait_ring_first(kc, &rows[1]), JT_OK);
    jt_keyclient_free(kc);
    (void)keeper_stop(k, SIGKILL);
    assert_true(is_there(k, JT_KEYDIR_ROOT) && is_there(k, JT_KEYDIR_STATE));
    assert_true(keeper_start(k));
    kc = connect_to(k);
    assert_int_equal(jt_keyclient_wait_ring_first(kc, &rows[2]), JT_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(jt_ring_decode(rows[i].body, rows[i].body_len, &ring), JT_OK);
        assert_int_equal(rows[i].body_len, rows[0].body_len);
        assert_memory_equal(rows[i].body, rows[0].body, rows[0].body_len);
        assert_memory_equal(rows[i].mac, rows[0].mac, sizeof rows[0].mac);
    }
    jt_keyclient_free(kc);
    (void)first_ring(k);
    kc = connect_to(k);
    assert_int_equal(jt_keyclient_wait_ring_first(kc, &rows[0]), JT_ERR_RING_THERE);
    jt_keyclient_free(kc);
}

static void a_lost_service_root_stops_the_start_where_generations_are(void **state)
{
    struct keeper *k = *state;
    assert_true(keeper_start(k));
    (void)first_ring(k);
    create_generation(k);
    (void)keeper_stop(k, SIGTERM);
    move_aside(k, JT_KEYDIR_ROOT, false);
    refuses_to_start(k, "the service root is missing: restore service-root.key");
    move_aside(k, JT_KEYDIR_STATE, false);
    refuses_to_start(k, "the service root is missing: restore service-root.key");
    move_aside(k, JT_KEYDIR_STATE, true);
    move_aside(k, JT_KEYDIR_ROOT, true);
    assert_true(keeper_start(k));
}

static void a_state_without_a_service_root_is_left_over_and_replaced(void **state)
{
    struct keeper *k = *state;
    assert_true(keeper_start(k));
    struct jt_ring_row before = first_ring(k);
    (void)keeper_stop(k, SIGTERM);
    char path[160];
    path_of(k, JT_KEYDIR_ROOT, path);
    assert_int_equal(unlink(path), 0);
    assert_true(keeper_start(k)); /* the state is of a root that is gone, and is not looked at */
    assert_non_null(strstr(k->output, "no service root yet"));
    struct jt_keyclient *kc = connect_to(k);
    struct jt_ring_row after;
    bool joined;
    assert_int_equal(jt_keyclient_wait_ring_first(kc, &after), JT_OK);
    assert_memory_not_equal(after.body, before.body, before.body_len);
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &before, &joined), JT_ERR_KEY_WRONG);
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &after, &joined), JT_OK);
    jt_keyclient_free(kc);
}

static void a_missing_or_foreign_state_stops_the_start(void **state)
{
    struct keeper *k = *state;
    assert_true(keeper_start(k));
    (void)first_ring(k);
    (void)keeper_stop(k, SIGTERM);
    move_aside(k, JT_KEYDIR_STATE, false);
    refuses_to_start(k, "there is no such file: state");

    void *other_state;
    setup(&other_state);
    struct keeper *other = other_state;
    assert_true(keeper_start(other));
    (void)first_ring(other);
    (void)keeper_stop(other, SIGTERM);
    char from[160];
    char to[160];
    path_of(other, JT_KEYDIR_STATE, from);
    path_of(k, JT_KEYDIR_STATE, to);
    assert_int_equal(rename(from, to), 0);
    refuses_to_start(k, "state: or it belongs to another service root");
    move_aside(k, JT_KEYDIR_STATE, true);
    path_of(other, JT_KEYDIR_ROOT, from);
    path_of(k, JT_KEYDIR_ROOT, to);
    assert_int_equal(rename(from, to), 0);
    refuses_to_start(k, "service-root.key was altered, or belongs to another master key");
    teardown(&other_state);
}

/*
 * MACed by this very root, but said to be of another: what only a fault of the keeper's own could
 * bring about.
 */
static void a_ring_of_another_root_check_value_is_refused(void **state)
{
    struct inside *in = *state;
    struct jt_ring ring = in->k->ring;
    struct jt_buf body;
    jt_buf_init(&body, JT_RING_BODY_MAX);
    ring.epoch++;
    ring.root_check_value[7] ^= 1;
    jt_ring_encode(&ring, &body);
    struct jt_ring_row row = { .epoch = ring.epoch, .body_len = body.len };
    memcpy(row.body, body.data, body.len);
    jt_buf_clear(&body);
    assert_int_equal(jt_rowmac_ring(in->k->root, row.body, row.body_len, row.mac), JT_OK);
    struct jt_reader reply;
    jt_ring_row_encode(&row, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_RING_ACCEPT, &reply), JT_ERR_KEY_WRONG);
    assert_int_equal(in->k->ring.epoch, in->ring.epoch);
}

/* A database, or a directory, of elsewhere. It is told from a ring that was altered. */
static void a_ring_of_another_installation_is_told_from_an_altered_one(void **state)
{
    struct inside *in = *state;
    void *other_state;
    (void)inside_setup(&other_state);
    const struct inside *other = other_state;
    assert_int_equal(inside_accept(in, &other->ring), JT_ERR_KEY_WRONG);
    struct jt_ring_row altered = in->ring;
    altered.body[JT_RING_HEAD_LEN] ^= 1;
    assert_int_equal(inside_accept(in, &altered), JT_ERR_FORGED);
    altered = in->ring;
    altered.mac[0] ^= 1;
    assert_int_equal(inside_accept(in, &altered), JT_ERR_FORGED);
    (void)inside_teardown(&other_state);
}

#define AFTER_INIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AFTER_INIT(a_keeper_without_a_service_root_says_so_and_does_nothing),
        AFTER_INIT(ring_first_makes_one_root_however_often_it_is_asked),
        AFTER_INIT(a_lost_service_root_stops_the_start_where_generations_are),
        AFTER_INIT(a_state_without_a_service_root_is_left_over_and_replaced),
        AFTER_INIT(a_missing_or_foreign_state_stops_the_start),
        IN_A_KEEPER(a_ring_of_another_root_check_value_is_refused),
        IN_A_KEEPER(a_ring_of_another_installation_is_told_from_an_altered_one),
    };
    return cmocka_run_group_tests_name("keeper/root", tests, NULL, NULL);
}
