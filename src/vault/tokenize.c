/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/tokenize.h"

#include "base/log.h"
#include "base/secmem.h"
#include "vault/verdict.h"
#include "vault/strays.h"

#include <stdlib.h>
#include <string.h>

/*
 * Items of one batch. Larger ones gain little (the database's cost is per row) and make single
 * requests behind them wait.
 */
#define BATCH_MAX 2048
/*
 * A batch is repeated when the ring moved or an item lost a race; each has an end, so a few rounds
 * always suffice. An item that is neither stored nor found after all of them is one that the
 * database does not store.
 */
#define MAX_ROUNDS 6

/* What one keeper call may hold, one transaction takes. */
_Static_assert(JT_STORE_MAX_CARDS == JT_WIRE_MAX_ITEMS, "a transaction for a keeper call");
_Static_assert(JT_STORE_MAX_PROBED == JT_WIRE_MAX_PROBED, "a transaction for a keeper call");

/* One item of the batch under way. */
struct entry {
    struct jt_tokenize_request *request;
    struct jt_tokenize_item *item;
};

struct jt_tokenizer {
    struct jt_vault *vault;
    struct jt_keyclient *keeper;
    struct jt_pipe *pipe;
    struct jt_refresher *refresher;
    uint16_t writer;
    struct jt_tokenize_request *first, *last; /* requests with items not yet taken into a batch */
    size_t waiting;
    bool busy;
    /* being freed: keeper, refresher and pipe are going, so nothing is started any more */
    bool closing;
    /* the batch under way has its audit rows; a repeat for items that lost a race writes none */
    bool audited;
    int rounds;
    /* why the last round was not the end of it: how items end when there is no further round */
    enum jt_err ended;
    uint64_t sealed_epoch;
    /* key ids of the last sealing's retired generations */
    uint8_t retired[JT_KEY_ID_SET_LEN];
    size_t n; /* entries of the batch that are still to be sealed and stored */
    struct entry entries[BATCH_MAX];
    size_t n_known; /* entries whose card has a row, which the keeper is matching */
    struct entry known[BATCH_MAX];
    uint8_t tokens[BATCH_MAX][JT_TOKEN_LEN]; /* of the ids that the keeper minted */
    struct jt_seal_item seal[BATCH_MAX];
    struct jt_card_new cards[BATCH_MAX];
    struct jt_card_probe probes[BATCH_MAX * JT_WIRE_MAX_PROBED];
    struct jt_audit_row audit[BATCH_MAX];
    struct jt_match_item match[BATCH_MAX];
};

static void seal_batch(struct jt_tokenizer *t);

static struct jt_value value_of(const struct entry *e)
{
    return (struct jt_value){ .kind = e->request->kind,
                              .bytes = e->item->pan.packed,
                              .len = e->item->pan.packed_len };
}

static void finish_item(struct jt_tokenizer *t, struct entry *e, enum jt_err err)
{
    e->item->err = err;
    t->waiting--;
    if (--e->request->n_open == 0 && e->request->n_taken == e->request->n_items) {
        struct jt_tokenize_request *request = e->request;
        for (size_t i = 0; i < request->n_items; i++) {
            jt_wipe(&request->items[i].pan, sizeof request->items[i].pan);
        }
        request->done(request);
    }
}

/* Ends every item still in the batch. */
static void finish_batch(struct jt_tokenizer *t, enum jt_err err)
{
    size_t n = t->n, n_known = t->n_known;
    t->n = t->n_known = 0;
    for (size_t i = 0; i < n_known; i++) {
        finish_item(t, &t->known[i], err);
    }
    for (size_t i = 0; i < n; i++) {
        finish_item(t, &t->entries[i], err);
    }
    t->busy = false;
}

/* Fails what has gathered but is in no batch. */
static void fail_queue(struct jt_tokenizer *t)
{
    struct jt_tokenize_request *request = t->first;
    t->first = t->last = NULL;
    while (request != NULL) {
        struct jt_tokenize_request *next = request->next;
        for (size_t i = request->n_taken; i < request->n_items; i++) {
            request->items[i].err = JT_ERR_DB_AWAY;
        }
        t->waiting -= request->n_items - request->n_taken - 1; /* the last is taken off below */
        /*
         * No batch is under way, so n_open is 0: the last item, counted as open, ends the request.
         *
         */
        request->n_taken = request->n_items;
        request->n_open = 1;
        struct entry last = { request, &request->items[request->n_items - 1] };
        finish_item(t, &last, JT_ERR_DB_AWAY);
        request = next;
    }
}

static void on_refreshed(void *arg, enum jt_err err)
{
    struct jt_tokenizer *t = arg;
    if (err != JT_OK) {
        finish_batch(t, err);
        return;
    }
    seal_batch(t);
}

static void refresh_and_repeat(struct jt_tokenizer *t)
{
    if (t->closing) {
        finish_batch(t, JT_ERR_STOPPING);
        return;
    }
    jt_refresher_request(t->refresher, on_refreshed, t);
}

/* The batch's next round, for what is left of it; or its end. */
static void go_on(struct jt_tokenizer *t)
{
    if (t->n > 0) {
        seal_batch(t);
    } else {
        t->busy = false;
    }
}

/* A row that is not what it should be: the operator hears of it, and the item alone fails. */
static void raise_alarm(struct jt_tokenizer *t, size_t n, const char *what)
{
    if (n > 0) {
        jt_count(&t->vault->counters.row_alarms, n);
        jt_log(JT_LOG_ERROR, "alarm: tokenize: %zu %s", n, what);
    }
}

static void on_matched(void *arg, enum jt_err err, const struct jt_match_reply *reply)
{
    struct jt_tokenizer *t = arg;
    if (err != JT_OK) {
        finish_batch(t, err);
        return;
    }
    size_t n_bad = 0;
    for (size_t i = 0; i < t->n_known; i++) {
        struct entry *e = &t->known[i];
        const struct jt_match_result *r = &reply->results[i];
        if (r->err == JT_OK) {
            memcpy(e->item->token, r->token, JT_TOKEN_LEN);
            finish_item(t, e, JT_OK);
        } else if (jt_err_class(r->err) == JT_CLASS_REFRESH) {
            t->entries[t->n++] = *e; /* the ring moved between the two calls: look again */
            t->ended = JT_ERR_RING_MOVED;
        } else {
            finish_item(t, e, JT_ERR_DECRYPT);
            n_bad++;
        }
    }
    t->n_known = 0;
    raise_alarm(t, n_bad,
                "rows answer for a card that is not in them: the database was tampered with");
    go_on(t);
}

/* Sorts an item out by what became of its card. `left` counts those that stay for another round. */
static void take_outcome(struct jt_tokenizer *t, size_t i, const struct jt_card_outcome *outcome,
                         size_t *left, size_t *n_stranded)
{
    struct entry e = t->entries[i];
    const struct jt_card_row *row = outcome->row;
    if (outcome->kind == JT_CARD_WRITTEN) {
        memcpy(e.item->token, t->tokens[outcome->written], JT_TOKEN_LEN);
        finish_item(t, &e, JT_OK);
    } else if (outcome->kind == JT_CARD_LOST) {
        t->entries[(*left)++] = e; /* i ascends, so this overwrites only what is done with */
    } else if (jt_key_id_set_has(t->retired, row->envelope[0])) {
        finish_item(t, &e, JT_ERR_STRANDED);
        (*n_stranded)++;
    } else {
        t->match[t->n_known] = (struct jt_match_item){ .field = e.request->field,
                                                       .id = row->id,
                                                       .fingerprint = row->fingerprint,
                                                       .value = value_of(&e),
                                                       .envelope = row->envelope,
                                                       .envelope_len = row->envelope_len };
        t->known[t->n_known++] = e;
    }
}

static void on_stored(void *arg, enum jt_err err, const struct jt_tokenize_result *result)
{
    struct jt_tokenizer *t = arg;
    if (err == JT_ERR_DB_DUPLICATE || err == JT_ERR_RING_CONTRADICTED) {
        /*
         * Nothing was written. Fresh ids may do; what contradicts the ring will not pass and ends
         * with the rounds.
         */
        if (t->ended != JT_ERR_NOT_STORED && t->ended != JT_ERR_RING_CONTRADICTED) {
            char line[JT_FAULT_LINE_LEN];
            jt_count(&t->vault->counters.row_alarms, 1);
            jt_log(JT_LOG_ERROR,
                   "alarm: tokenize: an id is taken, or the generations contradict the ring: %s",
                   jt_fault_line(jt_pipe_fault(t->pipe), err, line));
        }
        t->ended = err == JT_ERR_RING_CONTRADICTED ? err : JT_ERR_NOT_STORED;
        refresh_and_repeat(t);
        return;
    }
    if (err != JT_OK || !result->check.node_stands) {
        finish_batch(t, err == JT_OK
                            ? JT_ERR_NODE_GONE
                            : jt_verdict_bad(t->vault, "tokenize", err, jt_pipe_fault(t->pipe)));
        return;
    }
    if (result->check.epoch != t->sealed_epoch) {
        t->ended = JT_ERR_RING_MOVED;
        refresh_and_repeat(t);
        return;
    }
    t->audited = true;
    t->ended = JT_ERR_NOT_STORED;
    size_t left = 0, n_stranded = 0;
    for (size_t i = 0; i < result->n; i++) {
        take_outcome(t, i, &result->cards[i], &left, &n_stranded);
    }
    t->n = left;
    raise_alarm(
        t, n_stranded,
        "cards stand in rows under a retired key id: they were planted, restored or replayed");
    if (t->n_known > 0) {
        jt_keyclient_match(t->keeper, t->match, t->n_known, on_matched, t);
    } else {
        go_on(t);
    }
}

/*
 * One audit row for each request that has items in the batch; entries of one request are
 * neighbours.
 */
static size_t audit_rows(struct jt_tokenizer *t, size_t n_cards)
{
    size_t n = 0;
    const struct jt_tokenize_request *previous = NULL;
    for (size_t i = 0; i < n_cards; i++) {
        const struct jt_tokenize_request *request = t->entries[i].request;
        if (request != previous) {
            t->audit[n++] = (struct jt_audit_row){ .action = JT_AUDIT_TOKENIZE,
                                                   .client = request->client,
                                                   .field = request->field,
                                                   .object = "" };
            previous = request;
        }
        t->audit[n - 1].n_items++;
        t->audit[n - 1].n_done++;
    }
    return n;
}

/*
 * Fingerprints under all other generations that may have a row of the card; without dedup none has.
 *
 */
static size_t add_probes(struct jt_tokenizer *t, const struct jt_seal_reply *reply, size_t i,
                         size_t n_probes)
{
    for (size_t d = 0; d < reply->n_probed && t->entries[i].request->dedup; d++) {
        t->probes[n_probes++] = (struct jt_card_probe){ .card = (uint32_t)i,
                                                        .key_id = reply->probed[d].key.key_id,
                                                        .fingerprint = reply->results[i].probes +
                                                                       d * JT_FINGERPRINT_LEN };
    }
    return n_probes;
}

/*
 * Key ids of the reply's draining generations go to `draining`, retired ones are noted; how many
 * drain.
 */
static size_t note_probed(struct jt_tokenizer *t, const struct jt_seal_reply *reply,
                          uint8_t draining[static JT_WIRE_MAX_PROBED])
{
    size_t n = 0;
    memset(t->retired, 0, sizeof t->retired);
    for (size_t d = 0; d < reply->n_probed; d++) {
        uint8_t key_id = reply->probed[d].key.key_id;
        if (reply->probed[d].retired) {
            jt_key_id_set_add(t->retired, key_id);
        } else {
            draining[n++] = key_id;
        }
    }
    return n;
}

static void store_batch(struct jt_tokenizer *t, const struct jt_seal_reply *reply)
{
    uint8_t draining[JT_WIRE_MAX_PROBED];
    size_t n_probes = 0;
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_seal_result *r = &reply->results[i];
        if (r->err != JT_OK) {
            finish_batch(t, JT_ERR_IMPOSSIBLE); /* cannot happen for a parsed PAN */
            return;
        }
        memcpy(t->tokens[i], r->token, JT_TOKEN_LEN);
        t->cards[i] = (struct jt_card_new){ .field = t->seal[i].field,
                                            .id = r->id,
                                            .fingerprint = r->fingerprint,
                                            .envelope = r->envelope,
                                            .envelope_len = r->envelope_len };
        n_probes = add_probes(t, reply, i, n_probes);
    }
    t->sealed_epoch = reply->epoch;
    struct jt_tokenize_txn txn = { .epoch = reply->epoch,
                                   .generation = reply->active.generation,
                                   .key_id = reply->active.key_id,
                                   .writer = t->writer,
                                   .cards = t->cards,
                                   .n_cards = reply->n,
                                   .probes = t->probes,
                                   .n_probes = n_probes,
                                   .draining = draining,
                                   .n_draining = note_probed(t, reply, draining),
                                   .audit = t->audit,
                                   .n_audit = t->audited ? 0 : audit_rows(t, reply->n) };
    enum jt_err err = jt_cards_tokenize(t->pipe, &txn, on_stored, t);
    if (err != JT_OK) {
        finish_batch(t, err);
    }
}

static void on_sealed(void *arg, enum jt_err err, const struct jt_seal_reply *reply)
{
    struct jt_tokenizer *t = arg;
    bool nothing_active = err == JT_OK && reply->active.key_id == 0;
    if (nothing_active && t->rounds > 1) {
        finish_batch(t, JT_ERR_NO_ACTIVE);
    } else if (nothing_active || jt_err_class(err) == JT_CLASS_REFRESH) {
        /*
         * This keeper has not heard of the ring, or of its node, since it started: perhaps it only
         * needs to be told.
         */
        refresh_and_repeat(t);
    } else if (err != JT_OK) {
        finish_batch(t, err);
    } else {
        store_batch(t, reply);
    }
}

static void seal_batch(struct jt_tokenizer *t)
{
    if (t->closing || !jt_tokenizer_up(t)) {
        finish_batch(t, t->closing ? JT_ERR_STOPPING : JT_ERR_DB_AWAY);
        return;
    }
    if (++t->rounds > MAX_ROUNDS) {
        enum jt_err ended = t->ended;
        finish_batch(t, ended == JT_ERR_RING_MOVED
                            ? ended
                            : jt_verdict_bad(t->vault, "tokenize", ended, NULL));
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct entry *e = &t->entries[i];
        t->seal[i] = (struct jt_seal_item){ .field = e->request->field, .value = value_of(e) };
    }
    struct jt_seal_request request = { .items = t->seal, .n = t->n };
    request.n_retired =
        jt_strays_known(t->vault, request.retired, JT_WIRE_MAX_PROBED - JT_RING_MAX_DRAINING);
    jt_keyclient_seal(t->keeper, &request, on_sealed, t);
}

/* Moves items from the queue into the batch; a large request may take several batches. */
static void gather(struct jt_tokenizer *t)
{
    t->n = 0;
    while (t->first != NULL && t->n < BATCH_MAX) {
        struct jt_tokenize_request *request = t->first;
        while (request->n_taken < request->n_items && t->n < BATCH_MAX) {
            t->entries[t->n++] = (struct entry){ request, &request->items[request->n_taken++] };
            request->n_open++;
        }
        if (request->n_taken == request->n_items) {
            t->first = request->next;
            t->last = t->first == NULL ? NULL : t->last;
        }
    }
}

void jt_tokenizer_pump(struct jt_tokenizer *t)
{
    if (t->busy || t->first == NULL) {
        return;
    }
    if (!jt_tokenizer_up(t)) {
        fail_queue(t);
        return;
    }
    if (!jt_pipe_ready(t->pipe)) {
        return; /* still rolling back; the next round comes when it has */
    }
    t->busy = true;
    t->audited = false;
    t->rounds = 0;
    t->ended = JT_ERR_RING_MOVED;
    gather(t);
    seal_batch(t);
}

bool jt_tokenizer_up(const struct jt_tokenizer *t)
{
    return jt_keyclient_ready(t->keeper) && jt_pipe_up(t->pipe);
}

bool jt_tokenizer_connected(const struct jt_tokenizer *t)
{
    return jt_pipe_up(t->pipe);
}

const struct jt_fault *jt_tokenizer_fault(const struct jt_tokenizer *t)
{
    return jt_pipe_fault(t->pipe);
}

void jt_tokenizer_submit(struct jt_tokenizer *t, struct jt_tokenize_request *request)
{
    request->next = NULL;
    request->n_taken = request->n_open = 0;
    if (t->last == NULL) {
        t->first = request;
    } else {
        t->last->next = request;
    }
    t->last = request;
    t->waiting += request->n_items;
}

size_t jt_tokenizer_waiting(const struct jt_tokenizer *t)
{
    return t->waiting;
}

enum jt_err jt_tokenizer_new(struct jt_vault *vault, struct jt_loop *loop,
                             struct jt_keyclient *keeper, struct jt_refresher *refresher,
                             uint16_t writer, struct jt_tokenizer **out)
{
    *out = NULL;
    struct jt_tokenizer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return JT_ERR_NOMEM;
    }
    t->vault = vault;
    t->keeper = keeper;
    t->refresher = refresher;
    t->writer = writer;
    enum jt_err err = jt_pipe_new(loop, vault->conf->database_conninfo, "jetond tokenize",
                                  &vault->node, JT_TXN_TIMEOUT_MS, &t->pipe);
    if (err != JT_OK) {
        free(t);
        return err;
    }
    *out = t;
    return JT_OK;
}

void jt_tokenizer_free(struct jt_tokenizer *t)
{
    if (t == NULL) {
        return;
    }
    t->closing = true;
    jt_pipe_free(t->pipe); /* ends a transaction under way, and with it the batch */
    if (t->busy) {
        finish_batch(t, JT_ERR_STOPPING);
    }
    fail_queue(t);
    jt_wipe(t, sizeof *t);
    free(t);
}
