/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/backups.h"

#include "base/hex.h"
#include "base/log.h"
#include "keyclient/nodes.h"
#include "vault/holders.h"

#include <string.h>

enum jt_err jt_backups_make(struct jt_work_ctx *ctx, const char *actor, struct jt_escrow_file *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    enum jt_err err = jt_keyclient_wait_escrow_make(ctx->keeper, out);
    return err == JT_OK ? jt_audit_record(ctx->db, &act, JT_AUDIT_BACKUP_MAKE, "") : err;
}

/* What is wrong with a file that a client sent is no fault of this node's. */
static enum jt_err refusal(enum jt_err err)
{
    switch (err) {
    case JT_ERR_FILE_ALTERED: return JT_ERR_BACKUP_ALTERED;
    case JT_ERR_FILE_FOREIGN: return JT_ERR_BACKUP_FOREIGN;
    case JT_ERR_MASTER_OTHER: return JT_ERR_BACKUP_MASTER;
    case JT_ERR_ROOT_OTHER: return JT_ERR_BACKUP_ROOT;
    default: return err;
    }
}

enum jt_err jt_backups_verify(struct jt_work_ctx *ctx, const struct jt_escrow_file *file,
                              const char *actor, struct jt_backup_info *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_backup_receipt receipt;
    memset(out, 0, sizeof *out);
    enum jt_err err = refusal(jt_keyclient_wait_escrow_receipt(ctx->keeper, file, &receipt));
    if (err == JT_OK) {
        err = jt_backup_receipt_read(&receipt, &out->backup);
    }
    if (err == JT_OK) {
        err = jt_backup_record(ctx->db, &out->backup, &receipt, &act);
    }
    if (err == JT_OK) {
        jt_holders_nudge(ctx->vault);
        (void)snprintf(out->verified_by, sizeof out->verified_by, "%s", act.actor);
        (void)snprintf(out->node, sizeof out->node, "%s", act.node);
    }
    return err;
}

struct walk {
    struct jt_work_ctx *ctx;
    jt_backup_info_fn *each;
    void *arg;
    size_t n_false;
    bool stopped; /* not all were looked at */
    enum jt_err err;
};

static enum jt_err check(struct jt_work_ctx *ctx, const struct jt_backup_row *row,
                         struct jt_backup *out)
{
    enum jt_err err = jt_keyclient_wait_backup_check(ctx->keeper, &row->receipt, out);
    bool same = err == JT_OK && memcmp(out->digest, row->digest, sizeof row->digest) == 0;
    return err == JT_OK && !same ? JT_ERR_FORGED : err;
}

static bool pass_if_good(void *arg, const struct jt_backup_row *row)
{
    struct walk *w = arg;
    struct jt_backup_info info;
    enum jt_err err = check(w->ctx, row, &info.backup);
    if (err == JT_ERR_FORGED) {
        jt_fault_clear(&w->ctx->fault);
        w->n_false++;
        return true;
    }
    w->err = err;
    memcpy(info.verified_by, row->verified_by, sizeof info.verified_by);
    memcpy(info.node, row->node, sizeof info.node);
    w->stopped = err != JT_OK || !w->each(w->arg, &info);
    return !w->stopped;
}

/* Once for each more of them: rows are looked at every few seconds. */
static void tell_false(struct jt_vault *vault, size_t n, bool saw_all)
{
    uint32_t told = atomic_load(&vault->backups_false);
    if (n > told) {
        jt_log(JT_LOG_ERROR, "alarm: %zu rows of table backup are no keeper's, and do not count",
               n);
    }
    if (n > told || saw_all) {
        atomic_store(&vault->backups_false, (uint32_t)n);
    }
}

enum jt_err jt_backups_list(struct jt_work_ctx *ctx, jt_backup_info_fn *each, void *arg)
{
    struct walk walk = { .ctx = ctx, .each = each, .arg = arg };
    enum jt_err err = jt_backups_read(ctx->db, pass_if_good, &walk);
    tell_false(ctx->vault, walk.n_false, err == JT_OK && !walk.stopped);
    return err == JT_OK ? walk.err : err;
}

struct search {
    const struct jt_generation_row *generation;
    uint8_t *digest;
    bool found;
};

static bool look(void *arg, const struct jt_backup_info *info)
{
    struct search *search = arg;
    search->found = jt_backup_has(&info->backup, search->generation);
    if (search->found) {
        memcpy(search->digest, info->backup.digest, JT_BACKUP_DIGEST_LEN);
    }
    return !search->found;
}

enum jt_err jt_backups_find(struct jt_work_ctx *ctx, const struct jt_generation_row *generation,
                            uint8_t digest[static JT_BACKUP_DIGEST_LEN], bool *found)
{
    struct search search = { .generation = generation, .digest = digest };
    enum jt_err err = jt_backups_list(ctx, look, &search);
    *found = err == JT_OK && search.found;
    return err;
}

enum jt_err jt_backups_forget(struct jt_work_ctx *ctx,
                              const uint8_t digest[static JT_BACKUP_DIGEST_LEN], const char *actor)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    enum jt_err err = jt_backup_forget(ctx->db, digest, &act);
    jt_holders_nudge(ctx->vault);
    return err;
}
