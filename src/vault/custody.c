/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/custody.h"

#include "base/log.h"
#include "keyclient/ends.h"
#include "store/custodians.h"

#include <string.h>

_Static_assert(sizeof((struct jt_custodian_stored *)0)->body >= JT_CUSTODIAN_BODY_MAX, "room");

/* Its version is told in its body; what cannot be decoded is none. */
static uint64_t decode(const struct jt_custodian_row *row, struct jt_custodian_set *set)
{
    struct jt_approvals approvals;
    *set = (struct jt_custodian_set){ .version = 0 };
    return row->body_len > 0 && jt_custodian_body_decode(row, set, &approvals) == JT_OK
               ? set->version
               : 0;
}

static enum jt_err show(struct jt_work_ctx *ctx, const struct jt_custodian_stored *stored,
                        struct jt_custodians_shown *shown)
{
    struct jt_custodian_row row = { .body_len = 0 };
    if (stored->body_len <= sizeof row.body) { /* what is longer is no keeper's */
        row.body_len = (uint16_t)stored->body_len;
        memcpy(row.body, stored->body, stored->body_len);
        memcpy(row.mac, stored->mac, sizeof row.mac);
    }
    return jt_keyclient_wait_custodians_show(ctx->keeper, &row, shown);
}

/* A keeper that was away has missed some versions: it takes them one after the other. */
static enum jt_err catch_up(struct jt_work_ctx *ctx, struct jt_custodians_shown *shown)
{
    struct jt_custodian_set set;
    struct jt_custodian_stored stored;
    for (;;) {
        enum jt_err err = jt_custodians_after(ctx->db, decode(&shown->own, &set), &stored);
        if (err == JT_OK && stored.body_len > 0) {
            err = show(ctx, &stored, shown);
        }
        if (err != JT_OK || stored.body_len == 0) {
            return err;
        }
        if (shown->verdict != JT_CUSTODIANS_NEWER) {
            return JT_OK;
        }
    }
}

/* The keeper's own set, where the database lacks it. */
static enum jt_err put_back(struct jt_work_ctx *ctx, const struct jt_custodian_row *own,
                            uint64_t version)
{
    struct jt_custodian_stored stored = { .version = version, .body_len = own->body_len };
    memcpy(stored.body, own->body, own->body_len);
    memcpy(stored.mac, own->mac, sizeof stored.mac);
    return jt_custodians_put_back(ctx->db, &stored, ctx->vault->node.name);
}

/* Once for each time that it is so. */
static void tell_wrong(struct jt_work_ctx *ctx, bool wrong)
{
    if (wrong != atomic_exchange(&ctx->vault->custody_wrong, wrong) && wrong) {
        jt_count(&ctx->vault->counters.row_alarms, 1);
        jt_log(JT_LOG_ERROR, "alarm: the custodians in the database were removed, altered or put "
                             "back to earlier ones; those that the keeper knows count");
    }
}

enum jt_err jt_custody_keep_up(struct jt_work_ctx *ctx, struct jt_custodian_set *set)
{
    struct jt_custodian_stored stored;
    struct jt_custodians_shown shown;
    enum jt_err err = jt_custodians_newest(ctx->db, &stored);
    if (err == JT_OK) {
        err = show(ctx, &stored, &shown);
    }
    if (err == JT_OK && shown.verdict == JT_CUSTODIANS_FOREIGN) {
        err = catch_up(ctx, &shown);
    }
    if (err != JT_OK) {
        return err;
    }
    uint64_t version = decode(&shown.own, set);
    bool none = version == 0 && stored.body_len == 0;
    bool wrong =
        !none && ((shown.verdict != JT_CUSTODIANS_SAME && shown.verdict != JT_CUSTODIANS_NEWER) ||
                  stored.version > version);
    tell_wrong(ctx, wrong);
    if (wrong && version > 0 && shown.verdict == JT_CUSTODIANS_OLDER) {
        err = put_back(ctx, &shown.own, version);
    }
    return err;
}

enum jt_err jt_custody_change(struct jt_work_ctx *ctx, const struct jt_custodian_set *set,
                              const struct jt_approvals *approvals, const char *actor,
                              struct jt_custodian_set *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    const struct jt_custodians_make make = { .set = *set, .approvals = *approvals };
    struct jt_custodian_row row;
    struct jt_custodian_set next;
    struct jt_custodian_stored stored = { .version = 0 };
    enum jt_err err = jt_custody_keep_up(ctx, out);
    if (err == JT_OK) {
        err = jt_keyclient_wait_custodians_make(ctx->keeper, &make, &row);
    }
    if (err == JT_OK) {
        stored.version = decode(&row, &next);
        stored.body_len = row.body_len;
        memcpy(stored.body, row.body, row.body_len);
        memcpy(stored.mac, row.mac, sizeof stored.mac);
        err = jt_custodians_add(ctx->db, &stored, &act);
    }
    return err == JT_OK ? jt_custody_keep_up(ctx, out) : err;
}
