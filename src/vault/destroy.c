/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/destroy.h"

#include "keyclient/ends.h"
#include "store/held_use.h"
#include "store/retirements.h"
#include "vault/appcolumns.h"
#include "vault/delivery.h"
#include "vault/refresh.h"
#include "wire/frame.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(JT_DESTRUCTION_STORED_MAX >= JT_DESTRUCTION_BODY_MAX, "room");

/* --- looking --- */

static void decode(struct jt_destroy_look *look)
{
    struct jt_reader in = jt_reader_init(look->row.body, look->row.body_len);
    enum jt_err err = jt_destruction_body_decode(&in, &look->request);
    if (err != JT_OK || !jt_reader_done(&in) || look->request.generation != look->row.generation) {
        memset(&look->request, 0, sizeof look->request);
    }
    memcpy(look->request.mac, look->row.mac, sizeof look->request.mac);
}

/* All but the row, which is there. */
enum jt_err jt_destroy_read_rest(struct jt_work_ctx *ctx, struct jt_destroy_look *look)
{
    decode(look);
    enum jt_err err = jt_custody_keep_up(ctx, &look->custodians);
    if (err == JT_OK) {
        const struct jt_approvals_wanted wanted = { .of = JT_APPROVALS_OF_DESTRUCTION,
                                                    .id = look->row.generation };
        err = jt_approvals_read(ctx->db, &wanted, &look->custodians, look->approvals,
                                &look->n_approvals);
    }
    if (err == JT_OK) {
        err = jt_destruction_nodes(ctx->db, look->row.generation, look->nodes, &look->n_nodes);
    }
    return err;
}

enum jt_err jt_destroy_show(struct jt_work_ctx *ctx, const struct jt_destroy_look *look,
                            const struct jt_approval *besides, struct jt_destruction_shown *out)
{
    struct jt_destruction_show *show = calloc(1, sizeof *show);
    if (show == NULL) {
        return JT_ERR_NOMEM;
    }
    show->request = look->request;
    memcpy(show->node, ctx->vault->node.name, sizeof show->node);
    for (size_t i = 0; i < look->n_approvals; i++) {
        struct jt_approval *a = &show->approvals.all[show->approvals.n];
        if (besides == NULL || strcmp(look->approvals[i].custodian, besides->custodian) != 0) {
            memcpy(a->custodian, look->approvals[i].custodian, sizeof a->custodian);
            memcpy(a->signature, look->approvals[i].signature, sizeof a->signature);
            show->approvals.n++;
        }
    }
    if (besides != NULL && show->approvals.n < JT_CUSTODIANS_MAX) {
        show->approvals.all[show->approvals.n++] = *besides;
    }
    show->certified = look->row.certified_at[0] != '\0';
    show->certificate = look->row.certificate;
    enum jt_err err = jt_keyclient_wait_destruction_show(ctx->keeper, show, out);
    free(show);
    return err;
}

/* A row that somebody altered is told as one that no keeper takes. */
static enum jt_err look_at(struct jt_work_ctx *ctx, uint64_t generation,
                           struct jt_destroy_look *out)
{
    struct jt_destruction_shown shown;
    enum jt_err err = jt_destruction_get(ctx->db, generation, &out->row);
    if (err == JT_OK) {
        err = jt_destroy_read_rest(ctx, out);
    }
    if (err == JT_OK) {
        err = jt_destroy_show(ctx, out, NULL, &shown);
        out->view = err == JT_OK ? shown.view : 0;
    }
    return err;
}

enum jt_err jt_destroy_look_at(struct jt_work_ctx *ctx, uint64_t generation,
                               struct jt_destroy_look *out)
{
    enum jt_err err = jt_ring_refresh(ctx, NULL);
    return err == JT_OK ? look_at(ctx, generation, out) : err;
}

/* --- asking --- */

struct held_list {
    struct jt_destruction_held *all;
    size_t n;
    bool full;
};

static void add_held(void *arg, const struct jt_held_last *last)
{
    struct held_list *list = arg;
    if (list->n == JT_DESTRUCTION_HELD_MAX) {
        list->full = true;
        return;
    }
    struct jt_destruction_held *h = &list->all[list->n++];
    memcpy(h->field, last->field, sizeof h->field);
    memcpy(h->sealed_at, last->sealed_at, sizeof h->sealed_at);
    memcpy(h->opened_at, last->opened_at, sizeof h->opened_at);
}

static enum jt_err collect(struct jt_work_ctx *ctx, const struct jt_generation_info *info,
                           struct held_list *held, struct jt_destruction_open *open)
{
    struct jt_history history;
    struct jt_retirement *job = calloc(1, sizeof *job);
    enum jt_err err =
        job == NULL ? JT_ERR_NOMEM : jt_retirement_get(ctx->db, info->row.number, job);
    if (err == JT_OK && job->state != JT_RETIREMENT_CERTIFIED) {
        err = JT_ERR_NOT_CERTIFIED;
    }
    if (err == JT_OK) {
        size_t ignored;
        err = jt_appcolumns_check(ctx, &info->row, &ignored);
    }
    if (err == JT_OK) {
        err = jt_history_read(ctx->db, &history);
    }
    if (err == JT_OK) {
        open->generation = info->row;
        open->certificate = job->certificate;
        open->system_identifier = history.system_identifier;
        open->timeline = history.timeline;
        /* what is in memory yet belongs on the list */
        err = jt_held_use_write(ctx);
    }
    if (err == JT_OK) {
        err = jt_held_use_list(ctx->db, info->row.number, add_held, held);
    }
    free(job);
    open->held = held->all;
    open->n_held = held->n;
    return err == JT_OK && held->full ? JT_ERR_LIMIT : err;
}

static enum jt_err make_row(struct jt_work_ctx *ctx, const struct jt_destruction_open *open,
                            struct jt_destroy_look *out)
{
    struct jt_buf body;
    enum jt_err err = jt_keyclient_wait_destruction_open(ctx->keeper, open, &out->request);
    if (err != JT_OK) {
        return err;
    }
    jt_buf_init(&body, sizeof out->row.body);
    jt_destruction_body_encode(&out->request, &body);
    err = jt_buf_status(&body);
    if (err == JT_OK) {
        out->row.generation = out->request.generation;
        out->row.body_len = body.len;
        memcpy(out->row.body, body.data, body.len);
        memcpy(out->row.mac, out->request.mac, sizeof out->row.mac);
    }
    jt_buf_clear(&body);
    return err;
}

static enum jt_err ask(struct jt_work_ctx *ctx, const struct jt_generation_info *info,
                       const char *actor, struct jt_destroy_look *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_destruction_open *open = calloc(1, sizeof *open);
    struct held_list held = { .all = calloc(JT_DESTRUCTION_HELD_MAX, sizeof *held.all) };
    memset(out, 0, sizeof *out);
    enum jt_err err =
        open == NULL || held.all == NULL ? JT_ERR_NOMEM : collect(ctx, info, &held, open);
    if (err == JT_OK) {
        err = jt_custody_keep_up(ctx, &out->custodians);
    }
    if (err == JT_OK) {
        err = make_row(ctx, open, out);
    }
    if (err == JT_OK) {
        err = jt_destruction_put(ctx->db, &out->row, &act);
    }
    free(held.all);
    free(open);
    return err;
}

/* Whether a request that stands is of no use any more. */
static bool is_over(const struct jt_destroy_look *look, enum jt_err err)
{
    for (size_t i = 0; i < look->n_nodes; i++) {
        if (look->nodes[i].view == JT_DESTRUCTION_CANCELLED) {
            return true;
        }
    }
    return err == JT_ERR_FORGED || look->view == JT_DESTRUCTION_CANCELLED;
}

/* One that the custodians could not sign for this database any more. */
static enum jt_err other_database(struct jt_work_ctx *ctx, const struct jt_destroy_look *look,
                                  bool *other)
{
    struct jt_history history;
    enum jt_err err = jt_history_read(ctx->db, &history);
    *other = err == JT_OK && (history.system_identifier != look->request.system_identifier ||
                              history.timeline < look->request.timeline);
    return err;
}

enum jt_err jt_destroy_ask(struct jt_work_ctx *ctx, uint64_t generation, const char *actor,
                           struct jt_destroy_look *out)
{
    struct jt_generation_info info;
    bool other = false;
    enum jt_err err = jt_ring_refresh(ctx, NULL);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, generation, &info);
    }
    if (err != JT_OK) {
        return err;
    }
    if (info.row.state != JT_GENERATION_RETIRED && info.row.state != JT_GENERATION_DESTROYED) {
        return JT_ERR_NOT_RETIRED;
    }
    err = look_at(ctx, generation, out);
    if (info.row.state == JT_GENERATION_DESTROYED) {
        return err == JT_ERR_NO_DESTRUCTION ? JT_ERR_WRONG_STATE : err;
    }
    if (err == JT_OK) {
        err = other_database(ctx, out, &other);
    }
    if (err != JT_ERR_NO_DESTRUCTION && !other && !is_over(out, err)) {
        return err;
    }
    jt_fault_clear(&ctx->fault);
    err = ask(ctx, &info, actor, out);
    if (err == JT_OK) {
        err = look_at(ctx, generation, out);
    }
    return err;
}

/* --- approving --- */

enum jt_err jt_destroy_approve(struct jt_work_ctx *ctx, uint64_t generation,
                               const struct jt_approval *approval, const char *actor,
                               struct jt_destroy_look *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_destruction_shown shown;
    enum jt_err err = jt_destroy_look_at(ctx, generation, out);
    if (err != JT_OK) {
        return err;
    }
    if (jt_custodian_find(&out->custodians, approval->custodian) == NULL) {
        return JT_ERR_NO_CUSTODIAN;
    }
    if (is_over(out, JT_OK)) {
        return JT_ERR_DESTRUCTION_CANCELLED;
    }
    /* alone first: so it is this signature that the keeper finds good, or not */
    size_t n_others = out->n_approvals;
    out->n_approvals = 0;
    err = jt_destroy_show(ctx, out, approval, &shown);
    out->n_approvals = n_others;
    if (err == JT_OK && shown.n_approved != 1) {
        err = JT_ERR_NOT_SIGNED;
    }
    if (err == JT_OK) {
        err = jt_destruction_approve(ctx->db, &out->row, approval, &act);
    }
    if (err == JT_OK) {
        jt_delivery_nudge(ctx->vault);
        err = look_at(ctx, generation, out);
    }
    return err;
}
