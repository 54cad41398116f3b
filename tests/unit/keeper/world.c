/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

void world_connect(struct world *w)
{
    w->fd = keeper_greet(&w->k);
    assert_int_equal(jt_keyclient_open(w->k.socket, -1, 20000, &w->kc), JT_OK);
    assert_true(jt_keyclient_ready(w->kc));
}

void world_disconnect(struct world *w)
{
    jt_keyclient_free(w->kc);
    w->kc = NULL;
    if (w->fd >= 0) {
        close(w->fd);
    }
    w->fd = -1;
}

void world_restart(struct world *w, int signal)
{
    world_disconnect(w);
    (void)keeper_stop(&w->k, signal);
    if (!keeper_start(&w->k)) {
        fail_msg("did not start again: %s", w->k.output);
    }
    world_connect(w);
    world_name_fields(w);
}

static void make_fields(struct world *w)
{
    static const uint32_t ids[] = { FIELD_A, FIELD_B };
    w->field_set = jt_set_row_empty(JT_SET_FIELDS);
    for (size_t i = 0; i < 2; i++) {
        struct jt_field_spec spec = {
            .id = ids[i], .name = "a", .kind = JT_FIELD_PAN, .dedup = ids[i] == FIELD_A
        };
        struct jt_field_change change;
        spec.name[0] = (char)('a' + i);
        assert_int_equal(jt_keyclient_wait_field_make(w->kc, &spec, &w->field_set, &change), JT_OK);
        w->fields[i] = change.row;
        w->field_set = change.set;
    }
}

void world_name_fields(struct world *w)
{
    struct jt_set_change changes[2] = { { .now.field = w->fields[0] },
                                        { .now.field = w->fields[1] } };
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 2, .changes = changes };
    struct jt_set_sum sum;
    assert_int_equal(jt_keyclient_wait_set_sum(w->kc, &request, &sum), JT_OK);
    assert_int_equal(jt_keyclient_wait_set_verify(w->kc, &sum, &w->field_set), JT_OK);
}

enum jt_err world_accept(struct world *w, const struct jt_ring_row *row)
{
    bool joined;
    return jt_keyclient_wait_ring_accept(w->kc, row, &joined);
}

void world_join(struct world *w)
{
    const struct jt_node_join join = { .spec = { .name = "node1", .number = WORLD_NODE } };
    struct jt_node_joined joined;
    assert_int_equal(jt_keyclient_wait_node_join(w->kc, &join, &joined), JT_OK);
}

int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    jt_buf_init(&w->payload, JT_WIRE_MAX_FRAME);
    jt_buf_init(&w->reply, JT_WIRE_MAX_FRAME + 64);
    keeper_make(&w->k, "development", "");
    keeper_init(&w->k);
    assert_true(keeper_start(&w->k));
    world_connect(w);
    assert_int_equal(jt_keyclient_wait_ring_first(w->kc, &w->ring), JT_OK);
    assert_int_equal(w->ring.epoch, 1);
    assert_int_equal(world_accept(w, &w->ring), JT_OK);
    make_fields(w);
    world_name_fields(w);
    world_join(w);
    for (size_t i = 0; i < N_CARDS; i++) {
        struct card *c = &w->cards[i];
        c->pan[0] = 0x41;
        for (size_t d = 0, v = i; d < 6; d++, v /= 10) {
            c->pan[7 - d] = (uint8_t)(v % 10 << 4 | v % 10);
        }
    }
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    world_disconnect(w);
    keeper_remove(&w->k);
    jt_buf_clear(&w->payload);
    jt_buf_clear(&w->reply);
    free(w);
    return 0;
}

const uint8_t world_no_key_ids[JT_KEY_ID_SET_LEN];

struct jt_generation_row world_create(struct world *w)
{
    struct jt_generation_row g;
    assert_int_equal(
        jt_keyclient_wait_generation_create(w->kc, w->db_highest, world_no_key_ids, &g), JT_OK);
    assert_int_equal(g.state, JT_GENERATION_FUTURE);
    w->db_highest = g.number > w->db_highest ? g.number : w->db_highest;
    return g;
}

void world_step(struct world *w, struct jt_generation_row *g, enum jt_generation_state target,
                struct jt_generation_row *other)
{
    struct jt_ring_row next;
    struct jt_generation_row rows[2];
    size_t n;
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, g, target, &next, rows, &n),
                     JT_OK);
    assert_int_equal(next.epoch, w->ring.epoch + 1);
    assert_int_equal(n, other == NULL ? 1 : 2);
    assert_int_equal(rows[0].number, g->number);
    assert_int_equal(rows[0].state, target);
    assert_int_equal(world_accept(w, &next), JT_OK);
    w->ring = next;
    *g = rows[0];
    if (other != NULL) {
        assert_int_equal(rows[1].number, other->number);
        assert_int_equal(rows[1].state, JT_GENERATION_DRAINING);
        *other = rows[1];
    }
}

struct jt_seal_reply world_seal(struct world *w)
{
    return world_seal_probing(w, 0);
}

struct jt_seal_reply world_seal_probing(struct world *w, uint8_t retired)
{
    struct jt_seal_item items[N_CARDS];
    for (size_t i = 0; i < N_CARDS; i++) {
        struct card *c = &w->cards[i];
        items[i] =
            (struct jt_seal_item){ .field = i % 3 == 0 ? FIELD_B : FIELD_A,
                                   .value = { .kind = JT_FIELD_PAN, .bytes = c->pan, .len = 8 } };
    }
    struct jt_seal_request request = {
        .n_retired = retired != 0, .retired = { retired }, .items = items, .n = N_CARDS
    };
    jt_buf_reset(&w->payload);
    jt_seal_request_encode(&request, &w->payload);
    struct jt_reader in;
    struct jt_seal_reply reply = { .results = w->sealed };
    assert_int_equal(keeper_ask(w->fd, JT_VERB_SEAL, &w->payload, &w->reply, &in), JT_OK);
    assert_int_equal(jt_seal_reply_decode(&in, N_CARDS, &reply), JT_OK);
    return reply;
}

void world_keep_sealed(struct world *w, const struct jt_seal_reply *reply)
{
    assert_int_equal(reply->n, N_CARDS);
    for (size_t i = 0; i < N_CARDS; i++) {
        assert_int_equal(w->sealed[i].err, JT_OK);
        assert_int_equal(w->sealed[i].envelope_len, 25);
        memcpy(w->cards[i].envelope, w->sealed[i].envelope, 25);
        w->cards[i].envelope_len = 25;
        memcpy(w->cards[i].fingerprint, w->sealed[i].fingerprint, 16);
        memcpy(w->cards[i].token, w->sealed[i].token, 16);
        w->cards[i].id = w->sealed[i].id;
    }
}

void world_open(struct world *w)
{
    struct jt_open_item items[N_CARDS];
    for (size_t i = 0; i < N_CARDS; i++) {
        struct card *c = &w->cards[i];
        items[i] = (struct jt_open_item){ .field = i % 3 == 0 ? FIELD_B : FIELD_A,
                                          .id = c->id,
                                          .fingerprint = c->fingerprint,
                                          .envelope = c->envelope,
                                          .envelope_len = c->envelope_len };
    }
    jt_buf_reset(&w->payload);
    jt_open_request_encode(items, N_CARDS, &w->payload);
    struct jt_reader in;
    struct jt_open_reply reply = { .results = w->opened };
    assert_int_equal(keeper_ask(w->fd, JT_VERB_OPEN, &w->payload, &w->reply, &in), JT_OK);
    assert_int_equal(jt_open_reply_decode(&in, N_CARDS, &reply), JT_OK);
    assert_int_equal(reply.epoch, w->ring.epoch);
}

void world_all_open(struct world *w, bool draining)
{
    world_open(w);
    for (size_t i = 0; i < N_CARDS; i++) {
        assert_int_equal(w->opened[i].err, JT_OK);
        assert_int_equal(w->opened[i].draining, draining);
        assert_int_equal(w->opened[i].value.len, 8);
        assert_memory_equal(w->opened[i].value.bytes, w->cards[i].pan, 8);
    }
}

void world_none_opens(struct world *w, enum jt_err why)
{
    world_open(w);
    for (size_t i = 0; i < N_CARDS; i++) {
        assert_int_equal(w->opened[i].err, why);
    }
}

struct jt_reseal_reply world_reseal(struct world *w, size_t n)
{
    struct jt_open_item items[N_CARDS];
    for (size_t i = 0; i < n; i++) {
        struct card *c = &w->cards[i];
        items[i] = (struct jt_open_item){ .field = i % 3 == 0 ? FIELD_B : FIELD_A,
                                          .id = c->id,
                                          .fingerprint = c->fingerprint,
                                          .envelope = c->envelope,
                                          .envelope_len = c->envelope_len };
    }
    struct jt_reseal_reply reply;
    assert_int_equal(jt_keyclient_wait_reseal(w->kc, items, n, &reply), JT_OK);
    return reply;
}
