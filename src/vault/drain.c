/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/drain.h"

#include <stdlib.h>

enum jt_err jt_drain_init(struct jt_drain *d, uint32_t writer, size_t batch)
{
    *d = (struct jt_drain){ .writer = writer,
                            .batch = batch > JT_WIRE_MAX_ITEMS ? JT_WIRE_MAX_ITEMS : batch };
    d->rows = calloc(d->batch, sizeof *d->rows);
    d->reseal = calloc(d->batch, sizeof *d->reseal);
    d->moves = calloc(d->batch, sizeof *d->moves);
    return d->rows == NULL || d->reseal == NULL || d->moves == NULL ? JT_ERR_NOMEM : JT_OK;
}

void jt_drain_clear(struct jt_drain *d)
{
    free(d->rows);
    free(d->reseal);
    free(d->moves);
    *d = (struct jt_drain){ 0 };
}

void jt_drain_start_pass(struct jt_drain *d, uint64_t generation)
{
    d->generation = generation;
    d->at = (struct jt_card_cursor){ 0 };
    d->n_stuck = 0;
}

static enum jt_err reseal_rows(struct jt_drain *d, struct jt_work_ctx *ctx, size_t n,
                               struct jt_reseal_reply *reply)
{
    for (size_t i = 0; i < n; i++) {
        const struct jt_card_row *row = &d->rows[i];
        d->reseal[i] = (struct jt_open_item){ .field = row->field,
                                              .id = row->id,
                                              .fingerprint = row->fingerprint,
                                              .envelope = row->envelope,
                                              .envelope_len = row->envelope_len,
                                              .digits = row->digits };
    }
    return jt_keyclient_wait_reseal(ctx->keeper, d->reseal, n, reply);
}

/*
 * The moves that the keeper's answer allows; it counts as stuck what it could not open. Of which
 * fields there are the keeper has a verified list of its own. What it could not look at this time
 * (*later: why) is left to the next pass.
 */
static size_t choose_moves(struct jt_drain *d, const struct jt_retirement *job,
                           const struct jt_reseal_reply *reply, enum jt_err *later)
{
    size_t n = 0;
    *later = JT_OK;
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_reseal_result *s = &reply->results[i];
        if (jt_err_class(s->err) == JT_CLASS_REFRESH) {
            *later = s->err;
            continue;
        }
        if (s->err != JT_OK || s->from != job->generation) {
            d->n_stuck++;
            continue;
        }
        d->moves[n++] = (struct jt_card_move){ .old = &d->rows[i],
                                               .envelope = s->envelope,
                                               .envelope_len = s->envelope_len,
                                               .fingerprint = s->fingerprint };
    }
    return n;
}

/* Moves the first `n` of d->rows. */
static enum jt_err move_rows(struct jt_drain *d, struct jt_work_ctx *ctx,
                             const struct jt_retirement *job, size_t n, uint64_t *n_moved)
{
    struct jt_reseal_reply reply;
    enum jt_err err = reseal_rows(d, ctx, n, &reply);
    if (err != JT_OK) {
        return err;
    }
    if (reply.active.key_id == 0) {
        return JT_ERR_RING_MOVED;
    }
    enum jt_err later;
    struct jt_move_txn txn = { .epoch = reply.epoch,
                               .from = { .generation = job->generation, .key_id = job->key_id },
                               .to = reply.active,
                               .writer = d->writer,
                               .moves = d->moves,
                               .n = choose_moves(d, job, &reply, &later) };
    if (txn.n == 0) {
        return later; /* where none could be looked at, they come again after a refresh */
    }
    struct jt_move_result result;
    err = jt_cards_move_wait(ctx->db, &ctx->vault->node, &txn, &result);
    if (err == JT_OK && (result.check.epoch != txn.epoch || !result.check.node_stands)) {
        err = JT_ERR_RING_MOVED;
    }
    *n_moved = err == JT_OK ? result.n_moved : 0;
    return err;
}

enum jt_err jt_drain_batch(struct jt_drain *d, struct jt_work_ctx *ctx,
                           const struct jt_retirement *job, uint64_t *n_moved, bool *end)
{
    size_t n;
    struct jt_card_cursor from = d->at;
    uint64_t stuck_before = d->n_stuck;
    *n_moved = 0;
    enum jt_err err = jt_cards_stragglers(ctx->db, job->key_id, &d->at, d->rows, d->batch, &n);
    *end = err == JT_OK && n == 0;
    if (err == JT_OK && n > 0) {
        err = move_rows(d, ctx, job, n, n_moved);
    }
    if (err != JT_OK) {
        d->at = from; /* they come again */
        d->n_stuck = stuck_before;
    }
    return err;
}
