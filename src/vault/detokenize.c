/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/detokenize.h"

#include "base/log.h"
#include "base/secmem.h"
#include "vault/verdict.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_MAX  2048
#define MAX_ROUNDS 6

/* One item of the batch under way. */
struct entry {
    struct jt_detokenize_request *request;
    struct jt_detokenize_item *item;
    bool settled; /* read and opened, or failed for good: another round leaves it alone */
    bool missing; /* the last read found no row under a live key id */
};

struct jt_detokenizer {
    struct jt_vault *vault;
    struct jt_keyclient *keeper;
    struct jt_pipe *pipe;
    struct jt_refresher *refresher;
    struct jt_reencrypter *reencrypter;
    struct jt_detokenize_request *first, *last;
    size_t waiting;
    bool busy;
    bool closing; /* being freed: nothing is started any more */
    int rounds;
    uint64_t epoch; /* of the keeper's ring when it named the live key ids */
    uint8_t live[JT_RING_MAX_LIVE];
    uint8_t n_live;
    size_t n;
    struct entry entries[BATCH_MAX];
    struct jt_identify_item identify[BATCH_MAX];
    uint64_t ids[BATCH_MAX];
    struct jt_open_item open[BATCH_MAX];
    struct jt_card_row rows[BATCH_MAX];
    uint32_t sent[BATCH_MAX]; /* item i of the step under way is of entries[sent[i]] */
    struct jt_audit_row audit[BATCH_MAX];
    uint64_t granted[BATCH_MAX]; /* ids for the audit rows */
};

static void identify_batch(struct jt_detokenizer *d);
static void audit_batch(struct jt_detokenizer *d);

static void finish_batch(struct jt_detokenizer *d, enum jt_err failure)
{
    size_t n = d->n;
    d->n = 0;
    d->waiting -= n;
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
            request->items[i].err = JT_ERR_DB_AWAY;
        }
        d->waiting -= request->n_items - request->n_taken;
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
 * What no refresh makes readable ends here, to be asked for again by its clients: it must not hold
 * up or fail its neighbours.
 */
static void give_up_unread(struct jt_detokenizer *d, enum jt_err err)
{
    for (size_t i = 0; i < d->n; i++) {
        if (!d->entries[i].settled) {
            settle(&d->entries[i], err);
        }
    }
    audit_batch(d);
}

static void on_refreshed(void *arg, enum jt_err err)
{
    struct jt_detokenizer *d = arg;
    if (err != JT_OK) {
        give_up_unread(d, err);
        return;
    }
    identify_batch(d);
}

static void refresh_and_repeat(struct jt_detokenizer *d)
{
    if (d->closing) {
        finish_batch(d, JT_ERR_STOPPING);
        return;
    }
    jt_refresher_request(d->refresher, on_refreshed, d);
}

/* A row that is not what it should be: the operator hears of it, and the item alone fails. */
static void raise_alarm(struct jt_detokenizer *d, size_t n, const char *what)
{
    if (n > 0) {
        jt_count(&d->vault->counters.row_alarms, n);
        jt_log(JT_LOG_ERROR, "alarm: detokenize: %zu %s", n, what);
    }
}

/* --- the third step: opening --- */

/*
 * Takes what the keeper opened; returns how many items must be read again because their row had
 * moved on.
 */
static size_t take_opened(struct jt_detokenizer *d, const struct jt_open_reply *reply)
{
    size_t stale = 0, refused = 0;
    for (size_t i = 0; i < reply->n; i++) {
        struct entry *e = &d->entries[d->sent[i]];
        const struct jt_open_result *r = &reply->results[i];
        if (jt_err_class(r->err) == JT_CLASS_REFRESH) {
            stale++;
        } else if (r->err != JT_OK) {
            settle(e, JT_ERR_DECRYPT);
            refused++;
        } else {
            settle(e, jt_pan_unpack(r->value.bytes, r->value.len, e->item->pan));
            if (r->draining && e->item->err == JT_OK) {
                jt_reencrypter_offer(d->reencrypter, &d->rows[i]);
            }
        }
    }
    raise_alarm(d, refused, "rows do not open: they were altered");
    return stale;
}

static void on_opened(void *arg, enum jt_err err, const struct jt_open_reply *reply)
{
    struct jt_detokenizer *d = arg;
    if (err != JT_OK) {
        finish_batch(d, err);
    } else if (take_opened(d, reply) > 0) {
        refresh_and_repeat(d);
    } else {
        audit_batch(d);
    }
}

static void open_batch(struct jt_detokenizer *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct jt_card_row *row = &d->rows[i];
        d->open[i] = (struct jt_open_item){ .field = row->field,
                                            .id = row->id,
                                            .fingerprint = row->fingerprint,
                                            .envelope = row->envelope,
                                            .envelope_len = row->envelope_len };
    }
    jt_keyclient_open_items(d->keeper, d->open, n, on_opened, d);
}

/*
 * --- between the second and the third: tokens that were issued and have no row under a live key id
 * ---
 */

static bool is_live(const struct jt_detokenizer *d, uint8_t key_id)
{
    return memchr(d->live, key_id, d->n_live) != NULL;
}

/*
 * Sorts the missing out: deleted cards, mostly, or ones whose transaction never ended; but a row
 * under a key id that is not live is a card that somebody hid, and whoever asks for it must not
 * hear that there is none. False when one of them has come to light under a live key id meanwhile.
 */
static bool take_strays(struct jt_detokenizer *d, const uint8_t *stranded, size_t n, size_t *n_open)
{
    size_t n_stranded = 0, next = 0;
    bool all_settled = true;
    for (size_t i = 0; i < d->n; i++) {
        struct entry *e = &d->entries[i];
        if (e->settled) {
            continue;
        }
        if (!e->missing) {
            /* in the order of take_read: its row is rows[*n_open] */
            d->sent[(*n_open)++] = (uint32_t)i;
            continue;
        }
        uint8_t key_id = next < n ? stranded[next++] : 0;
        if (key_id != 0 && is_live(d, key_id)) {
            all_settled = false;
            continue;
        }
        settle(e, key_id != 0 ? JT_ERR_STRANDED : JT_ERR_NO_TOKEN);
        n_stranded += key_id != 0;
    }
    raise_alarm(d, n_stranded, "cards stand in rows under key ids of no live generation");
    return all_settled;
}

static void on_strays(void *arg, enum jt_err err, const uint8_t *stranded, size_t n)
{
    struct jt_detokenizer *d = arg;
    if (err != JT_OK) {
        finish_batch(d, jt_verdict_bad(d->vault, "detokenize", err, jt_pipe_fault(d->pipe)));
        return;
    }
    size_t n_open = 0;
    if (!take_strays(d, stranded, n, &n_open)) {
        identify_batch(d);
    } else if (n_open > 0) {
        open_batch(d, n_open);
    } else {
        audit_batch(d);
    }
}

static void look_for_strays(struct jt_detokenizer *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (!d->entries[i].settled && d->entries[i].missing) {
            d->ids[n++] = d->entries[i].item->id;
        }
    }
    enum jt_err err = jt_cards_strays(d->pipe, d->ids, n, on_strays, d);
    if (err != JT_OK) {
        finish_batch(d, err);
    }
}

/* --- the second step: reading --- */

/* Takes the rows; how many are to be opened, and whether any is missing. */
static size_t take_read(struct jt_detokenizer *d, const struct jt_read_result *result,
                        bool *any_missing)
{
    size_t n_open = 0, n_odd = 0;
    for (size_t i = 0; i < result->n; i++) {
        struct entry *e = &d->entries[d->sent[i]];
        const struct jt_card_found *card = &result->cards[i];
        e->missing = card->n_rows == 0;
        if (e->missing) {
            *any_missing = true;
        } else if (card->n_rows > 1 || card->row.field != e->request->field ||
                   card->row.id != e->item->id) {
            settle(e, JT_ERR_DECRYPT);
            n_odd++;
        } else {
            d->rows[n_open] = card->row;
            d->sent[n_open++] = d->sent[i];
        }
    }
    raise_alarm(
        d, n_odd,
        "ids stand in two rows, or in a row of another field: the database was tampered with");
    return n_open;
}

static void on_read(void *arg, enum jt_err err, const struct jt_read_result *result)
{
    struct jt_detokenizer *d = arg;
    if (err != JT_OK) {
        finish_batch(d, jt_verdict_bad(d->vault, "detokenize", err, jt_pipe_fault(d->pipe)));
        return;
    }
    if (result->epoch != d->epoch) {
        /* the live key ids that were asked for were not the database's: nothing counts */
        refresh_and_repeat(d);
        return;
    }
    bool any_missing = false;
    size_t n_open = take_read(d, result, &any_missing);
    if (any_missing) {
        look_for_strays(d);
    } else if (n_open > 0) {
        open_batch(d, n_open);
    } else {
        audit_batch(d);
    }
}

/* --- the first step: tokens to ids --- */

static void on_identified(void *arg, enum jt_err err, const struct jt_identify_reply *reply)
{
    struct jt_detokenizer *d = arg;
    if (jt_err_class(err) == JT_CLASS_REFRESH) {
        refresh_and_repeat(d);
        return;
    }
    if (err != JT_OK) {
        finish_batch(d, err);
        return;
    }
    d->epoch = reply->epoch;
    d->n_live = reply->n_live;
    memcpy(d->live, reply->live, sizeof d->live);
    size_t n = 0;
    for (size_t i = 0; i < reply->n; i++) {
        struct entry *e = &d->entries[d->sent[i]];
        if (reply->results[i].err != JT_OK) {
            settle(e, JT_ERR_NO_TOKEN); /* made up, or of another field */
            continue;
        }
        e->item->id = d->ids[n] = reply->results[i].id;
        d->sent[n++] = d->sent[i];
    }
    if (n == 0) {
        audit_batch(d);
        return;
    }
    err = jt_cards_read(d->pipe, d->ids, n, reply->live, reply->n_live, on_read, d);
    if (err != JT_OK) {
        finish_batch(d, err);
    }
}

static void identify_batch(struct jt_detokenizer *d)
{
    if (d->closing || !jt_detokenizer_up(d)) {
        finish_batch(d, d->closing ? JT_ERR_STOPPING : JT_ERR_DB_AWAY);
        return;
    }
    if (++d->rounds > MAX_ROUNDS) {
        give_up_unread(d, JT_ERR_RING_MOVED);
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        const struct entry *e = &d->entries[i];
        if (!e->settled) {
            d->identify[n] =
                (struct jt_identify_item){ .field = e->request->field, .token = e->item->token };
            d->sent[n++] = (uint32_t)i;
        }
    }
    jt_keyclient_identify(d->keeper, d->identify, n, on_identified, d);
}

/* --- the fourth step: the audit --- */

static void on_audited(void *arg, enum jt_err err)
{
    struct jt_detokenizer *d = arg;
    finish_batch(d, err == JT_OK ? JT_OK
                                 : jt_verdict_bad(d->vault, "detokenize: audit", err,
                                                  jt_pipe_fault(d->pipe)));
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
                                                   .ids = &d->granted[n_granted],
                                                   .object = "" };
            previous = e->request;
        }
        struct jt_audit_row *row = &d->audit[n - 1];
        row->n_items++;
        if (e->item->err == JT_OK) {
            d->granted[n_granted++] = e->item->id;
            row->n_done++;
            row->n_ids++;
        }
    }
    enum jt_err err = jt_cards_audit(d->pipe, d->audit, n, on_audited, d);
    if (err != JT_OK) {
        finish_batch(d, err);
    }
}

static void gather(struct jt_detokenizer *d)
{
    d->n = 0;
    while (d->first != NULL && d->n < BATCH_MAX) {
        struct jt_detokenize_request *request = d->first;
        while (request->n_taken < request->n_items && d->n < BATCH_MAX) {
            d->entries[d->n++] =
                (struct entry){ .request = request, .item = &request->items[request->n_taken++] };
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
    d->rounds = 0;
    gather(d);
    identify_batch(d);
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
    d->waiting += request->n_items;
}

size_t jt_detokenizer_waiting(const struct jt_detokenizer *d)
{
    return d->waiting;
}

enum jt_err jt_detokenizer_new(struct jt_vault *vault, struct jt_loop *loop,
                               struct jt_keyclient *keeper, struct jt_refresher *refresher,
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
    enum jt_err err = jt_pipe_new(loop, vault->conf->database_conninfo, "jetond detokenize",
                                  &vault->node, JT_TXN_TIMEOUT_MS, &d->pipe);
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
    d->closing = true;
    jt_pipe_free(d->pipe); /* ends a step under way, and with it the batch */
    if (d->busy) {
        finish_batch(d, JT_ERR_STOPPING);
    }
    fail_queue(d);
    free(d);
}
