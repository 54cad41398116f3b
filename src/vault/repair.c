/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/repair.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/retirements.h"
#include "store/stuck.h"
#include "vault/refresh.h"
#include "vault/retirement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE        256
#define PATIENCE_MS 5000

struct repair {
    struct jt_work_ctx *ctx;
    uint64_t generation;
    const char *actor;
    struct jt_repair_view *out;
    struct jt_stuck_seen seen[PAGE];
    struct jt_open_item items[PAGE];
    const struct jt_card_row *rows[PAGE]; /* of the items */
    size_t n_items;
    /* what the keeper answered: its reply is gone with the next call, which an audit row makes */
    uint64_t epoch;
    enum jt_err errs[PAGE];
    uint8_t fingerprints[PAGE][JT_FINGERPRINT_LEN];
};

static void add_item(struct repair *r, const struct jt_card_row *row)
{
    r->rows[r->n_items] = row;
    r->items[r->n_items++] = (struct jt_open_item){ .field = row->field,
                                                    .id = row->id,
                                                    .fingerprint = row->fingerprint,
                                                    .envelope = row->envelope,
                                                    .envelope_len = row->envelope_len,
                                                    .digits = row->digits };
}

/* The row must be so; it may be so already, and be stuck for another reason. */
static enum jt_err mend_one(struct repair *r, size_t i)
{
    const struct jt_card_row *row = r->rows[i];
    const uint8_t *fingerprint = r->fingerprints[i];
    char object[24];
    if (row->bucket == 0 && memcmp(row->fingerprint, fingerprint, JT_FINGERPRINT_LEN) == 0) {
        return JT_ERR_NO_CHANGE;
    }
    snprintf(object, sizeof object, "%" PRIu64, r->generation);
    const struct jt_audit_row audit = { .action = JT_AUDIT_REPAIR,
                                        .client = r->actor,
                                        .field = row->field,
                                        .n_items = 1,
                                        .n_done = 1,
                                        .ids = &row->id,
                                        .n_ids = 1,
                                        .object = object,
                                        .origin = &r->ctx->origin };
    return jt_card_mend(r->ctx->db, &r->ctx->vault->node, r->epoch, row, fingerprint, &audit);
}

/* Whether the others may go on after this one was not mended. */
static bool is_left(enum jt_err err)
{
    return err == JT_ERR_NO_CHANGE || err == JT_ERR_DB_DUPLICATE;
}

static enum jt_err ask_keeper(struct repair *r)
{
    struct jt_mend_reply reply;
    enum jt_err err = jt_keyclient_wait_mend(r->ctx->keeper, r->items, r->n_items, &reply);
    r->epoch = reply.epoch;
    for (size_t i = 0; err == JT_OK && i < r->n_items; i++) {
        const struct jt_mend_result *result = &reply.results[i];
        r->errs[i] = result->err;
        if (result->err == JT_OK) {
            memcpy(r->fingerprints[i], result->fingerprint, JT_FINGERPRINT_LEN);
        }
    }
    return err;
}

static enum jt_err mend_page(struct repair *r)
{
    enum jt_err err = ask_keeper(r);
    for (size_t i = 0; err == JT_OK && i < r->n_items; i++) {
        if (r->errs[i] == JT_ERR_OPEN_RATE || r->errs[i] == JT_ERR_OPEN_QUOTA) {
            r->out->n_held_back++;
            continue;
        }
        enum jt_err done = r->errs[i] == JT_OK ? mend_one(r, i) : JT_ERR_NO_CHANGE;
        r->out->n_mended += done == JT_OK;
        r->out->n_left += is_left(done);
        if (is_left(done)) {
            jt_fault_clear(&r->ctx->fault);
        }
        err = done == JT_OK || is_left(done) ? JT_OK : done;
    }
    return err;
}

static enum jt_err run(struct repair *r, uint8_t key_id)
{
    struct jt_card_cursor at = { 0 };
    const int64_t until_ms = jt_clock_ms() + PATIENCE_MS;
    size_t n = 0;
    enum jt_err err;
    do {
        err = jt_stuck_list(r->ctx->db, r->generation, key_id, at, 0, r->seen, PAGE, &n);
        r->n_items = 0;
        for (size_t i = 0; err == JT_OK && i < n; i++) {
            at = r->seen[i].card.at;
            if (r->seen[i].stands) {
                add_item(r, &r->seen[i].row);
            }
        }
        if (err == JT_OK && r->n_items > 0) {
            err = mend_page(r);
        }
    } while (err == JT_OK && n == PAGE && jt_clock_ms() < until_ms);
    r->out->more = err == JT_OK && n == PAGE;
    return err;
}

enum jt_err jt_repair_run(struct jt_work_ctx *ctx, uint64_t generation, const char *actor,
                          struct jt_repair_view *out)
{
    struct jt_retirement job;
    *out = (struct jt_repair_view){ 0 };
    enum jt_err err = jt_retirement_get(ctx->db, generation, &job);
    if (err == JT_OK) {
        err = jt_ring_refresh(ctx, NULL);
    }
    struct repair *r = err == JT_OK ? calloc(1, sizeof *r) : NULL;
    if (r == NULL) {
        return err == JT_OK ? JT_ERR_NOMEM : err;
    }
    r->ctx = ctx;
    r->generation = generation;
    r->actor = actor;
    r->out = out;
    err = run(r, job.key_id);
    free(r);
    if (out->n_mended > 0) {
        jt_log(JT_LOG_INFO, "generation %" PRIu64 ": %" PRIu64 " damaged rows were mended by %s",
               generation, out->n_mended, actor);
        jt_retirer_retry(ctx->vault->retirer);
    }
    return err;
}
