/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/recoverer.h"

#include "base/log.h"
#include "base/notice.h"
#include "keyclient/recovery.h"
#include "vault/recover.h"

#include <stdlib.h>
#include <string.h>

static enum jt_err note_view(struct jt_work_ctx *ctx, const struct jt_keeper_view *own)
{
    struct jt_keeper_view_row row = { .body_len = 0 };
    struct jt_buf body;
    jt_buf_init(&body, sizeof row.body);
    jt_keeper_view_body_encode(own, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        memcpy(row.node, own->node, sizeof row.node);
        memcpy(row.body, body.data, body.len);
        row.body_len = body.len;
        memcpy(row.mac, own->mac, sizeof row.mac);
        err = jt_keeper_view_note(ctx->db, &row);
    }
    jt_buf_clear(&body);
    return err;
}

/* Whoever can write to the database can cause this line. */
static void tell(struct jt_work_ctx *ctx, enum jt_err err)
{
    static struct jt_notice wrong = { .what = "the recovery of the database does not go on" };
    char line[JT_FAULT_LINE_LEN];
    jt_notice(&wrong, jt_fault_line(&ctx->fault, err, line));
    jt_fault_clear(&ctx->fault);
}

/*
 * An earlier recovery is none that the keeper takes (JT_ERR_WENT_BACK), and keys that it lacks for
 * a later one are on their way.
 */
static enum jt_err follow(struct jt_work_ctx *ctx, bool *again)
{
    enum jt_err err = jt_recover_follow(ctx);
    *again = err == JT_OK;
    if (err == JT_ERR_NO_RECOVERY || err == JT_ERR_WENT_BACK || err == JT_ERR_KEY_MISSING) {
        jt_fault_clear(&ctx->fault);
        return JT_OK;
    }
    return err;
}

static enum jt_err carry_out(struct jt_work_ctx *ctx, struct jt_recover_look *look, bool *again)
{
    bool busy;
    enum jt_err err = jt_recover_look_at(ctx, look);
    if (err == JT_OK) {
        err = note_view(ctx, &look->own);
    }
    if (err == JT_OK) {
        bool due = look->standing == JT_RECOVERY_DUE;
        err = jt_recover_carry_out(ctx, look, &busy);
        *again = busy || (due && err == JT_OK);
        err = busy ? JT_OK : err;
    }
    return err;
}

void jt_recoverer_attend(struct jt_work_ctx *ctx, bool *again)
{
    struct jt_recover_look *look = calloc(1, sizeof *look);
    enum jt_err err = look == NULL ? JT_ERR_NOMEM : follow(ctx, again);
    if (err != JT_OK) {
        tell(ctx, err);
    }
    /* a word that this keeper does not take is no reason to wait: it may know better */
    if (look != NULL && !*again) {
        err = carry_out(ctx, look, again);
        if (err != JT_OK) {
            tell(ctx, err);
        }
    }
    free(look);
}
