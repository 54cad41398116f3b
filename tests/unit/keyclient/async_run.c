/* SPDX-License-Identifier: Apache-2.0 */
#include "async_run.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct tag tags[MAX_EVENTS];

static const uint8_t pan[8] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };

void record(struct tag *t, enum jt_err err)
{
    struct run *r = t->r;
    assert_false(r->in_call);
    assert_true(r->n_done < MAX_EVENTS);
    r->order[r->n_done] = t->number;
    r->errs[r->n_done++] = err;
}

static void on_sealed(void *arg, enum jt_err err, const struct jt_seal_reply *reply)
{
    struct tag *t = arg;
    assert_int_equal(err == JT_OK, reply != NULL);
    if (reply != NULL && reply->n > 0) {
        const struct jt_seal_result *first = &reply->results[0];
        t->r->id = first->id;
        memcpy(t->r->token, first->token, sizeof t->r->token);
        memcpy(t->r->fingerprint, first->fingerprint, sizeof t->r->fingerprint);
        t->r->envelope_len = first->envelope_len;
        memcpy(t->r->envelope, first->envelope, t->r->envelope_len);
    }
    record(t, err);
}

void on_opened(void *arg, enum jt_err err, const struct jt_open_reply *reply)
{
    struct tag *t = arg;
    assert_int_equal(err == JT_OK, reply != NULL);
    if (reply != NULL && reply->n > 0 && reply->results[0].err == JT_OK) {
        assert_int_equal(reply->results[0].value.len, 8);
        assert_int_equal(reply->results[0].value.bytes[0], 0x41);
    }
    record(t, err);
}

static void on_resealed(void *arg, enum jt_err err, const struct jt_reseal_reply *reply)
{
    assert_int_equal(err == JT_OK, reply != NULL);
    record(arg, err);
}

static void on_matched(void *arg, enum jt_err err, const struct jt_match_reply *reply)
{
    struct tag *t = arg;
    assert_int_equal(err == JT_OK, reply != NULL);
    if (reply != NULL) {
        assert_int_equal(reply->n, 1);
        assert_int_equal(reply->results[0].err, JT_OK);
        assert_memory_equal(reply->results[0].token, t->r->token, sizeof t->r->token);
    }
    record(t, err);
}

static void on_identified(void *arg, enum jt_err err, const struct jt_identify_reply *reply)
{
    struct tag *t = arg;
    assert_int_equal(err == JT_OK, reply != NULL);
    if (reply != NULL) {
        assert_int_equal(reply->n, 1);
        assert_int_equal(reply->results[0].err, JT_OK);
        assert_true(reply->results[0].id == t->r->id);
        assert_int_equal(reply->n_live, 1);
    }
    record(t, err);
}

void call_seal(struct run *r, int number, size_t n)
{
    static struct jt_seal_item items[JT_WIRE_MAX_ITEMS + 1];
    for (size_t i = 0; i < n; i++) {
        items[i] =
            (struct jt_seal_item){ .field = 1,
                                   .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = 8 } };
    }
    tags[number] = (struct tag){ r, number };
    r->in_call = true;
    const struct jt_seal_request request = { .items = items, .n = n };
    jt_keyclient_seal(r->kc, &request, on_sealed, &tags[number]);
    r->in_call = false;
    memset(items, 0, n * sizeof items[0]); /* the caller's memory may go at once */
}

void call_open(struct run *r, int number, const uint8_t *envelope, uint16_t len)
{
    struct jt_open_item item = { .field = 1,
                                 .id = r->id,
                                 .fingerprint = r->fingerprint,
                                 .envelope = envelope,
                                 .envelope_len = len };
    tags[number] = (struct tag){ r, number };
    r->in_call = true;
    jt_keyclient_open_items(r->kc, &item, 1, on_opened, &tags[number]);
    r->in_call = false;
}

void call_reseal(struct run *r, int number, const uint8_t *envelope, uint16_t len)
{
    struct jt_open_item item = { .field = 1,
                                 .id = r->id,
                                 .fingerprint = r->fingerprint,
                                 .envelope = envelope,
                                 .envelope_len = len };
    tags[number] = (struct tag){ r, number };
    r->in_call = true;
    jt_keyclient_reseal(r->kc, &item, 1, on_resealed, &tags[number]);
    r->in_call = false;
}

void call_match(struct run *r, int number)
{
    struct jt_match_item item = { .field = 1,
                                  .id = r->id,
                                  .fingerprint = r->fingerprint,
                                  .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = 8 },
                                  .envelope = r->envelope,
                                  .envelope_len = r->envelope_len };
    tags[number] = (struct tag){ r, number };
    r->in_call = true;
    jt_keyclient_match(r->kc, &item, 1, on_matched, &tags[number]);
    r->in_call = false;
}

void call_identify(struct run *r, int number)
{
    struct jt_identify_item item = { .field = 1, .token = r->token };
    tags[number] = (struct tag){ r, number };
    r->in_call = true;
    jt_keyclient_identify(r->kc, &item, 1, on_identified, &tags[number]);
    r->in_call = false;
}

static void on_step(void *arg, uint32_t events)
{
    (void)events;
    struct run *r = arg;
    assert_true(jt_clock_ms() - r->started_ms < GUARD_MS);
    r->step(r);
}

void run_begin(struct run *r, const char *socket, int timeout_ms, void (*step)(struct run *))
{
    r->step = step;
    r->started_ms = jt_clock_ms();
    assert_int_equal(jt_loop_new(&r->loop), JT_OK);
    assert_int_equal(jt_loop_every(r->loop, 5, on_step, r), JT_OK);
    assert_int_equal(jt_keyclient_new(r->loop, socket, timeout_ms, &r->kc), JT_OK);
}

void run_loop(struct run *r)
{
    assert_int_equal(jt_loop_run(r->loop), JT_OK);
}

void run_end(struct run *r)
{
    jt_keyclient_free(r->kc);
    jt_loop_free(r->loop);
}
