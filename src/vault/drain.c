/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/drain.h"

#include <stdlib.h>

enum jt_err jt_drain_init(struct jt_drain *d, uint32_t nth_writer, size_t batch)
{
    *d = (struct jt_drain){ .nth_writer = nth_writer,
                            .batch = batch > JT_WIRE_MAX_ITEMS ? JT_WIRE_MAX_ITEMS : batch };
    d->rows = calloc(d->batch, sizeof *d->rows);
    d->reseal = calloc(d->batch, sizeof *d->reseal);
    d->moves = calloc(d->batch, sizeof *d->moves);
    d->stuck = calloc(d->batch, sizeof *d->stuck);
    d->seen = calloc(d->batch, sizeof *d->seen);
    return d->rows == NULL || d->reseal == NULL || d->moves == NULL || d->stuck == NULL ||
                   d->seen == NULL
               ? JT_ERR_NOMEM
               : JT_OK;
}

void jt_drain_clear(struct jt_drain *d)
{
    free(d->rows);
    free(d->reseal);
    free(d->moves);
    free(d->stuck);
    free(d->seen);
    *d = (struct jt_drain){ 0 };
}

static void note_stuck(struct jt_drain *d, const struct jt_card_row *row, enum jt_stuck_cause cause)
{
    d->stuck[d->n_stuck++] = (struct jt_stuck_card){ .at = { row->bucket, row->id },
                                                     .field = row->field,
                                                     .cause = cause };
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
 * Why a row cannot be moved, by what the keeper answered; 0: it can, or is to be looked at again
 * (*later). Of which fields there are the keeper has a verified list of its own.
 */
static unsigned cause_of(const struct jt_drain *d, const struct jt_card_row *row,
                         const struct jt_reseal_result *s, uint64_t generation, enum jt_err *later)
{
    if (s->err == JT_ERR_RING_MOVED && d->fresh) {
        return JT_STUCK_UNKNOWN_KEY;
    }
    if (jt_err_class(s->err) == JT_CLASS_REFRESH) {
        *later = s->err;
        return 0;
    }
    if (s->err == JT_ERR_NO_FIELD) {
        return JT_STUCK_FIELD;
    }
    if (s->err == JT_OK) {
        return s->from != generation ? JT_STUCK_UNKNOWN_KEY
               : row->bucket != 0    ? JT_STUCK_BUCKET
                                     : 0;
    }
    bool has_form =
        row->envelope_len >= JT_PAN_ENVELOPE_MIN && row->envelope_len <= JT_PAN_ENVELOPE_MAX;
    return has_form ? JT_STUCK_CORRUPT : JT_STUCK_FOREIGN;
}

/* The moves that the keeper's answer allows. */
static size_t choose_moves(struct jt_drain *d, uint64_t generation,
                           const struct jt_reseal_reply *reply, enum jt_err *later)
{
    size_t n = 0;
    *later = JT_OK;
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_reseal_result *s = &reply->results[i];
        unsigned cause = cause_of(d, &d->rows[i], s, generation, later);
        if (cause != 0) {
            note_stuck(d, &d->rows[i], (enum jt_stuck_cause)cause);
        } else if (s->err == JT_OK) {
            d->moves[n++] = (struct jt_card_move){ .old = &d->rows[i],
                                                   .envelope = s->envelope,
                                                   .envelope_len = s->envelope_len,
                                                   .fingerprint = s->fingerprint };
        }
    }
    return n;
}

/*
 * Runs the transaction. Where a card stands under the active generation already, which no honest
 * writer leaves behind, the halves are tried by themselves until that card is found: it holds up no
 * other.
 */
static enum jt_err move(struct jt_drain *d, struct jt_work_ctx *ctx, struct jt_move_txn txn,
                        uint64_t *n_moved)
{
    struct jt_move_result result;
    enum jt_err err = jt_cards_move_wait(ctx->db, &ctx->vault->node, &txn, &result);
    if (err == JT_OK && (result.check.epoch != txn.epoch || !result.check.node_stands)) {
        return JT_ERR_RING_MOVED;
    }
    if (err == JT_OK) {
        *n_moved += result.n_moved;
    }
    if (err != JT_ERR_DB_DUPLICATE) {
        return err;
    }
    jt_fault_clear(&ctx->fault);
    if (txn.n == 1) {
        note_stuck(d, txn.moves[0].old, JT_STUCK_TWICE);
        return JT_OK;
    }
    struct jt_move_txn rest = txn;
    txn.n /= 2;
    rest.moves += txn.n;
    rest.n -= txn.n;
    err = move(d, ctx, txn, n_moved);
    return err == JT_OK ? move(d, ctx, rest, n_moved) : err;
}

/*
 * Moves the first `n` of d->rows; those that cannot be are in d->stuck. Where none could be looked
 * at, they come again after a refresh; else what is left is the next pass's.
 */
static enum jt_err move_rows(struct jt_drain *d, struct jt_work_ctx *ctx,
                             const struct jt_keyref *from, size_t n, uint64_t *n_moved)
{
    struct jt_reseal_reply reply;
    *n_moved = 0;
    d->n_stuck = 0;
    enum jt_err err = reseal_rows(d, ctx, n, &reply);
    if (err != JT_OK) {
        return err;
    }
    if (reply.active.key_id == 0) {
        return JT_ERR_RING_MOVED;
    }
    enum jt_err later;
    const struct jt_move_txn txn = { .epoch = reply.epoch,
                                     .from = *from,
                                     .to = reply.active,
                                     .writer = jt_vault_writer(ctx->vault, d->nth_writer),
                                     .moves = d->moves,
                                     .n = choose_moves(d, from->generation, &reply, &later) };
    if (txn.n > 0) {
        err = move(d, ctx, txn, n_moved);
    } else if (d->n_stuck == 0) {
        err = later;
    }
    if (err == JT_OK) {
        jt_count(&ctx->vault->counters.retirement_reencrypted, *n_moved);
        d->fresh = false;
    }
    return err;
}

enum jt_err jt_drain_batch(struct jt_drain *d, struct jt_work_ctx *ctx,
                           struct jt_retirement_range *range, size_t n, bool *end)
{
    struct jt_card_cursor cursor = range->cursor;
    const struct jt_keyref from = { .generation = range->generation, .key_id = range->key_id };
    uint64_t n_moved = 0;
    enum jt_err err = jt_cards_stragglers(ctx->db, range->key_id, &cursor, range->to, d->rows,
                                          n > d->batch ? d->batch : n, &n);
    *end = err == JT_OK && n == 0;
    if (err == JT_OK && n > 0) {
        err = move_rows(d, ctx, &from, n, &n_moved);
    }
    if (err == JT_OK && n > 0) {
        err = jt_stuck_put(ctx->db, range->generation, d->stuck, d->n_stuck);
    }
    if (err == JT_OK && n > 0) {
        range->cursor = cursor;
        range->n_moved += n_moved;
        range->n_stuck += d->n_stuck;
    }
    return err;
}

/* Of the cards in d->seen those that were moved or are gone: d->stuck has those that are not. */
static enum jt_err forget_others(struct jt_drain *d, struct jt_work_ctx *ctx, uint64_t generation,
                                 size_t n)
{
    size_t n_gone = 0, next = 0;
    for (size_t i = 0; i < n; i++) {
        const struct jt_stuck_card *card = &d->seen[i].card;
        bool stuck = next < d->n_stuck && d->stuck[next].at.id == card->at.id &&
                     d->stuck[next].at.bucket == card->at.bucket;
        if (stuck) {
            next++;
        } else {
            d->seen[n_gone++].card = *card;
        }
    }
    for (size_t i = 0; i < n_gone; i++) {
        d->stuck[i] = d->seen[i].card; /* those that stay are noted already */
    }
    return jt_stuck_forget(ctx->db, generation, d->stuck, n_gone);
}

static int by_place(const void *a, const void *b)
{
    const struct jt_stuck_card *x = a, *y = b;
    int order = (x->at.bucket > y->at.bucket) - (x->at.bucket < y->at.bucket);
    return order != 0 ? order : (x->at.id > y->at.id) - (x->at.id < y->at.id);
}

enum jt_err jt_drain_stuck(struct jt_drain *d, struct jt_work_ctx *ctx,
                           const struct jt_keyref *from, struct jt_card_cursor *at,
                           uint64_t *n_moved, bool *end)
{
    size_t n, n_rows = 0;
    *n_moved = 0;
    enum jt_err err =
        jt_stuck_list(ctx->db, from->generation, from->key_id, *at, 0, d->seen, d->batch, &n);
    *end = err == JT_OK && n == 0;
    if (err != JT_OK || n == 0) {
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        if (d->seen[i].stands) {
            d->rows[n_rows++] = d->seen[i].row;
        }
    }
    struct jt_card_cursor last = d->seen[n - 1].card.at;
    d->n_stuck = 0;
    if (n_rows > 0) {
        err = move_rows(d, ctx, from, n_rows, n_moved);
    }
    qsort(d->stuck, d->n_stuck, sizeof d->stuck[0], by_place);
    if (err == JT_OK) {
        err = jt_stuck_put(ctx->db, from->generation, d->stuck, d->n_stuck); /* causes may change */
    }
    if (err == JT_OK) {
        err = forget_others(d, ctx, from->generation, n);
    }
    if (err == JT_OK) {
        *at = last;
    }
    return err;
}
