#include "vault/refresh.h"

#include "store/ring.h"

#include <stdlib.h>

#define MAX_WAITERS 8

enum jt_err jt_ring_adopt(struct jt_work_ctx *ctx, const struct jt_ring_row *row)
{
    enum jt_err err = jt_keyclient_wait_ring_accept(ctx->keeper, row);
    if (err == JT_ERR_CONFLICT || err == JT_ERR_DENIED || err == JT_ERR_NOT_FOUND || err == JT_ERR_CRYPTO) {
        /* DESIGN section 6.8: a database behind its keepers, or one that was tampered with, makes the node not ready. */
        atomic_store(&ctx->vault->ring_epoch, 0);
        atomic_store(&ctx->vault->active_generation, 0);
    }
    if (err != JT_OK) {
        return err;
    }
    struct jt_ring ring;
    err = jt_ring_decode(row->body, row->body_len, &ring);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_ring_entry *active = jt_ring_active(&ring);
    atomic_store(&ctx->vault->ring_epoch, ring.epoch);
    atomic_store(&ctx->vault->active_generation, active == NULL ? 0 : active->number);
    return JT_OK;
}

enum jt_err jt_ring_refresh(struct jt_work_ctx *ctx, struct jt_ring_row *row)
{
    struct jt_ring_row local;
    row = row == NULL ? &local : row;
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_ring_read(ctx->db, row);
    }
    return err == JT_OK ? jt_ring_adopt(ctx, row) : err;
}

struct jt_refresher {
    struct jt_job job; /* first: the job is cast back */
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
    struct jt_refresher *r = (struct jt_refresher *)job;
    r->result = jt_ring_refresh(ctx, NULL);
}

static void refresh_done(struct jt_job *job)
{
    struct jt_refresher *r = (struct jt_refresher *)job;
    r->under_way = false;
    int n = r->n_waiters;
    r->n_waiters = 0;
    for (int i = 0; i < n; i++) {
        r->waiters[i].done(r->waiters[i].arg, r->result);
    }
}

enum jt_err jt_refresher_new(struct jt_vault *vault, struct jt_inbox *inbox, struct jt_refresher **out)
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
        done(arg, JT_ERR_UNAVAILABLE); /* cannot happen: a loop has fewer lanes */
        return;
    }
    r->waiters[r->n_waiters].done = done;
    r->waiters[r->n_waiters].arg = arg;
    r->n_waiters++;
    if (!r->under_way) {
        r->under_way = true;
        if (jt_workers_post(r->vault->workers, &r->job) != JT_OK) {
            r->result = JT_ERR_UNAVAILABLE;
            refresh_done(&r->job);
        }
    }
}
