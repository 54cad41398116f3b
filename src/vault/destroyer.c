/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/destroyer.h"

#include "base/log.h"
#include "keyclient/ends.h"
#include "store/generations.h"
#include "vault/appcolumns.h"
#include "vault/backups.h"
#include "vault/destroy.h"
#include "vault/refresh.h"
#include "vault/ring_step.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_MIN_MS 50
#define LOCK_MAX_MS 800

struct jt_destroyer {
    struct jt_work_ctx *ctx; /* of the step under way */
    struct jt_destroy_look look;
    struct jt_destruction_certify certify;
    uint8_t keeper[JT_INCARNATION_LEN]; /* that was shown the certified ones too */
    int lock_pause_ms;
    /* what the log was told, so that it hears of changes only */
    uint64_t told_of;
    enum jt_err told;
};

/* Once for each change. */
static void tell(struct jt_destroyer *d, uint64_t generation, enum jt_err err)
{
    if (err == d->told && generation == d->told_of) {
        return;
    }
    bool is_news = err != JT_OK && jt_err_class(err) == JT_CLASS_GIVE_UP;
    if (is_news) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_ERROR, "%sthe destruction of generation %" PRIu64 " does not go on: %s",
               err == JT_ERR_FORGED ? "alarm: " : "", generation,
               jt_fault_line(&d->ctx->fault, err, line));
    }
    d->told = err;
    d->told_of = generation;
}

/* --- the ring goes on without it --- */

static enum jt_err leave_ring(struct jt_destroyer *d, uint64_t generation, bool *again)
{
    struct jt_generation_info info;
    struct jt_history history;
    enum jt_err err = jt_generation_get(d->ctx->db, generation, &info);
    if (err == JT_OK) {
        err = jt_history_read(d->ctx->db, &history);
    }
    if (err == JT_OK) {
        size_t ignored; /* a table may have been restored meanwhile */
        err = jt_appcolumns_check(d->ctx, &info.row, &ignored);
    }
    if (err != JT_OK) {
        return err;
    }
    const struct jt_ring_step step = { .generation = &info.row,
                                       .step = JT_RING_DESTROY,
                                       .actor = d->look.row.requested_by,
                                       .system_identifier = history.system_identifier,
                                       .timeline = history.timeline };
    err = jt_ring_step_try(d->ctx, &step, again);
    if (err == JT_OK) {
        d->lock_pause_ms = LOCK_MIN_MS;
        jt_log(JT_LOG_WARNING,
               "generation %" PRIu64 " has left the ring: every node erases its key now",
               generation);
    } else if (*again) {
        jt_fault_clear(&d->ctx->fault);
        err = JT_OK;
        if (d->lock_pause_ms >= LOCK_MAX_MS) {
            jt_ring_step_end_stuck(d->ctx);
        }
    }
    return err;
}

/* --- the certificate --- */

/* Whether the keeper of every node that is registered has said that it holds it no more. */
static bool gone_everywhere(const struct jt_destroy_look *look)
{
    for (size_t i = 0; i < look->n_nodes; i++) {
        if (look->nodes[i].view != JT_DESTRUCTION_ERASED) {
            return false;
        }
    }
    return look->n_nodes > 0 && look->n_nodes < JT_DESTRUCTION_NODE_ROWS;
}

struct backups {
    struct jt_generation_row generation;
    struct jt_destruction_certify *certify;
};

static bool add_backup(void *arg, const struct jt_backup_info *info)
{
    struct backups *b = arg;
    struct jt_destruction_certify *c = b->certify;
    if (!jt_backup_has(&info->backup, &b->generation)) {
        return true;
    }
    if (c->n_backups < JT_DESTRUCTION_BACKUPS_MAX) {
        memcpy(c->backups[c->n_backups++], info->backup.digest, sizeof info->backup.digest);
    } else {
        c->n_more_backups++;
    }
    return true;
}

/* Files of which a keeper has said that the key is in them, and nobody that they are gone. */
static enum jt_err name_backups(struct jt_destroyer *d, struct jt_destruction_certify *c)
{
    struct backups b = {
        .generation = { .number = c->request.generation, .key_id = c->request.key_id }, .certify = c
    };
    memcpy(b.generation.check_value, c->request.check_value, sizeof b.generation.check_value);
    return jt_backups_list(d->ctx, add_backup, &b);
}

static enum jt_err certify(struct jt_destroyer *d)
{
    const struct jt_destroy_look *look = &d->look;
    struct jt_destruction_certify *c = &d->certify;
    const struct jt_act act = { .node = d->ctx->vault->node.name, .actor = look->row.requested_by };
    struct jt_history history;
    memset(c, 0, sizeof *c);
    c->request = look->request;
    for (size_t i = 0; i < look->n_approvals; i++) {
        struct jt_approval *a = &c->approvals.all[c->approvals.n++];
        memcpy(a->custodian, look->approvals[i].custodian, sizeof a->custodian);
        memcpy(a->signature, look->approvals[i].signature, sizeof a->signature);
    }
    for (size_t i = 0; i < look->n_nodes; i++) {
        struct jt_erased *e = &c->nodes[c->n++];
        memcpy(e->node, look->nodes[i].node, sizeof e->node);
        memcpy(e->incarnation, look->nodes[i].keeper, sizeof e->incarnation);
        memcpy(e->mac, look->nodes[i].mac, sizeof e->mac);
    }
    enum jt_err err = jt_history_read(d->ctx->db, &history);
    if (err == JT_OK) {
        err = name_backups(d, c);
    }
    if (err != JT_OK) {
        return err;
    }
    memcpy(c->requested_at, look->row.requested_at, sizeof c->requested_at);
    memcpy(c->destroyed_at, look->row.destroyed_at, sizeof c->destroyed_at);
    memcpy(c->certified_at, history.now, sizeof c->certified_at);
    memcpy(c->actor, look->row.requested_by, sizeof c->actor);
    struct jt_certificate *certificate = calloc(1, sizeof *certificate);
    err = certificate == NULL
              ? JT_ERR_NOMEM
              : jt_keyclient_wait_destruction_certify(d->ctx->keeper, c, certificate);
    if (err == JT_OK) {
        err = jt_destruction_certify(d->ctx->db, &look->row, certificate, &act);
        err = err == JT_ERR_NO_DESTRUCTION ? JT_OK : err; /* another node was first */
    }
    free(certificate);
    if (err == JT_OK) {
        jt_log(JT_LOG_WARNING, "generation %" PRIu64 ": its key is gone from every node",
               look->row.generation);
    }
    return err;
}

/* --- one of them --- */

static enum jt_err note(struct jt_destroyer *d, const struct jt_destruction_shown *shown)
{
    struct jt_destruction_node_row row = { .view = shown->view,
                                           .left_s = shown->left_s,
                                           .n_tried = shown->n_tried };
    memcpy(row.node, d->ctx->vault->node.name, sizeof row.node);
    memcpy(row.keeper, shown->erased.incarnation, sizeof row.keeper);
    memcpy(row.mac, shown->erased.mac, sizeof row.mac);
    return jt_destruction_note(d->ctx->db, d->look.row.generation, &row);
}

/* The row is in d->look. *again: at once, or when the ring lock was taken. */
static enum jt_err go_on(struct jt_destroyer *d, bool *again)
{
    struct jt_destroy_look *look = &d->look;
    struct jt_destruction_shown shown;
    bool certified = look->row.certified_at[0] != '\0';
    enum jt_err err = jt_destroy_read_rest(d->ctx, look);
    if (err == JT_OK) {
        err = jt_destroy_show(d->ctx, look, NULL, &shown);
    }
    if (err == JT_OK && !certified) {
        err = note(d, &shown);
    }
    if (err != JT_OK || certified) {
        return err;
    }
    if (shown.view == JT_DESTRUCTION_DUE && look->row.destroyed_at[0] == '\0') {
        *again = true;
        return leave_ring(d, look->row.generation, again);
    }
    if (shown.view == JT_DESTRUCTION_ERASED) {
        err = jt_destruction_nodes(d->ctx->db, look->row.generation, look->nodes, &look->n_nodes);
        return err == JT_OK && gone_everywhere(look) ? certify(d) : err;
    }
    return JT_OK;
}

/* --- all of them --- */

static enum jt_err do_all(struct jt_destroyer *d, bool *again)
{
    const uint8_t *keeper = jt_keyclient_incarnation(d->ctx->keeper);
    uint64_t after = 0;
    enum jt_err err = jt_custody_keep_up(d->ctx, &d->look.custodians);
    bool all = err == JT_OK && memcmp(d->keeper, keeper, sizeof d->keeper) != 0;
    while (err == JT_OK) {
        err = jt_destruction_next(d->ctx->db, after, all, &d->look.row);
        if (err == JT_OK) {
            after = d->look.row.generation;
            jt_work_about(d->ctx, "generation %" PRIu64, after);
            err = go_on(d, again);
            tell(d, after, err);
            /* one that cannot go on lets the others pass */
            err = jt_err_class(err) == JT_CLASS_GIVE_UP ? JT_OK : err;
        }
    }
    if (err == JT_ERR_NO_DESTRUCTION) {
        memcpy(d->keeper, jt_keyclient_incarnation(d->ctx->keeper), sizeof d->keeper);
        return JT_OK;
    }
    return err;
}

/* What a table under a stranger's hand shows is no proof. */
static bool may_work(const struct jt_destroyer *d)
{
    return atomic_load(&d->ctx->vault->registered) && atomic_load(&d->ctx->vault->in_shape);
}

int jt_destroyer_step(struct jt_destroyer *d, struct jt_work_ctx *ctx)
{
    bool again = false;
    d->ctx = ctx;
    jt_work_about(ctx, "destructions");
    enum jt_err err = may_work(d) ? do_all(d, &again) : JT_OK;
    if (err != JT_OK && err != d->told && jt_err_class(err) == JT_CLASS_GIVE_UP) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "destructions cannot be looked after now: %s",
               jt_fault_line(&ctx->fault, err, line));
    }
    d->told = err == JT_OK ? d->told : err;
    if (!again) {
        return 0;
    }
    int pause_ms = d->lock_pause_ms;
    d->lock_pause_ms = pause_ms * 2 > LOCK_MAX_MS ? LOCK_MAX_MS : pause_ms * 2;
    return pause_ms;
}

enum jt_err jt_destroyer_new(struct jt_destroyer **out)
{
    struct jt_destroyer *d = calloc(1, sizeof *d);
    *out = d;
    if (d == NULL) {
        return JT_ERR_NOMEM;
    }
    d->lock_pause_ms = LOCK_MIN_MS;
    return JT_OK;
}

void jt_destroyer_free(struct jt_destroyer *d)
{
    free(d);
}
