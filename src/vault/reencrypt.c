/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/reencrypt.h"

#include "base/log.h"

#include <stdlib.h>

#define QUEUE_MAX 8192
#define BATCH_MAX 256

struct row {
    struct jt_card_row card;
};

struct jt_reencrypter {
    struct jt_vault *vault;
    struct jt_keyclient *keeper;
    struct jt_pipe *pipe;
    uint16_t writer;
    bool busy;
    size_t head, n_queued; /* circular */
    size_t n_batch;        /* rows of the batch under way, still at the head of the queue */
    struct row queue[QUEUE_MAX];
    struct jt_open_item reseal[BATCH_MAX];
    struct jt_card_move moves[BATCH_MAX];
};

static struct row *queued(struct jt_reencrypter *r, size_t i)
{
    return &r->queue[(r->head + i) % QUEUE_MAX];
}

static void finish_batch(struct jt_reencrypter *r, size_t n_moved)
{
    jt_count(&r->vault->counters.lazy_reencrypted, n_moved);
    r->head = (r->head + r->n_batch) % QUEUE_MAX;
    r->n_queued -= r->n_batch;
    r->n_batch = 0;
    r->busy = false;
}

static void on_moved(void *arg, enum jt_err err, const struct jt_move_result *result)
{
    struct jt_reencrypter *r = arg;
    if (err == JT_ERR_DB_DUPLICATE) {
        jt_log(JT_LOG_ERROR, "alarm: re-encryption met a fingerprint that stands already under the "
                             "active generation");
    } else if (err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        /* no fault of the node: cards are served whether they move or not */
        jt_log(JT_LOG_WARNING, "re-encryption: %s",
               jt_fault_line(jt_pipe_fault(r->pipe), err, line));
    }
    /* When the ring has moved on nothing was written; the next read offers the rows again. */
    finish_batch(r, err == JT_OK ? result->n_moved : 0);
}

static void on_resealed(void *arg, enum jt_err err, const struct jt_reseal_reply *reply)
{
    struct jt_reencrypter *r = arg;
    if (err != JT_OK || reply->active.key_id == 0) {
        finish_batch(r, 0);
        return;
    }
    struct jt_move_txn txn = {
        .epoch = reply->epoch, .to = reply->active, .writer = r->writer, .moves = r->moves
    };
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_reseal_result *s = &reply->results[i];
        if (s->err != JT_OK || (txn.from.generation != 0 && s->from != txn.from.generation)) {
            /*
             * one transaction moves rows of one generation; the others come again with their next
             * read
             */
            continue;
        }
        const struct row *row = queued(r, i);
        txn.from = (struct jt_keyref){ .generation = s->from, .key_id = row->card.envelope[0] };
        r->moves[txn.n++] = (struct jt_card_move){ .old = &row->card,
                                                   .envelope = s->envelope,
                                                   .envelope_len = s->envelope_len,
                                                   .fingerprint = s->fingerprint };
    }
    if (txn.n == 0 || jt_cards_move(r->pipe, &txn, on_moved, r) != JT_OK) {
        finish_batch(r, 0);
    }
}

void jt_reencrypter_offer(struct jt_reencrypter *r, const struct jt_card_row *card)
{
    if (r->n_queued == QUEUE_MAX) {
        jt_count(&r->vault->counters.lazy_dropped, 1);
        return;
    }
    *queued(r, r->n_queued++) = (struct row){ .card = *card };
}

void jt_reencrypter_pump(struct jt_reencrypter *r)
{
    if (r->busy || r->n_queued == 0 || !jt_keyclient_ready(r->keeper) || !jt_pipe_ready(r->pipe)) {
        return;
    }
    r->busy = true;
    r->n_batch = r->n_queued < BATCH_MAX ? r->n_queued : BATCH_MAX;
    for (size_t i = 0; i < r->n_batch; i++) {
        const struct row *row = queued(r, i);
        r->reseal[i] = (struct jt_open_item){ .field = row->card.field,
                                              .id = row->card.id,
                                              .fingerprint = row->card.fingerprint,
                                              .envelope = row->card.envelope,
                                              .envelope_len = row->card.envelope_len };
    }
    jt_keyclient_reseal(r->keeper, r->reseal, r->n_batch, on_resealed, r);
}

enum jt_err jt_reencrypter_new(struct jt_vault *vault, struct jt_loop *loop,
                               struct jt_keyclient *keeper, uint16_t writer,
                               struct jt_reencrypter **out)
{
    *out = NULL;
    struct jt_reencrypter *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return JT_ERR_NOMEM;
    }
    r->vault = vault;
    r->keeper = keeper;
    r->writer = writer;
    enum jt_err err = jt_pipe_new(loop, vault->conf->database_conninfo, "jetond re-encrypt",
                                  &vault->node, JT_TXN_TIMEOUT_MS, &r->pipe);
    if (err != JT_OK) {
        free(r);
        return err;
    }
    *out = r;
    return JT_OK;
}

void jt_reencrypter_free(struct jt_reencrypter *r)
{
    if (r == NULL) {
        return;
    }
    jt_pipe_free(r->pipe);
    free(r);
}
