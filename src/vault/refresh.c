/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/refresh.h"

#include "base/container.h"
#include "base/log.h"
#include "model/recovery.h"
#include "store/cards.h"
#include "store/course.h"
#include "vault/lease.h"
#include "vault/neighbours.h"
#include "vault/numeric.h"
#include "vault/recover.h"

#include <stdlib.h>

#define MAX_WAITERS 8

/*
 * Of each live key id so many rows are shown to the keeper: a few planted ones must not hide the
 * newest genuine one.
 */
#define NEWEST_EACH 16

static size_t live_key_ids(const struct jt_ring *ring, uint8_t out[static JT_RING_MAX_LIVE])
{
    size_t n = 0;
    for (size_t i = 0; i < ring->n && n < JT_RING_MAX_LIVE; i++) {
        const struct jt_ring_entry *e = &ring->entries[i];
        if (e->state == JT_GENERATION_ACTIVE || e->state == JT_GENERATION_DRAINING) {
            out[n++] = e->key_id;
        }
    }
    return n;
}

/*
 * What other nodes, and those before, have minted under each number: also where the newest rows are
 * gone, and before this keeper mints anything, whoever makes it join.
 */
static enum jt_err show_marks(struct jt_work_ctx *ctx)
{
    struct jt_neighbours *n = calloc(1, sizeof *n);
    enum jt_err err = n == NULL ? JT_ERR_NOMEM : jt_neighbours_show(n, ctx);
    free(n);
    return err;
}

/*
 * Ids must never be minted twice, also when clock, keeper's state or database went back: so the
 * keeper sees the newest rows before it mints.
 */
static enum jt_err join(struct jt_work_ctx *ctx, const struct jt_ring *ring,
                        const struct jt_join_order *order, struct jt_node_joined *joined)
{
    /*
     * A keeper that has started knows no field yet, and derives keys for those only that it was
     * named.
     */
    enum jt_err named = jt_sets_refresh(ctx, JT_SET_FIELDS, true);
    if (named != JT_OK) {
        return JT_ERR_SETS_UNVERIFIED; /* why not stands in the log (vault/sets.c) */
    }
    enum jt_err shown = show_marks(ctx);
    if (shown != JT_OK) {
        return shown;
    }
    struct jt_card_row rows[JT_RING_MAX_LIVE * NEWEST_EACH];
    struct jt_open_item newest[JT_RING_MAX_LIVE * NEWEST_EACH];
    uint8_t key_ids[JT_RING_MAX_LIVE];
    size_t n;
    enum jt_err err =
        jt_cards_newest(ctx->db, key_ids, live_key_ids(ring, key_ids), NEWEST_EACH, rows, &n);
    for (size_t i = 0; err == JT_OK && i < n; i++) {
        newest[i] = (struct jt_open_item){ .field = rows[i].field,
                                           .id = rows[i].id,
                                           .fingerprint = rows[i].fingerprint,
                                           .envelope = rows[i].envelope,
                                           .envelope_len = rows[i].envelope_len,
                                           .digits = rows[i].digits };
    }
    struct jt_node_join request = { .spec = ctx->vault->node,
                                    .accept_ahead = order->accept_ahead,
                                    .renumbered = order->renumbered,
                                    .newest = newest,
                                    .n = n };
    request.spec.number = order->number;
    if (err == JT_OK) {
        err = jt_numeric_show(ctx, false);
    }
    return err == JT_OK ? jt_keyclient_wait_node_join(ctx->keeper, &request, joined) : err;
}

/* A database behind its keeper, or one that was tampered with, makes the node not ready. */
static void lose_ring(struct jt_vault *vault)
{
    atomic_store(&vault->ring_epoch, 0);
    atomic_store(&vault->active_generation, 0);
}

/*
 * One that went back may hold the very ring that the keeper works under: no card may be served in
 * it, so the lease ends at once, on this side.
 */
static void note_course(struct jt_vault *vault, enum jt_err err, const struct jt_course *now)
{
    if (err == JT_OK) {
        jt_front_course_taken(vault, now);
    } else if (jt_course_is_reason(err) || err == JT_ERR_WENT_BACK) {
        jt_front_course_refused(vault, err, now);
        jt_lease_end(vault);
        atomic_store(&vault->registered, false);
    }
}

static void note_join(struct jt_vault *vault, enum jt_err err)
{
    atomic_store(&vault->mint, err == JT_OK                 ? JT_MINT_READY
                               : err == JT_ERR_IDS_AHEAD    ? JT_MINT_AHEAD
                               : err == JT_ERR_ROWS_PLANTED ? JT_MINT_PLANTED
                                                            : JT_MINT_NOT_YET);
}

/* What the keeper said of a ring: decodes it and notes it in the vault. */
static enum jt_err note_ring(struct jt_work_ctx *ctx, enum jt_err err,
                             const struct jt_ring_row *row, struct jt_ring *ring)
{
    if (jt_course_is_reason(err) || err == JT_ERR_WENT_BACK || err == JT_ERR_FORGED ||
        err == JT_ERR_KEY_MISSING || err == JT_ERR_KEY_WRONG || err == JT_ERR_NO_ROOT) {
        lose_ring(ctx->vault);
    }
    if (err == JT_OK) {
        err = jt_ring_decode(row->body, row->body_len, ring);
    }
    if (err == JT_OK) {
        const struct jt_ring_entry *active = jt_ring_active(ring);
        atomic_store(&ctx->vault->ring_epoch, ring->epoch);
        atomic_store(&ctx->vault->active_generation, active == NULL ? 0 : active->number);
    }
    return err;
}

/* Hands the ring over; *joined: whether the keeper mints already. */
static enum jt_err accept_ring(struct jt_work_ctx *ctx, const struct jt_ring_shown *shown,
                               struct jt_ring *ring, bool *joined)
{
    enum jt_err err = jt_keyclient_wait_ring_show(ctx->keeper, shown, joined);
    note_course(ctx->vault, err, &shown->course);
    return note_ring(ctx, err, &shown->row, ring);
}

/* The ring and where the database stands, in one statement. */
static enum jt_err read_ring(struct jt_work_ctx *ctx, struct jt_ring_shown *out)
{
    out->has_course = true;
    return jt_course_read(ctx->db, &out->row, &out->course);
}

/*
 * A ring that a recovery has posted is good as any other: its floors are taken first, so that
 * nothing is minted below them. At the first ring of this front, and where the epoch has leapt.
 */
static enum jt_err follow_recovery(struct jt_work_ctx *ctx, uint64_t epoch)
{
    uint64_t *followed = &ctx->vault->course.followed;
    if (*followed != 0 && epoch < *followed + JT_RECOVERY_STEP) {
        *followed = epoch > *followed ? epoch : *followed;
        return JT_OK;
    }
    enum jt_err err = jt_recover_follow_shown(ctx);
    if (err == JT_OK || err == JT_ERR_NO_RECOVERY || err == JT_ERR_WENT_BACK) {
        *followed = epoch;
    }
    if (err != JT_OK && jt_err_class(err) == JT_CLASS_GIVE_UP) {
        jt_fault_clear(&ctx->fault); /* the ring that is shown next says what is the matter */
        err = JT_OK;
    }
    return err;
}

/*
 * Reads it. A connection to a server that is behind what others have reached, such as an old
 * primary that has not been stopped yet, is given up: by what the next one finds it is judged.
 */
static enum jt_err read_again_if_behind(struct jt_work_ctx *ctx, struct jt_ring_shown *out)
{
    enum jt_err err = read_ring(ctx, out);
    if (err == JT_OK && !jt_front_course_follows(ctx->vault, &out->course)) {
        jt_db_leave(ctx->db);
        err = read_ring(ctx, out);
    }
    return err;
}

/* Shows what was just written, or, where others have gone on from it already, what there is. */
static enum jt_err accept_own(struct jt_work_ctx *ctx, struct jt_ring_shown *shown,
                              struct jt_ring *ring, bool *joined)
{
    enum jt_err err = jt_keyclient_wait_ring_show(ctx->keeper, shown, joined);
    if (err == JT_ERR_WENT_BACK) {
        jt_fault_clear(&ctx->fault);
        err = read_again_if_behind(ctx, shown);
        return err == JT_OK ? accept_ring(ctx, shown, ring, joined) : err;
    }
    return note_ring(ctx, err, &shown->row, ring);
}

/*
 * Shows the ring that the database has, or `own`, which was just written. One at a time from the
 * reading on: what was read before another thread has shown what came after it would look like a
 * database that went back. `row` (may be NULL) receives what was shown.
 */
static enum jt_err read_and_accept(struct jt_work_ctx *ctx, const struct jt_ring_row *own,
                                   struct jt_ring_row *row, struct jt_ring *ring, bool *joined)
{
    struct jt_ring_shown shown = { .has_course = false };
    enum jt_err err = own == NULL ? jt_db_ensure(ctx->db) : JT_OK; /* before others have to wait */
    pthread_mutex_lock(&ctx->vault->course.showing);
    if (own != NULL) {
        shown.row = *own;
        err = accept_own(ctx, &shown, ring, joined);
    } else {
        err = err == JT_OK ? read_again_if_behind(ctx, &shown) : err;
        err = err == JT_OK ? follow_recovery(ctx, shown.row.epoch) : err;
        err = err == JT_OK ? accept_ring(ctx, &shown, ring, joined) : err;
    }
    pthread_mutex_unlock(&ctx->vault->course.showing);
    if (row != NULL) {
        *row = shown.row;
    }
    return err;
}

enum jt_err jt_refresh_accept(struct jt_work_ctx *ctx)
{
    struct jt_ring ring;
    bool joined;
    return read_and_accept(ctx, NULL, NULL, &ring, &joined);
}

enum jt_err jt_refresh_join(struct jt_work_ctx *ctx, const struct jt_join_order *order,
                            struct jt_node_joined *out, uint64_t *epoch)
{
    struct jt_ring ring;
    bool joined;
    enum jt_err err = read_and_accept(ctx, NULL, NULL, &ring, &joined);
    if (err == JT_OK) {
        *epoch = ring.epoch;
        err = join(ctx, &ring, order, out);
        note_join(ctx->vault, err);
    }
    return err;
}

static enum jt_err adopt(struct jt_work_ctx *ctx, const struct jt_ring_row *own,
                         struct jt_ring_row *row)
{
    struct jt_ring ring;
    bool joined;
    const struct jt_join_order order = { .number = atomic_load(&ctx->vault->number) };
    enum jt_err err = read_and_accept(ctx, own, row, &ring, &joined);
    if (err == JT_OK && !joined && order.number != 0) {
        /* the heartbeat puts its row into the database */
        struct jt_node_joined ignored;
        err = join(ctx, &ring, &order, &ignored);
        note_join(ctx->vault, err);
    }
    return err;
}

enum jt_err jt_ring_adopt(struct jt_work_ctx *ctx, const struct jt_ring_row *row)
{
    return adopt(ctx, row, NULL);
}

/* Whether the keeper's files are still there: once a refresh, and so at least once a second. */
static void note_directory(struct jt_work_ctx *ctx)
{
    struct jt_keeper_status status;
    enum jt_err err = jt_keyclient_wait_status(ctx->keeper, &status);
    bool good = err == JT_OK && status.directory_good;
    if (err == JT_OK && good != atomic_exchange(&ctx->vault->directory_good, good)) {
        jt_log(good ? JT_LOG_INFO : JT_LOG_ERROR, "%s",
               good ? "the keeper's directory is good"
                    : "alarm: the keeper's directory is not the one that it opened, or files of it "
                      "are gone: see the log of "
                      "jeton-keeper; not ready");
    }
}

enum jt_err jt_ring_refresh(struct jt_work_ctx *ctx, struct jt_ring_row *row)
{
    enum jt_err err = adopt(ctx, NULL, row);
    jt_sets_keep_up(ctx);
    note_directory(ctx);
    if (err == JT_OK) {
        jt_fault_clear(&ctx->fault); /* what these two met is told by themselves */
    }
    return err;
}

struct jt_refresher {
    struct jt_job job;
    struct jt_vault *vault;
    struct {
        jt_refreshed_fn *done;
        void *arg;
    } waiters[MAX_WAITERS];
    int n_waiters;
    bool under_way;
    enum jt_err result;
};

static void run_refresh(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct jt_refresher *r = jt_container_of(job, struct jt_refresher, job);
    jt_work_about(ctx, "the ring");
    r->result = jt_ring_refresh(ctx, NULL);
}

static void refresh_done(struct jt_job *job)
{
    struct jt_refresher *r = jt_container_of(job, struct jt_refresher, job);
    r->under_way = false;
    int n = r->n_waiters;
    r->n_waiters = 0;
    for (int i = 0; i < n; i++) {
        r->waiters[i].done(r->waiters[i].arg, r->result);
    }
}

enum jt_err jt_refresher_new(struct jt_vault *vault, struct jt_inbox *inbox,
                             struct jt_refresher **out)
{
    struct jt_refresher *r = calloc(1, sizeof *r);
    *out = r;
    if (r == NULL) {
        return JT_ERR_NOMEM;
    }
    r->vault = vault;
    r->job = (struct jt_job){ .run = run_refresh, .done = refresh_done, .inbox = inbox };
    return JT_OK;
}

void jt_refresher_free(struct jt_refresher *r)
{
    free(r);
}

void jt_refresher_request(struct jt_refresher *r, jt_refreshed_fn *done, void *arg)
{
    if (r->n_waiters == MAX_WAITERS) {
        done(arg, JT_ERR_IMPOSSIBLE); /* a loop has fewer lanes */
        return;
    }
    r->waiters[r->n_waiters].done = done;
    r->waiters[r->n_waiters].arg = arg;
    r->n_waiters++;
    if (!r->under_way) {
        r->under_way = true;
        enum jt_err err = jt_workers_post(r->vault->workers, &r->job);
        if (err != JT_OK) {
            r->result = err;
            refresh_done(&r->job);
        }
    }
}
