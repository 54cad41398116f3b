/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/marked.h"

#include "base/hex.h"
#include "base/log.h"
#include "base/secmem.h"
#include "store/honey.h"
#include "vault/duty.h"
#include "vault/registry.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_MS 1000
#define ROOM     256 /* alarms that wait */

struct opened {
    char client[JT_CLIENT_ID_MAX + 1];
    struct jt_origin origin;
    uint32_t field;
    bool masked;
};

struct jt_marked {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;

    pthread_mutex_t mutex; /* of what follows */
    struct opened waiting[ROOM];
    size_t n;
    uint64_t n_more; /* that found no room */

    /* the duty's own */
    size_t n_logged; /* of those that wait */
    struct opened taken[ROOM];
    struct jt_audit_row rows[ROOM];
    struct jt_honey_sealed row;
    struct jt_honey_accepted accepted;
    bool wrong;
    enum jt_err told;
};

/* --- alarms --- */

void jt_marked_opened(struct jt_marked *m, const char *client, const struct jt_origin *origin,
                      uint32_t field, bool masked)
{
    jt_count(&m->ctx.vault->counters.honey_opened, 1);
    pthread_mutex_lock(&m->mutex);
    if (m->n < ROOM) {
        struct opened *o = &m->waiting[m->n++];
        *o = (struct opened){ .origin = *origin, .field = field, .masked = masked };
        memcpy(o->client, client, strlen(client) + 1);
    } else {
        m->n_more++;
    }
    pthread_mutex_unlock(&m->mutex);
}

/* Which card it was is in neither line nor row: who may know it asks for the request. */
static void tell(const struct opened *o)
{
    char request[2 * JT_REQUEST_ID_LEN + 1];
    jt_hex_encode(o->origin.request, sizeof o->origin.request, request);
    jt_log(JT_LOG_ERROR,
           "alarm: honey: client %s opened a marked card of field %" PRIu32 "%s, request %s",
           o->client, o->field, o->masked ? ", masked" : "", request);
}

/* Copies of those that wait; how many. */
static size_t take(struct jt_marked *m, uint64_t *n_more)
{
    pthread_mutex_lock(&m->mutex);
    size_t n = m->n;
    memcpy(m->taken, m->waiting, n * sizeof m->taken[0]);
    *n_more = m->n_more;
    m->n_more = 0;
    pthread_mutex_unlock(&m->mutex);
    return n;
}

static void let_go(struct jt_marked *m, size_t n)
{
    pthread_mutex_lock(&m->mutex);
    memmove(m->waiting, m->waiting + n, (m->n - n) * sizeof m->waiting[0]);
    m->n -= n;
    pthread_mutex_unlock(&m->mutex);
    m->n_logged -= n;
}

/* The log hears of each at once, the trail when the database is there. */
static enum jt_err tell_all(struct jt_marked *m)
{
    uint64_t n_more;
    size_t n = take(m, &n_more);
    for (; m->n_logged < n; m->n_logged++) {
        tell(&m->taken[m->n_logged]);
    }
    if (n_more > 0) {
        jt_log(JT_LOG_ERROR, "alarm: honey: %" PRIu64 " more marked cards were opened", n_more);
    }
    for (size_t i = 0; i < n; i++) {
        m->rows[i] = (struct jt_audit_row){ .action = JT_AUDIT_HONEY_OPENED,
                                            .client = m->taken[i].client,
                                            .field = m->taken[i].field,
                                            .object = m->taken[i].masked ? "masked" : "",
                                            .n_items = 1,
                                            .n_done = 1,
                                            .origin = &m->taken[i].origin };
    }
    enum jt_err err = n > 0 ? jt_audit_record_rows(m->ctx.db, m->rows, n) : JT_OK;
    if (err == JT_OK || err == JT_ERR_IN_DOUBT) { /* rather not at all than twice */
        let_go(m, n);
    }
    return err;
}

/* --- the set --- */

/* Shows the keeper what the database has. */
static enum jt_err show(struct jt_work_ctx *ctx, const struct jt_honey_sealed *sealed,
                        struct jt_honey_accepted *accepted)
{
    return jt_keyclient_wait_honey_accept(ctx->keeper, sealed, accepted);
}

static bool is_good(bool there, const struct jt_honey_accepted *accepted)
{
    return there && (accepted->verdict == JT_HONEY_SAME || accepted->verdict == JT_HONEY_NEWER);
}

static enum jt_err keep_up(struct jt_marked *m)
{
    bool there = false;
    enum jt_err err = jt_honey_read(m->ctx.db, &m->row, &there);
    if (err == JT_OK) {
        err = show(&m->ctx, &m->row, &m->accepted);
    }
    bool wrong = err == JT_OK && !is_good(there, &m->accepted);
    if (wrong && !m->wrong) {
        jt_count(&m->ctx.vault->counters.row_alarms, 1);
        jt_log(JT_LOG_ERROR, "alarm: the honey marks in the database were removed, altered or put "
                             "back to older ones; the keeper's own are put back");
    }
    m->wrong = err == JT_OK ? wrong : m->wrong;
    return wrong ? jt_honey_write(m->ctx.db, &m->accepted.own) : err;
}

static struct jt_again step(void *arg)
{
    struct jt_marked *m = arg;
    jt_work_about(&m->ctx, "honey");
    enum jt_err err = tell_all(m);
    if (err == JT_OK) {
        err = keep_up(m);
    }
    if (err != JT_OK && err != m->told) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "honey marks cannot be looked after now: %s",
               jt_fault_line(&m->ctx.fault, err, line));
    }
    m->told = err;
    return (struct jt_again){ .ms = EVERY_MS };
}

enum jt_err jt_marked_start(struct jt_vault *vault, struct jt_marked **out)
{
    struct jt_marked *m = calloc(1, sizeof *m);
    *out = m;
    if (m == NULL) {
        return JT_ERR_NOMEM;
    }
    pthread_mutex_init(&m->mutex, NULL);
    enum jt_err err = jt_work_ctx_init(&m->ctx, vault, "jetond honey", JT_STATEMENT_TIMEOUT_MS);
    return err == JT_OK ? jt_duty_start(step, m, &m->duty) : err;
}

void jt_marked_stop(struct jt_marked *m)
{
    if (m == NULL) {
        return;
    }
    if (m->duty != NULL) {
        jt_duty_stop(m->duty);
        (void)step(m); /* what rang last */
    }
    jt_work_ctx_clear(&m->ctx);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

/* --- operators --- */

static enum jt_err make_order(struct jt_work_ctx *ctx, const struct jt_credential *operator,
                              struct jt_honey_order * order)
{
    memcpy(order->secret, operator->secret, sizeof order->secret);
    return jt_sets_client(ctx, operator->id, &order->who);
}

struct change {
    struct jt_work_ctx *ctx;
    struct jt_honey_order order;
    struct jt_honey_sealed next;
};

/* Inside the transaction: the keeper goes on from what stands, or from its own if that is newer. */
static enum jt_err change_set(void *arg, const struct jt_honey_sealed *now,
                              struct jt_honey_sealed *next)
{
    struct change *c = arg;
    struct jt_honey_accepted accepted;
    enum jt_err err = show(c->ctx, now, &accepted);
    if (err == JT_OK) {
        err = jt_keyclient_wait_honey_change(c->ctx->keeper, &c->order, next);
    }
    c->next = *next;
    return err;
}

/* Which card it is about does not stand in the trail: who reads that shall not learn it. */
static enum jt_err change_row(struct change *c)
{
    const struct jt_audit_row row = { .action = c->order.act == JT_HONEY_ADD
                                                    ? JT_AUDIT_HONEY_ADD
                                                    : JT_AUDIT_HONEY_REMOVE,
                                      .client = c->order.who.spec.id,
                                      .field = c->order.field,
                                      .object = "",
                                      .n_items = 1,
                                      .n_done = 1,
                                      .origin = &c->ctx->origin };
    struct jt_honey_accepted accepted;
    enum jt_err err = jt_honey_change_row(c->ctx->db, &row, change_set, c);
    return err == JT_OK ? show(c->ctx, &c->next, &accepted) : err; /* now, not in a second */
}

enum jt_err jt_marked_change(struct jt_work_ctx *ctx, const struct jt_credential *operator,
                             enum jt_honey_act act, const char *field,
                             const uint8_t token[static JT_TOKEN_LEN])
{
    struct jt_field_row row;
    struct change c = { .ctx = ctx, .order = { .act = (uint8_t)act } };
    memcpy(c.order.token, token, sizeof c.order.token);
    enum jt_err err = jt_registry_get_field_row(ctx, field, &row);
    if (err == JT_OK) {
        c.order.field = row.spec.id;
        err = make_order(ctx, operator, & c.order);
    }
    if (err == JT_OK) {
        err = change_row(&c);
    }
    jt_wipe(&c.order, sizeof c.order);
    return err;
}

enum jt_err jt_marked_list(struct jt_work_ctx *ctx, const struct jt_credential *operator,
                           struct jt_honey_tokens * out)
{
    struct jt_honey_order order = { .act = JT_HONEY_LIST };
    enum jt_err err = make_order(ctx, operator, & order);
    if (err == JT_OK) {
        err = jt_keyclient_wait_honey_list(ctx->keeper, &order, out);
    }
    jt_wipe(&order, sizeof order);
    return err;
}
