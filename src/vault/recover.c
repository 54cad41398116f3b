/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/recover.h"

#include "base/log.h"
#include "keyclient/recovery.h"
#include "store/course.h"
#include "store/generations.h"
#include "vault/course.h"
#include "vault/custody.h"
#include "vault/membership.h"
#include "wire/frame.h"
#include "wire/ring.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(JT_RECOVERY_STORED_MAX >= JT_RECOVERY_BODY_MAX, "room");
_Static_assert(sizeof((struct jt_recovery_done *)0)->word >= JT_RECOVERY_WORD_MAX, "room");

#define PATIENCE_MS 20000

/* --- the database as it is --- */

static void add_found(void *arg, const struct jt_generation_info *info)
{
    struct jt_recovery_database *db = arg;
    if (info->row.state != JT_GENERATION_DESTROYED && db->n_found < JT_RECOVERY_FOUND_MAX) {
        db->found[db->n_found++] =
            (struct jt_recovery_found){ .row = info->row, .n_cards = jt_generation_rows(info) };
    }
}

/* A row that is not of a keeper's form counts as one that is not authentic. */
static void decode_view(const struct jt_keeper_view_row *row, struct jt_keeper_view *out)
{
    struct jt_reader in = jt_reader_init(row->body, row->body_len);
    if (jt_keeper_view_body_decode(&in, out) != JT_OK || !jt_reader_done(&in) ||
        strcmp(out->node, row->node) != 0) {
        memset(out, 0, sizeof *out);
        return;
    }
    memcpy(out->mac, row->mac, sizeof out->mac);
}

static enum jt_err read_views(struct jt_work_ctx *ctx, struct jt_recover_look *out)
{
    struct jt_keeper_view_row *rows = calloc(JT_RECOVERY_VIEWS_MAX, sizeof *rows);
    enum jt_err err =
        rows == NULL ? JT_ERR_NOMEM : jt_keeper_views_read(ctx->db, rows, &out->database.n_views);
    for (size_t i = 0; i < out->database.n_views && err == JT_OK; i++) {
        decode_view(&rows[i], &out->database.views[i]);
        memcpy(out->views_at[i], rows[i].at, sizeof out->views_at[i]);
    }
    free(rows);
    return err;
}

static enum jt_err read_database(struct jt_work_ctx *ctx, struct jt_recover_look *out)
{
    enum jt_err err = jt_course_read(ctx->db, &out->database.ring, &out->database.course);
    if (err == JT_OK) {
        err = jt_generations_list(ctx->db, add_found, &out->database);
    }
    return err == JT_OK ? read_views(ctx, out) : err;
}

/* --- looking --- */

static enum jt_err open_request(struct jt_work_ctx *ctx, uint64_t floor_ms,
                                struct jt_recover_look *look)
{
    struct jt_recovery_open *open = calloc(1, sizeof *open);
    if (open == NULL) {
        return JT_ERR_NOMEM;
    }
    memcpy(open->node, ctx->vault->node.name, sizeof open->node);
    open->floor_ms = floor_ms;
    open->database = look->database;
    enum jt_err err = jt_keyclient_wait_recovery_open(ctx->keeper, open, &look->opened);
    free(open);
    return err;
}

static void decode_request(struct jt_recover_look *look)
{
    struct jt_reader in = jt_reader_init(look->row.body, look->row.body_len);
    if (jt_recovery_body_decode(&in, &look->request) != JT_OK || !jt_reader_done(&in)) {
        memset(&look->request, 0, sizeof look->request);
    }
    memcpy(look->request.mac, look->row.mac, sizeof look->request.mac);
}

/* Shows the request to this node's keeper, with those approvals, or with one alone. */
static enum jt_err show(struct jt_work_ctx *ctx, struct jt_recover_look *look,
                        const struct jt_approval *alone)
{
    struct jt_recovery_show *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return JT_ERR_NOMEM;
    }
    s->request = look->request;
    s->database = look->database;
    for (size_t i = 0; i < look->n_approvals && alone == NULL; i++) {
        struct jt_approval *a = &s->approvals.all[s->approvals.n++];
        memcpy(a->custodian, look->approvals[i].custodian, sizeof a->custodian);
        memcpy(a->signature, look->approvals[i].signature, sizeof a->signature);
    }
    if (alone != NULL) {
        s->approvals.all[s->approvals.n++] = *alone;
    }
    enum jt_err err = jt_keyclient_wait_recovery_show(ctx->keeper, s, &look->shown);
    free(s);
    return err;
}

/* The newest request, if any. One that no keeper takes is told as one that does not stand. */
static enum jt_err read_request(struct jt_work_ctx *ctx, struct jt_recover_look *look)
{
    enum jt_err err = jt_recovery_newest(ctx->db, &look->row);
    if (err == JT_ERR_NO_RECOVERY) {
        return JT_OK;
    }
    if (err == JT_OK) {
        decode_request(look);
        const struct jt_approvals_wanted wanted = { .of = JT_APPROVALS_OF_RECOVERY,
                                                    .id = look->row.id };
        err = jt_approvals_read(ctx->db, &wanted, &look->custodians, look->approvals,
                                &look->n_approvals);
    }
    if (err == JT_OK && look->row.epoch == 0) {
        err = show(ctx, look, NULL);
        look->standing = err == JT_OK ? look->shown.standing : 0;
        err = jt_err_class(err) == JT_CLASS_GIVE_UP ? JT_OK : err;
    }
    return err;
}

static enum jt_err look_at(struct jt_work_ctx *ctx, struct jt_recover_look *out)
{
    memset(out, 0, sizeof *out);
    out->why = jt_front_course_why(ctx->vault);
    enum jt_err err = read_database(ctx, out);
    if (err == JT_OK) {
        err = jt_custody_keep_up(ctx, &out->custodians);
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_keeper_view(ctx->keeper, ctx->vault->node.name, &out->own);
    }
    return err == JT_OK ? read_request(ctx, out) : err;
}

enum jt_err jt_recover_look_at(struct jt_work_ctx *ctx, struct jt_recover_look *out)
{
    enum jt_err err = look_at(ctx, out);
    if (err != JT_OK || out->why == JT_OK) {
        return err;
    }
    out->plan_err = open_request(ctx, 0, out);
    if (jt_err_class(out->plan_err) != JT_CLASS_GIVE_UP && out->plan_err != JT_OK) {
        return out->plan_err;
    }
    jt_fault_clear(&ctx->fault);
    return JT_OK;
}

/* --- asking --- */

static enum jt_err store_request(struct jt_work_ctx *ctx, const char *actor,
                                 struct jt_recover_look *look)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_buf body;
    memset(&look->row, 0, sizeof look->row);
    jt_buf_init(&body, sizeof look->row.body);
    jt_recovery_body_encode(&look->opened.request, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        memcpy(look->row.node, ctx->vault->node.name, sizeof look->row.node);
        memcpy(look->row.body, body.data, body.len);
        look->row.body_len = body.len;
        memcpy(look->row.mac, look->opened.request.mac, sizeof look->row.mac);
        err = jt_recovery_put(ctx->db, &look->row, &act);
    }
    jt_buf_clear(&body);
    return err;
}

enum jt_err jt_recover_ask(struct jt_work_ctx *ctx, uint64_t floor_ms, const char *actor,
                           struct jt_recover_look *out)
{
    enum jt_err err = look_at(ctx, out);
    if (err == JT_OK) {
        err = open_request(ctx, floor_ms, out);
    }
    if (err == JT_OK) {
        err = store_request(ctx, actor, out);
    }
    return err == JT_OK ? jt_recover_look_at(ctx, out) : err;
}

/* --- carrying out --- */

static bool is_ours(const struct jt_work_ctx *ctx, const struct jt_recover_look *look)
{
    return strcmp(look->row.node, ctx->vault->node.name) == 0;
}

/* What the trail keeps: the gap is told where everybody can read it. */
static void write_record(const struct jt_recover_look *look, char *out, size_t size)
{
    const struct jt_keeper_view *own = &look->own;
    char seen[JT_LSN_TEXT], found[JT_COURSE_TEXT];
    jt_course_lsn_format(own->lsn, seen);
    jt_course_format(&look->database.course, found);
    (void)snprintf(out, size,
                   "epoch %" PRIu64 " to %" PRIu64 "; seen: epoch %" PRIu64 ", cluster %" PRIu64
                   ", timeline %" PRIu32 ", log %s, %" PRIu64 " renewals; found: %s",
                   look->database.ring.epoch, look->shown.ring.epoch, own->epoch,
                   own->system_identifier, own->timeline, seen, own->renewals, found);
}

/* The generations of the ring that bear the mark of compromised ones. */
static size_t list_compromised(const struct jt_ring_row *row, uint64_t out[static JT_RING_MAX])
{
    struct jt_ring ring;
    size_t n = 0;
    if (jt_ring_decode(row->body, row->body_len, &ring) != JT_OK) {
        return 0;
    }
    for (size_t i = 0; i < ring.n; i++) {
        if (ring.entries[i].compromised) {
            out[n++] = ring.entries[i].number;
        }
    }
    return n;
}

static enum jt_err post(struct jt_work_ctx *ctx, const struct jt_recover_look *look, bool *busy)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = look->row.requested_by };
    uint64_t compromised[JT_RING_MAX];
    char record[512];
    struct jt_buf word;
    write_record(look, record, sizeof record);
    jt_buf_init(&word, JT_RECOVERY_WORD_MAX);
    jt_recovery_word_body_encode(&look->shown.word, &word);
    enum jt_err err = jt_buf_status(&word);
    if (err == JT_OK) {
        const struct jt_recovery_post order = {
            .row = &look->row,
            .from = &look->database.ring,
            .ring = &look->shown.ring,
            .rows = look->shown.rows,
            .n_rows = look->shown.n,
            .compromised = compromised,
            .n_compromised = list_compromised(&look->shown.ring, compromised),
            .word = word.data,
            .word_len = word.len,
            .word_mac = look->shown.word.mac,
            .record = record,
            .act = &act,
        };
        err = jt_recovery_post(ctx->db, &order, busy);
    }
    jt_buf_clear(&word);
    return err;
}

enum jt_err jt_recover_follow(struct jt_work_ctx *ctx)
{
    pthread_mutex_lock(&ctx->vault->course.showing);
    enum jt_err err = jt_recover_follow_shown(ctx);
    pthread_mutex_unlock(&ctx->vault->course.showing);
    return err;
}

enum jt_err jt_recover_follow_shown(struct jt_work_ctx *ctx)
{
    struct jt_recovery_done *done = calloc(1, sizeof *done);
    struct jt_recovery_accept *accept = calloc(1, sizeof *accept);
    enum jt_err err =
        done == NULL || accept == NULL ? JT_ERR_NOMEM : jt_recovery_last_done(ctx->db, done);
    if (err == JT_OK) {
        struct jt_reader in = jt_reader_init(done->word, done->word_len);
        err = jt_recovery_word_body_decode(&in, &accept->word);
        err = err == JT_OK && jt_reader_done(&in) ? JT_OK : JT_ERR_FORGED;
    }
    if (err == JT_OK) {
        memcpy(accept->word.mac, done->word_mac, sizeof accept->word.mac);
        accept->ring = done->ring;
        err = jt_keyclient_wait_recovery_accept(ctx->keeper, accept);
    }
    free(done);
    free(accept);
    return err;
}

enum jt_err jt_recover_carry_out(struct jt_work_ctx *ctx, struct jt_recover_look *look, bool *busy)
{
    *busy = false;
    if (look->row.id == 0 || look->row.epoch != 0 || !is_ours(ctx, look) ||
        look->standing != JT_RECOVERY_DUE) {
        return JT_OK;
    }
    enum jt_err err = post(ctx, look, busy);
    if (err != JT_OK) {
        return err;
    }
    jt_log(JT_LOG_WARNING,
           "the database is recovered: its states are posted anew at epoch %" PRIu64,
           look->shown.ring.epoch);
    err = jt_recover_follow(ctx);
    jt_membership_nudge(ctx->vault);
    return err;
}

/* --- approving --- */

static enum jt_err check_approval(struct jt_work_ctx *ctx, struct jt_recover_look *look,
                                  const struct jt_approval *approval)
{
    if (look->row.id == 0 || look->row.epoch != 0) {
        return JT_ERR_NO_RECOVERY;
    }
    if (jt_custodian_find(&look->custodians, approval->custodian) == NULL) {
        return JT_ERR_NO_CUSTODIAN;
    }
    if (is_ours(ctx, look) && look->standing == JT_RECOVERY_STALE) {
        return JT_ERR_RECOVERY_STALE;
    }
    /* alone: so it is this signature that the keeper finds good, or not */
    enum jt_err err = show(ctx, look, approval);
    return err == JT_OK && look->shown.n_approved != 1 ? JT_ERR_NOT_SIGNED : err;
}

/* Whether the newest request was carried out with this approval: another thread was first. */
static bool is_done_with(const struct jt_recover_look *look, const struct jt_approval *approval)
{
    bool counted = false;
    for (size_t i = 0; i < look->n_approvals; i++) {
        const struct jt_approval_row *a = &look->approvals[i];
        counted |= strcmp(a->custodian, approval->custodian) == 0 &&
                   memcmp(a->signature, approval->signature, sizeof a->signature) == 0;
    }
    return look->row.epoch != 0 && counted;
}

static enum jt_err approve(struct jt_work_ctx *ctx, const struct jt_approval *approval,
                           const char *actor, struct jt_recover_look *look, bool *busy)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    enum jt_err err = check_approval(ctx, look, approval);
    if (err == JT_OK) {
        err = jt_recovery_approve(ctx->db, &look->row, approval, &act);
    }
    if (err == JT_OK) {
        err = look_at(ctx, look);
    }
    return err == JT_OK ? jt_recover_carry_out(ctx, look, busy) : err;
}

enum jt_err jt_recover_approve(struct jt_work_ctx *ctx, const struct jt_approval *approval,
                               const char *actor, struct jt_recover_look *out)
{
    bool busy = false;
    enum jt_err err = look_at(ctx, out);
    if (err == JT_OK && !is_done_with(out, approval)) {
        err = approve(ctx, approval, actor, out, &busy);
    }
    if (busy && jt_work_again(ctx, PATIENCE_MS)) {
        return err;
    }
    if (err == JT_OK) {
        return jt_recover_look_at(ctx, out);
    }
    /* the heartbeat carries it out as soon as it sees both approvals */
    struct jt_fault fault = ctx->fault;
    enum jt_err looked = jt_recover_look_at(ctx, out);
    ctx->fault = fault;
    return looked == JT_OK && is_done_with(out, approval) ? JT_OK : err;
}
