/*
 * The life of generations in the real keeper: create, acknowledge, activate, roll, reseal, retire, certify; over
 * restarts and against forgers.
 */
#include "keeper_process.h"

#include "crypto/sign.h"
#include "keyclient/keyclient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_CARDS 3000 /* more than two chunks of the keeper's */
#define FIELD_A 1 /* with dedup */
#define FIELD_B 2 /* without */

struct card {
    uint8_t row_id[16];
    uint8_t pan[8];
    uint8_t envelope[32];
    uint16_t envelope_len;
    uint8_t fingerprint[16];
};

struct world {
    struct keeper k;
    struct jt_keyclient *kc;
    int fd;
    struct jt_buf payload, reply;
    struct jt_ring_row ring; /* as the database would have it */
    struct card cards[N_CARDS];
    struct jt_seal_result sealed[N_CARDS];
    struct jt_open_result opened[N_CARDS];
    struct jt_reseal_result resealed[N_CARDS];
};

static void connect_to(struct world *w)
{
    w->fd = keeper_greet(&w->k);
    assert_int_equal(jt_keyclient_open(w->k.socket, -1, 20000, &w->kc), JT_OK);
    assert_true(jt_keyclient_ready(w->kc));
}

static void disconnect_from(struct world *w)
{
    jt_keyclient_free(w->kc);
    w->kc = NULL;
    if (w->fd >= 0) {
        close(w->fd);
    }
    w->fd = -1;
}

static void restart(struct world *w, int signal)
{
    disconnect_from(w);
    (void)keeper_stop(&w->k, signal);
    if (!keeper_start(&w->k)) {
        fail_msg("did not start again: %s", w->k.output);
    }
    connect_to(w);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    jt_buf_init(&w->payload, JT_WIRE_MAX_FRAME);
    jt_buf_init(&w->reply, JT_WIRE_MAX_FRAME + 64);
    keeper_make(&w->k, "development", "");
    keeper_init(&w->k);
    assert_true(keeper_start(&w->k));
    connect_to(w);
    assert_int_equal(jt_keyclient_wait_ring_first(w->kc, &w->ring), JT_OK);
    assert_int_equal(w->ring.epoch, 1);
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &w->ring), JT_OK);
    for (size_t i = 0; i < N_CARDS; i++) {
        struct card *c = &w->cards[i];
        memcpy(c->row_id, &i, sizeof i);
        c->row_id[15] = 0x5a;
        c->pan[0] = 0x41;
        for (size_t d = 0, v = i; d < 6; d++, v /= 10) {
            c->pan[7 - d] = (uint8_t)(v % 10 << 4 | v % 10);
        }
    }
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    disconnect_from(w);
    keeper_remove(&w->k);
    jt_buf_clear(&w->payload);
    jt_buf_clear(&w->reply);
    free(w);
    return 0;
}

static const uint8_t no_key_ids[32];

static struct jt_generation_row create(struct world *w)
{
    struct jt_generation_row g;
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 0, no_key_ids, &g), JT_OK);
    assert_int_equal(g.state, JT_GENERATION_FUTURE);
    return g;
}

/* Proposes and accepts; rows[0] replaces *g, rows[1] goes to *other if there is one. */
static void step(struct world *w, struct jt_generation_row *g, enum jt_generation_state target, struct jt_generation_row *other)
{
    struct jt_ring_row next;
    struct jt_generation_row rows[2];
    size_t n;
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, g, target, &next, rows, &n), JT_OK);
    assert_int_equal(next.epoch, w->ring.epoch + 1);
    assert_int_equal(n, other == NULL ? 1 : 2);
    assert_int_equal(rows[0].number, g->number);
    assert_int_equal(rows[0].state, target);
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &next), JT_OK);
    w->ring = next;
    *g = rows[0];
    if (other != NULL) {
        assert_int_equal(rows[1].number, other->number);
        assert_int_equal(rows[1].state, JT_GENERATION_DRAINING);
        *other = rows[1];
    }
}

static struct jt_seal_reply seal(struct world *w)
{
    struct jt_seal_item items[N_CARDS];
    for (size_t i = 0; i < N_CARDS; i++) {
        struct card *c = &w->cards[i];
        items[i] = (struct jt_seal_item){ .field = i % 3 == 0 ? FIELD_B : FIELD_A, .dedup = i % 3 != 0, .row_id = c->row_id,
                                          .row_id_len = 16, .pan = c->pan, .pan_len = 8 };
    }
    jt_buf_reset(&w->payload);
    jt_seal_request_encode(items, N_CARDS, &w->payload);
    struct jt_reader in;
    struct jt_seal_reply reply = { .results = w->sealed };
    assert_int_equal(keeper_ask(w->fd, JT_VERB_SEAL, &w->payload, &w->reply, &in), JT_OK);
    assert_int_equal(jt_seal_reply_decode(&in, N_CARDS, &reply), JT_OK);
    return reply;
}

static void keep_sealed(struct world *w, const struct jt_seal_reply *reply)
{
    assert_int_equal(reply->n, N_CARDS);
    for (size_t i = 0; i < N_CARDS; i++) {
        assert_int_equal(w->sealed[i].err, JT_OK);
        assert_int_equal(w->sealed[i].envelope_len, 25);
        memcpy(w->cards[i].envelope, w->sealed[i].envelope, 25);
        w->cards[i].envelope_len = 25;
        memcpy(w->cards[i].fingerprint, w->sealed[i].fingerprint, 16);
    }
}

static void open_cards(struct world *w)
{
    struct jt_open_item items[N_CARDS];
    for (size_t i = 0; i < N_CARDS; i++) {
        struct card *c = &w->cards[i];
        items[i] = (struct jt_open_item){ .field = i % 3 == 0 ? FIELD_B : FIELD_A, .row_id = c->row_id, .row_id_len = 16,
                                          .envelope = c->envelope, .envelope_len = c->envelope_len };
    }
    jt_buf_reset(&w->payload);
    jt_open_request_encode(items, N_CARDS, &w->payload);
    struct jt_reader in;
    struct jt_open_reply reply = { .results = w->opened };
    assert_int_equal(keeper_ask(w->fd, JT_VERB_OPEN, &w->payload, &w->reply, &in), JT_OK);
    assert_int_equal(jt_open_reply_decode(&in, N_CARDS, &reply), JT_OK);
    assert_int_equal(reply.epoch, w->ring.epoch);
}

static void all_open(struct world *w, bool draining)
{
    open_cards(w);
    for (size_t i = 0; i < N_CARDS; i++) {
        assert_int_equal(w->opened[i].err, JT_OK);
        assert_int_equal(w->opened[i].draining, draining);
        assert_int_equal(w->opened[i].pan_len, 8);
        assert_memory_equal(w->opened[i].pan, w->cards[i].pan, 8);
    }
}

static void none_opens(struct world *w, enum jt_err why)
{
    open_cards(w);
    for (size_t i = 0; i < N_CARDS; i++) {
        assert_int_equal(w->opened[i].err, why);
    }
}

static struct jt_reseal_reply reseal(struct world *w, size_t n)
{
    struct jt_reseal_item items[N_CARDS];
    for (size_t i = 0; i < n; i++) {
        struct card *c = &w->cards[i];
        items[i] = (struct jt_reseal_item){ .field = i % 3 == 0 ? FIELD_B : FIELD_A, .dedup = i % 3 != 0, .row_id = c->row_id,
                                            .row_id_len = 16, .envelope = c->envelope, .envelope_len = c->envelope_len };
    }
    struct jt_reseal_reply reply;
    assert_int_equal(jt_keyclient_wait_reseal(w->kc, items, n, &reply), JT_OK);
    return reply;
}

static void a_card_goes_from_generation_to_generation_and_the_first_one_retires(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    assert_int_equal(a.number, 1);
    assert_int_equal(a.key_id, 1);
    assert_int_equal(seal(w).active.key_id, 0); /* future: nothing is written under it */
    step(w, &a, JT_GENERATION_ACTIVE, NULL);

    struct jt_seal_reply sealed = seal(w);
    assert_int_equal(sealed.epoch, 2);
    assert_int_equal(sealed.active.generation, 1);
    assert_int_equal(sealed.n_draining, 0);
    keep_sealed(w, &sealed);
    all_open(w, false);

    struct jt_generation_row b = create(w);
    assert_int_equal(b.number, 2);
    step(w, &b, JT_GENERATION_ACTIVE, &a);
    all_open(w, true);
    sealed = seal(w);
    assert_int_equal(sealed.active.generation, 2);
    assert_int_equal(sealed.n_draining, 1);
    assert_int_equal(sealed.draining[0].generation, 1);
    for (size_t i = 0; i < N_CARDS; i++) { /* a card sealed before the roll is found by its fingerprint */
        assert_memory_equal(w->sealed[i].draining_fingerprints, w->cards[i].fingerprint, 16);
        assert_memory_not_equal(w->sealed[i].fingerprint, w->cards[i].fingerprint, 16);
        assert_memory_not_equal(w->sealed[i].envelope, w->cards[i].envelope, 25);
    }

    struct jt_reseal_reply moved = reseal(w, N_CARDS);
    assert_int_equal(moved.active.generation, 2);
    assert_int_equal(moved.n, N_CARDS);
    for (size_t i = 0; i < N_CARDS; i++) {
        const struct jt_reseal_result *r = &moved.results[i];
        assert_int_equal(r->err, JT_OK);
        assert_int_equal(r->from, 1);
        assert_memory_equal(r->envelope, w->sealed[i].envelope, 25); /* the same as sealing it anew */
        assert_memory_equal(r->fingerprint, w->sealed[i].fingerprint, 16);
        memcpy(w->cards[i].envelope, r->envelope, 25);
    }
    all_open(w, false);
    moved = reseal(w, 10);
    assert_int_equal(moved.results[9].err, JT_ERR_CONFLICT); /* active already */

    step(w, &a, JT_GENERATION_RETIRED, NULL);
    all_open(w, false);
    assert_int_equal(seal(w).n_draining, 0);
    struct jt_keeper_status status;
    assert_int_equal(jt_keyclient_wait_status(w->kc, &status), JT_OK);
    assert_int_equal(status.epoch, 4);
    assert_int_equal(status.highest_generation, 2);
    assert_int_equal(status.n_sealed, 3 * N_CARDS);
    assert_int_equal(status.n_resealed, N_CARDS);
}

static void a_retired_generation_opens_and_reseals_nothing(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = seal(w);
    keep_sealed(w, &sealed);
    step(w, &b, JT_GENERATION_ACTIVE, &a);
    step(w, &a, JT_GENERATION_RETIRED, NULL);
    none_opens(w, JT_ERR_STALE);
    struct jt_reseal_reply moved = reseal(w, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(moved.results[i].err, JT_ERR_STALE);
    }
}

static void an_envelope_opens_only_in_its_own_row_and_field(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = seal(w);
    keep_sealed(w, &sealed);
    uint8_t first[25];
    memcpy(first, w->cards[0].envelope, 25);
    for (size_t i = 0; i + 1 < N_CARDS; i++) { /* every envelope one row on, many of them into the other field */
        memcpy(w->cards[i].envelope, w->cards[i + 1].envelope, 25);
    }
    memcpy(w->cards[N_CARDS - 1].envelope, first, 25);
    none_opens(w, JT_ERR_DECRYPT);
}

static void bad_items_fail_alone(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    w->cards[7].pan[3] = 0xab;
    struct jt_seal_reply sealed = seal(w);
    assert_int_equal(sealed.n, N_CARDS);
    for (size_t i = 0; i < N_CARDS; i++) {
        assert_int_equal(w->sealed[i].err, i == 7 ? JT_ERR_INVALID : JT_OK);
    }
    w->cards[7].pan[3] = 0x11;
    sealed = seal(w);
    keep_sealed(w, &sealed);
    /* All failures to decrypt are one; only a key id that is not live says so. */
    w->cards[1].envelope[24] ^= 1; /* ciphertext */
    w->cards[2].envelope[1] ^= 1; /* tag */
    w->cards[3].envelope_len = 24;
    w->cards[4].envelope_len = 26;
    w->cards[5].envelope_len = 1;
    w->cards[6].envelope_len = 0;
    w->cards[8].envelope[0] = 77;
    open_cards(w);
    for (size_t i = 0; i < N_CARDS; i++) {
        enum jt_err expected = i == 8 ? JT_ERR_STALE : i >= 1 && i <= 6 ? JT_ERR_DECRYPT : JT_OK;
        assert_int_equal(w->opened[i].err, expected);
    }
}

static void dedup_links_equal_cards_and_its_absence_does_not(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    for (size_t i = 0; i < 6; i++) {
        memcpy(w->cards[i].pan, w->cards[0].pan, 8);
    }
    struct jt_seal_reply sealed = seal(w);
    keep_sealed(w, &sealed);
    assert_memory_equal(w->cards[1].fingerprint, w->cards[2].fingerprint, 16); /* field A */
    assert_memory_not_equal(w->cards[0].fingerprint, w->cards[3].fingerprint, 16); /* field B */
    assert_memory_not_equal(w->cards[0].fingerprint, w->cards[1].fingerprint, 16); /* between fields */
    assert_memory_not_equal(w->cards[1].envelope, w->cards[2].envelope, 25);
}

static void acknowledgements_prove_possession(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    const uint8_t challenge[JT_CHALLENGE_LEN] = { 1, 2, 3 };
    struct jt_ack ack;
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &a, "node1", challenge, &ack), JT_OK);
    assert_string_equal(ack.node, "node1");
    assert_memory_equal(ack.incarnation, jt_keyclient_incarnation(w->kc), JT_INCARNATION_LEN);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &ack), JT_OK);

    struct jt_ack forged = ack;
    forged.node[0] = 'm';
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &forged), JT_ERR_DENIED);
    forged = ack;
    forged.challenge[0] ^= 1;
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &forged), JT_ERR_DENIED);
    forged = ack;
    forged.incarnation[0] ^= 1;
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &forged), JT_ERR_DENIED);
    forged = ack;
    forged.mac[15] ^= 1;
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &a, &forged), JT_ERR_DENIED);

    struct jt_generation_row b = create(w);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &b, &ack), JT_ERR_DENIED);
    struct jt_generation_row unsigned_row = a;
    unsigned_row.state = JT_GENERATION_ACTIVE;
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &unsigned_row, "node1", challenge, &ack), JT_ERR_DENIED);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &a, "", challenge, &ack), JT_ERR_INVALID);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &a, "no de", challenge, &ack), JT_ERR_INVALID);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, a.number), JT_OK);
    assert_int_equal(jt_keyclient_wait_ack(w->kc, &a, "node1", challenge, &ack), JT_ERR_NOT_FOUND);
}

static void a_generation_is_abandoned_only_before_the_ring_lists_it(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, b.number), JT_OK);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, b.number), JT_ERR_NOT_FOUND);
    char path[160];
    struct stat st;
    snprintf(path, sizeof path, "%s/generation-2.key", w->k.keys);
    assert_int_not_equal(stat(path, &st), 0);
    restart(w, SIGKILL);
    struct jt_generation_row c = create(w);
    assert_int_equal(c.number, 3); /* the number stays used, over the restart */
    assert_int_equal(c.key_id, 2); /* the key id is free again */
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, 1), JT_ERR_CONFLICT);
    step(w, &c, JT_GENERATION_ACTIVE, &a);
    step(w, &a, JT_GENERATION_RETIRED, NULL);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, 1), JT_ERR_CONFLICT);
}

static void steps_out_of_order_are_refused(void **state)
{
    struct world *w = *state;
    struct jt_ring_row next;
    struct jt_generation_row rows[2];
    size_t n;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &a, JT_GENERATION_RETIRED, &next, rows, &n), JT_ERR_NOT_FOUND);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &a, JT_GENERATION_DESTROYED, &next, rows, &n), JT_ERR_CONFLICT);
    struct jt_ring_row stale = w->ring;
    struct jt_generation_row a_future = a;
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &stale, &b, JT_GENERATION_ACTIVE, &next, rows, &n), JT_ERR_STALE);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &a_future, JT_GENERATION_ACTIVE, &next, rows, &n),
                     JT_ERR_CONFLICT);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &a, JT_GENERATION_RETIRED, &next, rows, &n), JT_ERR_CONFLICT);
    struct jt_generation_row forged = a; /* a front that writes its own row */
    forged.state = JT_GENERATION_DRAINING;
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &forged, JT_GENERATION_RETIRED, &next, rows, &n), JT_ERR_DENIED);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, b.number), JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &b, JT_GENERATION_ACTIVE, &next, rows, &n), JT_ERR_NOT_FOUND);
    assert_int_equal(jt_keyclient_wait_ring_first(w->kc, &next), JT_ERR_CONFLICT);
}

static void a_ring_that_went_back_or_was_forged_is_refused(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    struct jt_ring_row first = w->ring;
    struct jt_ring_row rival;
    struct jt_generation_row rows[2];
    size_t n;
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &b, JT_GENERATION_ACTIVE, &rival, rows, &n), JT_OK);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &w->ring), JT_OK); /* the one it has */
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &first), JT_ERR_CONFLICT); /* lower epoch */
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &rival), JT_ERR_CONFLICT); /* another one of the same epoch */

    struct jt_ring_row next;
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &b, JT_GENERATION_ACTIVE, &next, rows, &n), JT_OK);
    for (size_t bit = 0; bit < 8 * next.body_len; bit += 5) {
        struct jt_ring_row forged = next;
        forged.body[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &forged), JT_ERR_DENIED);
    }
    struct jt_ring_row forged = next;
    forged.mac[0] ^= 1;
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &forged), JT_ERR_DENIED);
    forged = next;
    forged.epoch++;
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &forged), JT_ERR_DENIED);
    forged = next;
    forged.body_len = 0;
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &forged), JT_ERR_DENIED);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, b.number), JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &next), JT_ERR_NOT_FOUND);
    restart(w, SIGKILL);
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &first), JT_ERR_CONFLICT); /* nor after a restart */
    assert_int_equal(jt_keyclient_wait_ring_first(w->kc, &next), JT_ERR_CONFLICT);
}

static void a_killed_keeper_comes_back_with_its_ring_and_keys(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = seal(w);
    keep_sealed(w, &sealed);
    uint8_t before[JT_INCARNATION_LEN];
    memcpy(before, jt_keyclient_incarnation(w->kc), sizeof before);
    restart(w, SIGKILL);
    assert_memory_not_equal(before, jt_keyclient_incarnation(w->kc), sizeof before);
    all_open(w, false);
    step(w, &b, JT_GENERATION_ACTIVE, &a);
    restart(w, SIGTERM);
    all_open(w, true);
}

static void refuses_to_start(struct world *w, const char *why)
{
    assert_false(keeper_start(&w->k));
    if (strstr(w->k.output, why) == NULL) {
        fail_msg("no \"%s\" in: %s", why, w->k.output);
    }
}

static void swapped_missing_and_altered_key_files_stop_the_start(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    step(w, &b, JT_GENERATION_ACTIVE, &a);
    disconnect_from(w);
    assert_true(WIFEXITED(keeper_stop(&w->k, SIGTERM)));
    char one[160];
    char two[160];
    char aside[160];
    snprintf(one, sizeof one, "%s/generation-1.key", w->k.keys);
    snprintf(two, sizeof two, "%s/generation-2.key", w->k.keys);
    snprintf(aside, sizeof aside, "%s/aside", w->k.dir);
    struct stat st;
    assert_int_equal(stat(one, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    assert_int_equal(rename(one, aside), 0);
    refuses_to_start(w, "live generation 1 is missing");
    assert_int_equal(rename(two, one), 0);
    assert_int_equal(rename(aside, two), 0);
    refuses_to_start(w, "renamed or swapped");
    assert_int_equal(rename(two, aside), 0);
    assert_int_equal(rename(one, two), 0);
    assert_int_equal(rename(aside, one), 0);

    int fd = open(one, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, 60), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, 60), 1);
    refuses_to_start(w, "generation-1.key was altered");
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, 60), 1);
    close(fd);
    assert_true(keeper_start(&w->k));
    connect_to(w);
}

/*
 * An old state file put back is what a restored disk looks like: the keeper starts, and the ring of the database is
 * newer.
 */
static void an_older_state_file_is_caught_up_by_the_database(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = create(w);
    char command[400];
    snprintf(command, sizeof command, "cp -p %s/state %s/state.old", w->k.keys, w->k.dir);
    assert_int_equal(system(command), 0);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    disconnect_from(w);
    (void)keeper_stop(&w->k, SIGTERM);
    snprintf(command, sizeof command, "mv %s/state.old %s/state", w->k.dir, w->k.keys);
    assert_int_equal(system(command), 0);
    assert_true(keeper_start(&w->k));
    connect_to(w);
    assert_int_equal(seal(w).active.key_id, 0);
    assert_int_equal(jt_keyclient_wait_ring_accept(w->kc, &w->ring), JT_OK);
    assert_int_equal(seal(w).active.key_id, 1);
}

static struct jt_retirement_facts sample_facts(const struct world *w)
{
    return (struct jt_retirement_facts){
        .generation = 1, .rows_written = 12, .rows_moved_in = 0, .rows_moved_out = 12, .rows_left = 0, .lsn = 0x16B374D48,
        .timeline = 1, .system_identifier = 7300000000000000001, .epoch = w->ring.epoch, .started_at = "2026-11-21T08:00:00Z",
        .retired_at = "2026-11-21T09:00:00Z", .node = "node1", .actor = "operator",
    };
}

static void a_retirement_is_certified_only_when_it_has_happened(void **state)
{
    struct world *w = *state;
    static struct jt_certificate c;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_retirement_facts facts = sample_facts(w);
    assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_CONFLICT);
    step(w, &b, JT_GENERATION_ACTIVE, &a);
    facts = sample_facts(w);
    assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_CONFLICT);
    step(w, &a, JT_GENERATION_RETIRED, NULL);
    facts = sample_facts(w);
    assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_OK);

    assert_int_equal(jt_sign_verify(c.public_key, c.text, c.text_len, c.signature), JT_OK);
    assert_int_equal(strncmp(c.text, "jeton retirement certificate v1\n", 32), 0);
    char check[2 * JT_CHECK_VALUE_LEN + 16] = "check-value: ";
    for (size_t i = 0; i < JT_CHECK_VALUE_LEN; i++) {
        snprintf(check + 13 + 2 * i, 3, "%02x", a.check_value[i]);
    }
    const char *const lines[] = { "\ngeneration: 1\n", "\nkey-id: 1\n", "\nrows-left: 0\n", "\nlsn: 1/6B374D48\n", "\nepoch: 4\n",
                                  "\nnode: node1\n", "\nactor: operator\n", "\nenvironment: development\n", check };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_non_null(strstr(c.text, lines[i]));
    }
    c.text[40] ^= 1;
    assert_int_equal(jt_sign_verify(c.public_key, c.text, c.text_len, c.signature), JT_ERR_DENIED);

    facts.generation = 2;
    assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_CONFLICT);
    facts = sample_facts(w);
    facts.rows_left = 1;
    assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_INVALID);
    facts = sample_facts(w);
    facts.epoch++;
    assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_INVALID);
}

static void facts_cannot_forge_lines_of_a_certificate(void **state)
{
    struct world *w = *state;
    static struct jt_certificate c;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    step(w, &b, JT_GENERATION_ACTIVE, &a);
    step(w, &a, JT_GENERATION_RETIRED, NULL);
    const char *const bad[] = { "", "x\nrows-left: 9", "tab\there", "caf\xc3\xa9", "\x7f" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_retirement_facts facts = sample_facts(w);
        snprintf(facts.actor, sizeof facts.actor, "%s", bad[i]);
        assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_INVALID);
        facts = sample_facts(w);
        snprintf(facts.node, sizeof facts.node, "%s", bad[i]);
        assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_INVALID);
        facts = sample_facts(w);
        snprintf(facts.started_at, sizeof facts.started_at, "%s", bad[i]);
        assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_INVALID);
        facts = sample_facts(w);
        snprintf(facts.retired_at, sizeof facts.retired_at, "%s", bad[i]);
        assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &c), JT_ERR_INVALID);
    }
}

static void certificates_of_all_runs_carry_one_public_key(void **state)
{
    struct world *w = *state;
    static struct jt_certificate first;
    static struct jt_certificate second;
    struct jt_generation_row a = create(w);
    struct jt_generation_row b = create(w);
    step(w, &a, JT_GENERATION_ACTIVE, NULL);
    step(w, &b, JT_GENERATION_ACTIVE, &a);
    step(w, &a, JT_GENERATION_RETIRED, NULL);
    struct jt_retirement_facts facts = sample_facts(w);
    assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &first), JT_OK);
    restart(w, SIGTERM);
    assert_int_equal(jt_keyclient_wait_certify(w->kc, &facts, &second), JT_OK);
    assert_memory_equal(first.public_key, second.public_key, sizeof first.public_key);
    assert_string_equal(first.text, second.text);
}

static void key_ids_run_out_and_come_back(void **state)
{
    struct world *w = *state;
    uint8_t used[32];
    memset(used, 0xff, sizeof used);
    used[0] = 0xf9; /* 1 and 2 are free */
    struct jt_generation_row g;
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 40, used, &g), JT_OK);
    assert_int_equal(g.number, 41);
    assert_int_equal(g.key_id, 1);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 0, used, &g), JT_OK);
    assert_int_equal(g.number, 42);
    assert_int_equal(g.key_id, 2);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 0, used, &g), JT_ERR_LIMIT);
    assert_int_equal(jt_keyclient_wait_generation_abandon(w->kc, 41), JT_OK);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, 0, used, &g), JT_OK);
    assert_int_equal(g.key_id, 1);
    assert_int_equal(jt_keyclient_wait_generation_create(w->kc, UINT64_MAX, no_key_ids, &g), JT_ERR_LIMIT);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_card_goes_from_generation_to_generation_and_the_first_one_retires),
        IN_A_WORLD(a_retired_generation_opens_and_reseals_nothing),
        IN_A_WORLD(an_envelope_opens_only_in_its_own_row_and_field),
        IN_A_WORLD(bad_items_fail_alone),
        IN_A_WORLD(dedup_links_equal_cards_and_its_absence_does_not),
        IN_A_WORLD(acknowledgements_prove_possession),
        IN_A_WORLD(a_generation_is_abandoned_only_before_the_ring_lists_it),
        IN_A_WORLD(steps_out_of_order_are_refused),
        IN_A_WORLD(a_ring_that_went_back_or_was_forged_is_refused),
        IN_A_WORLD(a_killed_keeper_comes_back_with_its_ring_and_keys),
        IN_A_WORLD(swapped_missing_and_altered_key_files_stop_the_start),
        IN_A_WORLD(an_older_state_file_is_caught_up_by_the_database),
        IN_A_WORLD(a_retirement_is_certified_only_when_it_has_happened),
        IN_A_WORLD(facts_cannot_forge_lines_of_a_certificate),
        IN_A_WORLD(certificates_of_all_runs_carry_one_public_key),
        IN_A_WORLD(key_ids_run_out_and_come_back),
    };
    return cmocka_run_group_tests_name("keeper/life", tests, NULL, NULL);
}
