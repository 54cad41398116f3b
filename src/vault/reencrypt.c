#include "vault/reencrypt.h"

#include "base/log.h"
#include "pan/token.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX 8192
#define BATCH_MAX 256

struct row {
    uint32_t field;
    bool dedup;
    uint16_t envelope_len;
    uint8_t token[JT_TOKEN_LEN];
    uint8_t envelope[JT_CARD_ENVELOPE_MAX];
};

struct jt_reencrypter {
    struct jt_vault *vault;
    struct jt_keyclient *keeper;
    struct jt_pipe *pipe;
    uint16_t writer;
    bool busy;
    size_t head, n_queued; /* circular */
    size_t n_batch; /* rows of the batch under way, still at the head of the queue */
    struct row queue[QUEUE_MAX];
    struct jt_reseal_item reseal[BATCH_MAX];
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
    if (err == JT_ERR_CONFLICT) {
        jt_log(JT_LOG_ERROR, "alarm: re-encryption met a fingerprint that stands already under the active generation");
    } else if (err != JT_OK) {
        jt_log(JT_LOG_WARNING, "re-encryption: %s: %s", jt_err_str(err), jt_pipe_message(r->pipe));
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
    struct jt_move_txn txn = { .epoch = reply->epoch, .to = reply->active, .writer = r->writer, .moves = r->moves };
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_reseal_result *s = &reply->results[i];
        if (s->err != JT_OK || (txn.from.generation != 0 && s->from != txn.from.generation)) {
            continue; /* one transaction moves rows of one generation; the others come again with their next read */
        }
        const struct row *row = queued(r, i);
        txn.from = (struct jt_keyref){ .generation = s->from, .key_id = row->envelope[0] };
        r->moves[txn.n++] = (struct jt_card_move){ .field = row->field,
                                                   .token = row->token,
                                                   .old_envelope = row->envelope,
                                                   .old_len = row->envelope_len,
                                                   .envelope = s->envelope,
                                                   .envelope_len = s->envelope_len,
                                                   .fingerprint = s->fingerprint };
    }
    if (txn.n == 0 || jt_cards_move(r->pipe, &txn, on_moved, r) != JT_OK) {
        finish_batch(r, 0);
    }
}

void jt_reencrypter_offer(struct jt_reencrypter *r, uint32_t field, bool dedup, const uint8_t *token, const uint8_t *envelope,
                          uint16_t envelope_len)
{
    if (r->n_queued == QUEUE_MAX || envelope_len > JT_CARD_ENVELOPE_MAX) {
        jt_count(&r->vault->counters.lazy_dropped, 1);
        return;
    }
    struct row *row = queued(r, r->n_queued++);
    *row = (struct row){ .field = field, .dedup = dedup, .envelope_len = envelope_len };
    memcpy(row->token, token, JT_TOKEN_LEN);
    memcpy(row->envelope, envelope, envelope_len);
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
        r->reseal[i] = (struct jt_reseal_item){ .field = row->field,
                                                .dedup = row->dedup,
                                                .row_id = row->token,
                                                .row_id_len = JT_TOKEN_LEN,
                                                .envelope = row->envelope,
                                                .envelope_len = row->envelope_len };
    }
    jt_keyclient_reseal(r->keeper, r->reseal, r->n_batch, on_resealed, r);
}

enum jt_err jt_reencrypter_new(struct jt_vault *vault, struct jt_loop *loop, struct jt_keyclient *keeper, uint16_t writer,
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
    enum jt_err err =
        jt_pipe_new(loop, vault->conf->database_conninfo, "jetond re-encrypt", &vault->node, JT_TXN_TIMEOUT_MS, &r->pipe);
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
