/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asynchronous client: with a real keeper, without one, with one that dies, and with ones that
 * misbehave.
 */
#include "keyclient/keyclient.h"

#include "async_run.h"
#include "base/clock.h"
#include "fake_keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>

static const uint8_t bytes[16] = { 7 };

/* The keeper takes cards of fields only that it was named. */
static void name_field(struct jt_keyclient *kc)
{
    const struct jt_field_spec spec = {
        .id = 1, .name = "pan", .kind = JT_FIELD_PAN, .dedup = true
    };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_field_change change;
    struct jt_set_sum sum;
    assert_int_equal(jt_keyclient_wait_field_make(kc, &spec, &none, &change), JT_OK);
    struct jt_set_change added = { .now.field = change.row };
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 1, .changes = &added };
    assert_int_equal(jt_keyclient_wait_set_sum(kc, &request, &sum), JT_OK);
    assert_int_equal(jt_keyclient_wait_set_verify(kc, &sum, &change.set), JT_OK);
}

/* A real keeper with an active generation. */
static void keeper_with_a_key(struct keeper *k)
{
    keeper_make(k, "development", "");
    keeper_init(k);
    assert_true(keeper_start(k));
    struct jt_keyclient *kc;
    struct jt_ring_row ring;
    struct jt_generation_row g;
    struct jt_generation_row rows[2];
    const uint8_t none[32] = { 0 };
    size_t n;
    assert_int_equal(jt_keyclient_open(k->socket, -1, GUARD_MS, &kc), JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_first(kc, &ring), JT_OK);
    bool joined;
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &ring, &joined), JT_OK);
    assert_false(joined);
    assert_int_equal(jt_keyclient_wait_generation_create(kc, 0, none, &g), JT_OK);
    struct jt_ring_row next;
    assert_int_equal(
        jt_keyclient_wait_ring_propose(kc, &ring, &g, JT_GENERATION_ACTIVE, &next, rows, &n),
        JT_OK);
    name_field(kc);
    const struct jt_node_join join = { .spec = { .name = "node1", .number = 1 } };
    struct jt_node_joined answer;
    assert_int_equal(jt_keyclient_wait_node_join(kc, &join, &answer), JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &next, &joined), JT_OK);
    assert_true(joined);
    jt_keyclient_free(kc);
}

static void step_in_order(struct run *r)
{
    if (r->phase == 0 && jt_keyclient_ready(r->kc)) {
        r->phase = 1;
        call_seal(r, 0, 1);
        call_seal(r, 1, JT_WIRE_MAX_ITEMS);     /* a reply of many pieces */
        call_seal(r, 2, JT_WIRE_MAX_ITEMS + 1); /* refused here, in its turn all the same */
        call_open(r, 3, (const uint8_t *)"\1", 1);
        call_seal(r, 4, JT_WIRE_MAX_ITEMS + 1);
    } else if (r->phase == 1 && r->n_done == 5) {
        r->phase = 2;
        call_open(r, 5, r->envelope, r->envelope_len);
        call_reseal(r, 6, r->envelope, r->envelope_len);
        call_match(r, 7);
        call_identify(r, 8);
    } else if (r->phase == 2 && r->n_done == 9) {
        jt_loop_stop(r->loop);
    }
}

static void replies_come_later_and_in_the_order_of_the_calls(void **state)
{
    (void)state;
    struct run r = { 0 };
    keeper_with_a_key(&r.k);
    run_begin(&r, r.k.socket, GUARD_MS, step_in_order);
    run_loop(&r);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(r.order[i], i);
        assert_int_equal(r.errs[i], i == 2 || i == 4 ? JT_ERR_LIMIT : JT_OK);
    }
    assert_int_equal(r.envelope_len, 25);
    run_end(&r);
    keeper_remove(&r.k);
}

#define N_LARGE 220 /* of 400 KB: more than the client would ever buffer */

static void on_large(void *arg, enum jt_err err, const struct jt_open_reply *reply)
{
    struct run *r = arg;
    if (r->n_done >= N_LARGE) {
        return; /* the calls that are still under way when the client is freed */
    }
    assert_int_equal(err, JT_OK);
    assert_int_equal(reply->n, JT_WIRE_MAX_ITEMS);
    r->n_done++;
    r->n_due++;
    if (r->n_done == N_LARGE) {
        jt_loop_stop(r->loop);
    }
}

static void call_large(struct run *r)
{
    static const uint8_t envelope[25] = { 200 }; /* of no generation: the answer costs nothing */
    static struct jt_open_item items[JT_WIRE_MAX_ITEMS];
    for (size_t i = 0; i < JT_WIRE_MAX_ITEMS; i++) {
        items[i] = (struct jt_open_item){
            .field = 1, .id = 1, .fingerprint = bytes, .envelope = envelope, .envelope_len = 25
        };
    }
    jt_keyclient_open_items(r->kc, items, JT_WIRE_MAX_ITEMS, on_large, r);
}

/* Runs after each round: always another call before the last one is sent. */
static void keep_calling(void *arg, uint32_t events)
{
    (void)events;
    struct run *r = arg;
    for (; r->n_due > 0; r->n_due--) {
        call_large(r);
    }
}

static void step_large(struct run *r)
{
    if (r->phase == 0 && jt_keyclient_ready(r->kc)) {
        r->phase = 1;
        for (int i = 0; i < 3; i++) {
            call_large(r);
        }
    }
}

static void a_send_buffer_that_is_never_empty_does_not_fill_up(void **state)
{
    (void)state;
    struct run r = { 0 };
    keeper_with_a_key(&r.k);
    run_begin(&r, r.k.socket, GUARD_MS, step_large);
    assert_int_equal(jt_loop_after_round(r.loop, keep_calling, &r), JT_OK);
    run_loop(&r);
    run_end(&r);
    keeper_remove(&r.k);
}

static void step_unavailable(struct run *r)
{
    if (r->phase == 0) {
        assert_false(jt_keyclient_ready(r->kc));
        r->phase = 1;
        call_seal(r, 0, 1);
        call_open(r, 1, (const uint8_t *)"\1", 1);
        assert_int_equal(r->n_done, 0);
    } else if (r->n_done == 2) {
        jt_loop_stop(r->loop);
    }
}

static void without_a_keeper_calls_fail_soon_but_never_at_once(void **state)
{
    (void)state;
    struct run r = { 0 };
    run_begin(&r, "/nonexistent/keeper.sock", GUARD_MS, step_unavailable);
    run_loop(&r);
    assert_int_equal(r.errs[0], JT_ERR_KEEPER_AWAY);
    assert_int_equal(r.errs[1], JT_ERR_KEEPER_AWAY);
    assert_int_equal(r.order[1], 1);
    assert_true(jt_clock_ms() - r.started_ms < 1000);
    run_end(&r);
}

static void step_restart(struct run *r)
{
    if (r->phase == 0 && jt_keyclient_ready(r->kc)) {
        memcpy(r->incarnation, jt_keyclient_incarnation(r->kc), sizeof r->incarnation);
        /* so that the calls are outstanding when it dies */
        assert_int_equal(kill(r->k.pid, SIGSTOP), 0);
        call_seal(r, 0, 1);
        call_seal(r, 1, 1000);
        r->phase = 1;
    } else if (r->phase == 1) {
        (void)keeper_stop(&r->k, SIGKILL);
        r->phase = 2;
    } else if (r->phase == 2 && r->n_done == 2) {
        assert_false(jt_keyclient_ready(r->kc));
        const uint8_t zero[JT_INCARNATION_LEN] = { 0 };
        assert_memory_equal(jt_keyclient_incarnation(r->kc), zero, sizeof zero);
        assert_true(keeper_start(&r->k));
        r->phase = 3;
    } else if (r->phase == 3 && jt_keyclient_ready(r->kc)) {
        assert_memory_not_equal(jt_keyclient_incarnation(r->kc), r->incarnation,
                                sizeof r->incarnation);
        call_seal(r, 2, 1);
        r->phase = 4;
    } else if (r->phase == 4 && r->n_done == 3) {
        jt_loop_stop(r->loop);
    }
}

static void a_dead_keeper_fails_the_calls_and_a_new_one_is_found(void **state)
{
    (void)state;
    struct run r = { 0 };
    keeper_with_a_key(&r.k);
    run_begin(&r, r.k.socket, GUARD_MS, step_restart);
    run_loop(&r);
    assert_int_equal(r.errs[0], JT_ERR_KEEPER_AWAY);
    assert_int_equal(r.errs[1], JT_ERR_KEEPER_AWAY);
    assert_int_equal(r.errs[2], JT_ERR_NOT_JOINED); /* found, and NODE_JOIN is due */
    run_end(&r);
    keeper_remove(&r.k);
}

/* Three calls once ready, then until all have been answered. */
static void step_three_calls(struct run *r)
{
    if (r->phase == 0 && jt_keyclient_ready(r->kc)) {
        r->phase = 1;
        call_open(r, 0, (const uint8_t *)"\1\2\3", 3);
        call_seal(r, 1, 2);
        call_open(r, 2, (const uint8_t *)"\1\2\3", 3);
    } else if (r->n_done == 3) {
        jt_loop_stop(r->loop);
    }
}

static void three_calls_with(enum fake_manner manner, int timeout_ms, enum jt_err first)
{
    struct fake_keeper f;
    struct run r = { 0 };
    fake_start(&f, manner);
    run_begin(&r, f.socket, timeout_ms, step_three_calls);
    run_loop(&r);
    assert_int_equal(r.errs[0], first);
    assert_int_equal(r.errs[1], JT_ERR_KEEPER_AWAY);
    assert_int_equal(r.errs[2], JT_ERR_KEEPER_AWAY);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(r.order[i], i);
    }
    run_end(&r);
    fake_stop(&f);
}

static void a_silent_keeper_is_left_after_the_time_out(void **state)
{
    (void)state;
    three_calls_with(FAKE_SILENT, 100, JT_ERR_KEEPER_AWAY);
}

static void a_keeper_that_closes_fails_all_calls(void **state)
{
    (void)state;
    three_calls_with(FAKE_CLOSES, GUARD_MS, JT_ERR_KEEPER_AWAY);
}

static void nonsense_fails_the_call_it_answers_and_closes(void **state)
{
    (void)state;
    three_calls_with(FAKE_WRONG_VERB, GUARD_MS, JT_ERR_PROTOCOL);
    three_calls_with(FAKE_LONG_FRAME, GUARD_MS, JT_ERR_PROTOCOL);
    three_calls_with(FAKE_BAD_STATUS, GUARD_MS, JT_ERR_PROTOCOL);
}

static void step_too_few(struct run *r)
{
    if (r->phase == 0 && jt_keyclient_ready(r->kc)) {
        r->phase = 1;
        struct jt_open_item items[2] = {
            { .field = 1, .id = 1, .fingerprint = bytes, .envelope = bytes, .envelope_len = 5 },
            { .field = 1, .id = 1, .fingerprint = bytes, .envelope = bytes, .envelope_len = 5 },
        };
        tags[0] = (struct tag){ r, 0 };
        jt_keyclient_open_items(r->kc, items, 2, on_opened, &tags[0]);
    } else if (r->n_done == 1 && !jt_keyclient_ready(r->kc)) {
        jt_loop_stop(r->loop);
    }
}

static void a_reply_with_fewer_results_than_items_is_nonsense(void **state)
{
    (void)state;
    struct fake_keeper f;
    struct run r = { 0 };
    fake_start(&f, FAKE_TOO_FEW);
    run_begin(&r, f.socket, GUARD_MS, step_too_few);
    run_loop(&r);
    assert_int_equal(r.errs[0], JT_ERR_PROTOCOL);
    run_end(&r);
    fake_stop(&f);
}

static void step_slow(struct run *r)
{
    if (r->phase == 0 && jt_keyclient_ready(r->kc)) {
        r->phase = 1;
        call_open(r, 0, (const uint8_t *)"\1\2\3", 3);
    } else if (r->n_done == 1) {
        jt_loop_stop(r->loop);
    }
}

static void a_reply_in_single_bytes_is_put_together(void **state)
{
    (void)state;
    struct fake_keeper f;
    struct run r = { 0 };
    fake_start(&f, FAKE_SLOW_BYTES);
    run_begin(&r, f.socket, GUARD_MS, step_slow);
    run_loop(&r);
    assert_int_equal(r.errs[0], JT_OK);
    run_end(&r);
    fake_stop(&f);
}

/* For a while: it must never become ready, or not stay so. */
static void step_never_ready(struct run *r)
{
    assert_false(jt_keyclient_ready(r->kc));
    if (jt_clock_ms() - r->started_ms > 300) {
        jt_loop_stop(r->loop);
    }
}

static void a_keeper_of_another_version_is_never_ready(void **state)
{
    (void)state;
    const enum fake_manner manners[] = { FAKE_WRONG_VERSION, FAKE_NO_GREETING };
    for (size_t i = 0; i < 2; i++) {
        struct fake_keeper f;
        struct run r = { 0 };
        fake_start(&f, manners[i]);
        run_begin(&r, f.socket, 50, step_never_ready);
        run_loop(&r);
        run_end(&r);
        fake_stop(&f);
    }
}

static void step_unasked(struct run *r)
{
    if (jt_clock_ms() - r->started_ms > 200 && !jt_keyclient_ready(r->kc)) {
        jt_loop_stop(r->loop); /* cut off at the reply that nobody asked for */
    }
}

static void a_reply_that_nobody_asked_for_closes_the_connection(void **state)
{
    (void)state;
    struct fake_keeper f;
    struct run r = { 0 };
    fake_start(&f, FAKE_UNASKED);
    run_begin(&r, f.socket, GUARD_MS, step_unasked);
    run_loop(&r);
    run_end(&r);
    fake_stop(&f);
}

static void step_leave_outstanding(struct run *r)
{
    if (jt_keyclient_ready(r->kc)) {
        call_seal(r, 0, 1);
        call_open(r, 1, (const uint8_t *)"\1", 1);
        jt_loop_stop(r->loop);
    }
}

static void freeing_answers_every_outstanding_call(void **state)
{
    (void)state;
    struct fake_keeper f;
    struct run r = { 0 };
    fake_start(&f, FAKE_SILENT);
    run_begin(&r, f.socket, GUARD_MS, step_leave_outstanding);
    run_loop(&r);
    assert_int_equal(r.n_done, 0);
    run_end(&r);
    assert_int_equal(r.n_done, 2);
    assert_int_equal(r.errs[0], JT_ERR_STOPPING);
    assert_int_equal(r.errs[1], JT_ERR_STOPPING);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_come_later_and_in_the_order_of_the_calls),
        cmocka_unit_test(a_send_buffer_that_is_never_empty_does_not_fill_up),
        cmocka_unit_test(without_a_keeper_calls_fail_soon_but_never_at_once),
        cmocka_unit_test(a_dead_keeper_fails_the_calls_and_a_new_one_is_found),
        cmocka_unit_test(a_silent_keeper_is_left_after_the_time_out),
        cmocka_unit_test(a_keeper_that_closes_fails_all_calls),
        cmocka_unit_test(nonsense_fails_the_call_it_answers_and_closes),
        cmocka_unit_test(a_reply_with_fewer_results_than_items_is_nonsense),
        cmocka_unit_test(a_reply_in_single_bytes_is_put_together),
        cmocka_unit_test(a_keeper_of_another_version_is_never_ready),
        cmocka_unit_test(a_reply_that_nobody_asked_for_closes_the_connection),
        cmocka_unit_test(freeing_answers_every_outstanding_call),
    };
    return cmocka_run_group_tests_name("keyclient/async", tests, NULL, NULL);
}
