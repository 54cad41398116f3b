/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/numeric.h"

#include "base/clock.h"
#include "base/log.h"
#include "pan/numeric.h"
#include "store/audit.h"
#include "store/numeric.h"
#include "vault/workers.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * Tokens are drawn at random, so one is found as long as an eighth is free. A space that small is
 * used to the end: who draws often enough meets the last one.
 */
#define SMALL_SPACE  64
#define FULL_EIGHTHS 7
/* The log is told when so much is used, of one kind or another, once a minute. */
#define WARN_EVERY_MS 60000

/* --- the mark --- */

/* Whether any field has numeric tokens; disabled ones as well. Where that is not known they may. */
static bool has_numeric_fields(struct jt_work_ctx *ctx)
{
    struct jt_field_row *rows = NULL;
    size_t n = 0;
    bool any = jt_sets_fields(ctx, &rows, &n) != JT_OK;
    for (size_t i = 0; i < n && !any; i++) {
        any = rows[i].spec.token_form != 0;
    }
    free(rows);
    return any;
}

/*
 * Nobody waits for anything where there is no field with numeric tokens. The keeper waits all the
 * same, because such a field may have been lost with the rest.
 */
static void tell(struct jt_work_ctx *ctx)
{
    struct jt_numeric *n = &ctx->vault->numeric;
    bool waits = atomic_load(&n->closed) && has_numeric_fields(ctx);
    bool waited = atomic_exchange(&n->waits, waits);
    if (!waited && waits) {
        jt_log(
            JT_LOG_ERROR,
            "alarm: the database is behind what the keeper has seen of it, or another: numeric "
            "tokens may be lost, and none is issued before jeton node accept-numeric; everything "
            "else works");
    } else if (waited && !waits) {
        jt_log(JT_LOG_INFO, "numeric tokens are issued again");
    }
}

static void note(struct jt_work_ctx *ctx, const struct jt_numeric_shown *shown)
{
    struct jt_numeric *n = &ctx->vault->numeric;
    atomic_store(&n->mark, shown->seen.mark);
    atomic_store(&n->stale, false);
    atomic_store(&n->closed, !shown->open);
    tell(ctx);
}

static enum jt_err show_once(struct jt_work_ctx *ctx, bool accept, struct jt_numeric_shown *shown)
{
    struct jt_numeric_show show = { .accept = accept };
    enum jt_err err = jt_numeric_mark_read(ctx->db, &show.now);
    return err == JT_OK ? jt_keyclient_wait_numeric_mark(ctx->keeper, &show, shown) : err;
}

/*
 * The mark rises only once the database was found not to be behind: otherwise the rise would hide
 * that it is.
 */
enum jt_err jt_numeric_show(struct jt_work_ctx *ctx, bool accept)
{
    struct jt_numeric_shown shown;
    struct jt_numeric *n = &ctx->vault->numeric;
    enum jt_err err = show_once(ctx, accept, &shown);
    if (err == JT_OK && shown.open) {
        atomic_store(&n->used, false);
        err = jt_numeric_mark_raise(ctx->db, shown.seen.mark);
        err = err == JT_OK ? show_once(ctx, false, &shown) : err;
    }
    if (err == JT_OK) {
        atomic_store(&n->raised_ms, jt_clock_ms());
        note(ctx, &shown);
    }
    return err;
}

void jt_numeric_keep_up(struct jt_work_ctx *ctx)
{
    struct jt_numeric *n = &ctx->vault->numeric;
    bool due = atomic_load(&n->used) && !atomic_load(&n->closed) &&
               jt_clock_ms() - atomic_load(&n->raised_ms) >= JT_NUMERIC_RAISE_MS;
    if ((due || atomic_load(&n->stale)) && jt_numeric_show(ctx, false) != JT_OK) {
        atomic_store(&n->used, true); /* again with the next heartbeat */
    }
    if (atomic_load(&n->closed)) {
        tell(ctx); /* the first such field may have been made meanwhile */
    }
}

enum jt_err jt_numeric_is_behind(struct jt_vault *vault)
{
    atomic_store(&vault->numeric.stale, true);
    return JT_ERR_NUMERIC_WAITS;
}

enum jt_err jt_numeric_accept(struct jt_work_ctx *ctx, const char *actor, const char *reason)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    enum jt_err err = jt_audit_record(ctx->db, &act, JT_AUDIT_NUMERIC_ACCEPT, reason);
    return err == JT_OK ? jt_numeric_show(ctx, true) : err;
}

/* --- the space --- */

static void warn(struct jt_vault *vault, uint32_t field, uint64_t n_taken, uint64_t space)
{
    int64_t now = jt_clock_ms(), last = atomic_load(&vault->numeric.warned_ms);
    if ((last == 0 || now - last >= WARN_EVERY_MS) &&
        atomic_compare_exchange_strong(&vault->numeric.warned_ms, &last, now)) {
        jt_log(JT_LOG_WARNING,
               "field %" PRIu32 ": of the %" PRIu64 " numeric tokens that numbers with the same "
               "kept digits can have, %" PRIu64 " are used",
               field, space, n_taken);
    }
}

bool jt_numeric_spent(struct jt_vault *vault, uint32_t field, uint8_t token_form, size_t n_digits,
                      uint64_t n_taken)
{
    struct jt_numeric_form form;
    if (n_taken == 0 || !jt_numeric_form_decode(token_form, &form)) {
        return false;
    }
    uint64_t space = jt_numeric_space(&form, n_digits);
    uint64_t most = space <= SMALL_SPACE ? space : space / 8 * FULL_EIGHTHS;
    if (n_taken >= space / 2) {
        warn(vault, field, n_taken, space);
    }
    jt_count(&vault->counters.numeric_spent, n_taken >= most);
    return n_taken >= most;
}
