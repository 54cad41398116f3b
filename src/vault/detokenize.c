#include "vault/detokenize.h"

#include "base/log.h"
#include "base/secmem.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 2048
#define MAX_ROUNDS 6

/* One item of the batch under way. */
struct entry {
    struct jt_detokenize_request *request;
    struct jt_detokenize_item *item;
    bool settled; /* read and opened, or failed for good: another round leaves it alone */
};

struct jt_detokenizer {
    struct jt_vault *vault;
    struct jt_keyclient *keeper;
    struct jt_pipe *pipe;
    struct jt_refresher *refresher;
    struct jt_reencrypter *reencrypter;
    struct jt_detokenize_request *first, *last;
    bool busy;
    int rounds;
    uint64_t epoch; /* of the last opening in this batch */
    int n_same_epoch; /* openings since it changed */
    size_t n;
    struct entry entries[BATCH_MAX];
    struct jt_card_key keys[BATCH_MAX];
    struct jt_open_item open[BATCH_MAX];
    uint32_t sent[BATCH_MAX]; /* keys[i], or open[i], is of entries[sent[i]] */
    uint8_t envelopes[BATCH_MAX][JT_CARD_ENVELOPE_MAX];
    struct jt_audit_row audit[BATCH_MAX];
    uint8_t granted[BATCH_MAX][JT_TOKEN_LEN]; /* tokens for the audit rows */
};

static void read_batch(struct jt_detokenizer *d);
static void audit_batch(struct jt_detokenizer *d);

static void finish_batch(struct jt_detokenizer *d, enum jt_err failure)
{
    size_t n = d->n;
    d->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct entry *e = &d->entries[i];
        if (failure != JT_OK) {
            jt_wipe(e->item->pan, sizeof e->item->pan);
            e->item->err = failure;
        }
        struct jt_detokenize_request *request = e->request;
        if (--request->n_open == 0 && request->n_taken == request->n_items) {
            request->done(request);
        }
    }
    d->busy = false;
}

static void fail_queue(struct jt_detokenizer *d)
{
    struct jt_detokenize_request *request = d->first;
    d->first = d->last = NULL;
    while (request != NULL) {
        struct jt_detokenize_request *next = request->next;
        for (size_t i = request->n_taken; i < request->n_items; i++) {
            request->items[i].err = JT_ERR_UNAVAILABLE;
        }
        request->done(request);
        request = next;
    }
}

static void settle(struct entry *e, enum jt_err err)
{
    e->item->err = err;
    e->settled = true;
}

/*
 * Rows that no refresh makes readable (a key id that nobody knows) end here, to be asked for again by their clients: they must not hold up or fail
 * their neighbours.
 */
static void give_up_unread(struct jt_detokenizer *d)
{
    for (size_t i = 0; i < d->n; i++) {
        if (!d->entries[i].settled) {
            settle(&d->entries[i], JT_ERR_UNAVAILABLE);
        }
    }
    audit_batch(d);
}

static void on_refreshed(void *arg, enum jt_err err)
{
    struct jt_detokenizer *d = arg;
    if (err != JT_OK) {
        give_up_unread(d);
        return;
    }
    read_batch(d);
}

/* Takes what the keeper opened; returns how many items must be read again because their row had moved on. */
static size_t take_opened(struct jt_detokenizer *d, const struct jt_open_reply *reply)
{
    size_t stale = 0;
    for (size_t i = 0; i < reply->n; i++) {
        struct entry *e = &d->entries[d->sent[i]];
        const struct jt_open_result *r = &reply->results[i];
        if (r->err == JT_ERR_STALE) {
            stale++;
        } else if (r->err != JT_OK) {
            settle(e, JT_ERR_DECRYPT);
        } else {
            settle(e, jt_pan_unpack(r->pan, r->pan_len, e->item->pan));
            if (r->draining && e->item->err == JT_OK) {
                jt_reencrypter_offer(d->reencrypter, e->request->field, e->request->dedup, e->item->token, d->open[i].envelope,
                                     d->open[i].envelope_len);
            }
        }
    }
    return stale;
}

static void on_opened(void *arg, enum jt_err err, const struct jt_open_reply *reply)
{
    struct jt_detokenizer *d = arg;
    if (err != JT_OK) {
        finish_batch(d, JT_ERR_UNAVAILABLE);
        return;
    }
    /*
     * The row moved, or this keeper has not heard of a newer ring: an unknown key id never means "corrupt". Rounds in which the ring stayed the
     * same bring nothing new.
     */
    bool stale = take_opened(d, reply) > 0;
    d->n_same_epoch = reply->epoch == d->epoch ? d->n_same_epoch + 1 : 0;
    d->epoch = reply->epoch;
    if (stale && d->n_same_epoch < 2) {
        jt_refresher_request(d->refresher, on_refreshed, d);
    } else if (stale) {
        give_up_unread(d);
    } else {
        audit_batch(d);
    }
}

static void on_read(void *arg, enum jt_err err, const struct jt_card_found *cards, size_t n)
{
    struct jt_detokenizer *d = arg;
    if (err != JT_OK) {
        jt_log(JT_LOG_WARNING, "detokenize: %s: %s", jt_err_str(err), jt_pipe_message(d->pipe));
        finish_batch(d, JT_ERR_UNAVAILABLE);
        return;
    }
    size_t n_open = 0;
    for (size_t i = 0; i < n; i++) {
        struct entry *e = &d->entries[d->sent[i]];
        if (!cards[i].found) {
            settle(e, JT_ERR_NOT_FOUND);
        } else if (cards[i].envelope_len > JT_CARD_ENVELOPE_MAX) {
            settle(e, JT_ERR_DECRYPT);
        } else {
            memcpy(d->envelopes[n_open], cards[i].envelope, cards[i].envelope_len);
            d->open[n_open] = (struct jt_open_item){ .field = e->request->field,
                                                     .row_id = e->item->token,
                                                     .row_id_len = JT_TOKEN_LEN,
                                                     .envelope = d->envelopes[n_open],
                                                     .envelope_len = cards[i].envelope_len };
            d->sent[n_open++] = d->sent[i];
        }
    }
    if (n_open == 0) {
        audit_batch(d);
        return;
    }
    jt_keyclient_open_items(d->keeper, d->open, n_open, on_opened, d);
}

static void read_batch(struct jt_detokenizer *d)
{
    if (++d->rounds > MAX_ROUNDS) {
        give_up_unread(d);
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (!d->entries[i].settled) {
            d->keys[n] = (struct jt_card_key){ .field = d->entries[i].request->field, .token = d->entries[i].item->token };
            d->sent[n++] = (uint32_t)i;
        }
    }
    if (!jt_detokenizer_up(d) || jt_cards_read(d->pipe, d->keys, n, on_read, d) != JT_OK) {
        finish_batch(d, JT_ERR_UNAVAILABLE);
    }
}

static void on_audited(void *arg, enum jt_err err)
{
    struct jt_detokenizer *d = arg;
    if (err != JT_OK) {
        jt_log(JT_LOG_WARNING, "detokenize: audit: %s: %s", jt_err_str(err), jt_pipe_message(d->pipe));
    }
    finish_batch(d, err == JT_OK ? JT_OK : JT_ERR_UNAVAILABLE);
}

/* One row for each request in the batch; entries of one request are neighbours. */
static void audit_batch(struct jt_detokenizer *d)
{
    size_t n = 0, n_granted = 0;
    const struct jt_detokenize_request *previous = NULL;
    for (size_t i = 0; i < d->n; i++) {
        const struct entry *e = &d->entries[i];
        if (e->request != previous) {
            d->audit[n++] = (struct jt_audit_row){ .action = JT_AUDIT_DETOKENIZE,
                                                   .client = e->request->client,
                                                   .field = e->request->field,
                                                   .tokens = d->granted[n_granted],
                                                   .object = "" };
            previous = e->request;
        }
        struct jt_audit_row *row = &d->audit[n - 1];
        row->n_items++;
        if (e->item->err == JT_OK) {
            memcpy(d->granted[n_granted++], e->item->token, JT_TOKEN_LEN);
            row->n_done++;
            row->n_tokens++;
        }
    }
    if (jt_cards_audit(d->pipe, d->audit, n, on_audited, d) != JT_OK) {
        finish_batch(d, JT_ERR_UNAVAILABLE);
    }
}

static void gather(struct jt_detokenizer *d)
{
    d->n = 0;
    while (d->first != NULL && d->n < BATCH_MAX) {
        struct jt_detokenize_request *request = d->first;
        while (request->n_taken < request->n_items && d->n < BATCH_MAX) {
            d->entries[d->n++] = (struct entry){ .request = request, .item = &request->items[request->n_taken++] };
            request->n_open++;
        }
        if (request->n_taken == request->n_items) {
            d->first = request->next;
            d->last = d->first == NULL ? NULL : d->last;
        }
    }
}

void jt_detokenizer_pump(struct jt_detokenizer *d)
{
    if (d->busy || d->first == NULL) {
        return;
    }
    if (!jt_detokenizer_up(d)) {
        fail_queue(d);
        return;
    }
    if (!jt_pipe_ready(d->pipe)) {
        return; /* still rolling back; the next round comes when it has */
    }
    d->busy = true;
    d->rounds = d->n_same_epoch = 0;
    d->epoch = 0;
    gather(d);
    read_batch(d);
}

bool jt_detokenizer_up(const struct jt_detokenizer *d)
{
    return jt_keyclient_ready(d->keeper) && jt_pipe_up(d->pipe);
}

void jt_detokenizer_submit(struct jt_detokenizer *d, struct jt_detokenize_request *request)
{
    request->next = NULL;
    request->n_taken = request->n_open = 0;
    if (d->last == NULL) {
        d->first = request;
    } else {
        d->last->next = request;
    }
    d->last = request;
}

enum jt_err jt_detokenizer_new(struct jt_vault *vault, struct jt_loop *loop, struct jt_keyclient *keeper, struct jt_refresher *refresher,
                               struct jt_reencrypter *reencrypter, struct jt_detokenizer **out)
{
    *out = NULL;
    struct jt_detokenizer *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return JT_ERR_NOMEM;
    }
    d->vault = vault;
    d->keeper = keeper;
    d->refresher = refresher;
    d->reencrypter = reencrypter;
    enum jt_err err = jt_pipe_new(loop, vault->conf->database_conninfo, "jetond detokenize", &vault->node, JT_TXN_TIMEOUT_MS, &d->pipe);
    if (err != JT_OK) {
        free(d);
        return err;
    }
    *out = d;
    return JT_OK;
}

void jt_detokenizer_free(struct jt_detokenizer *d)
{
    if (d == NULL) {
        return;
    }
    jt_pipe_free(d->pipe); /* ends a step under way, and with it the batch */
    if (d->busy) {
        finish_batch(d, JT_ERR_UNAVAILABLE);
    }
    fail_queue(d);
    free(d);
}
