/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/plan.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secmem.h"
#include "vault/activation.h"
#include "vault/duty.h"
#include "vault/refresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 20000
#define EVERY_MS    1000
#define WARN_EVERY  10   /* more key ids taken, from JT_KEY_IDS_WARN on */
#define BUSY_MS     200  /* before an activation that waits for writers or answers is tried again */
#define ANSWER_MS   5000 /* before it is told who has not answered */
#define ASK_MS      10000 /* before the nodes are asked anew: what they were asked lives a minute */

enum jt_err jt_plan_seal(struct jt_work_ctx *ctx, const struct jt_generation_row *row,
                         const struct jt_generation_plan *plan, struct jt_generation_plan *out)
{
    const struct jt_plan_request request = { .generation = *row, .plan = *plan };
    *out = *plan;
    return jt_keyclient_wait_plan(ctx->keeper, &request, out->mac);
}

enum jt_err jt_plan_check(struct jt_work_ctx *ctx, const struct jt_generation_info *info)
{
    struct jt_generation_plan right;
    enum jt_err err = jt_plan_seal(ctx, &info->row, &info->plan, &right);
    bool same = err == JT_OK && jt_equal_ct(right.mac, info->plan.mac, sizeof right.mac);
    return err == JT_OK && !same ? JT_ERR_PLAN_FORGED : err;
}

enum jt_err jt_plan_set(struct jt_work_ctx *ctx, uint64_t number,
                        const struct jt_generation_plan *plan, const char *actor,
                        struct jt_generation_info *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_generation_plan with_mac;
    bool busy = false;
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, number, out);
    }
    if (err == JT_OK && out->row.state != JT_GENERATION_FUTURE) {
        err = jt_fault_set(&ctx->fault, JT_ERR_WRONG_STATE,
                           "generation %llu is %s: only a future one has a date",
                           (unsigned long long)number, jt_generation_state_name(out->row.state));
    }
    if (err == JT_OK) {
        err = jt_plan_seal(ctx, &out->row, plan, &with_mac);
    }
    if (err == JT_OK) {
        err = jt_generation_plan(ctx->db, number, &with_mac, &act, &busy);
    }
    if (busy) {
        (void)jt_work_again(ctx, PATIENCE_MS);
    }
    return err == JT_OK ? jt_generation_get(ctx->db, number, out) : err;
}

/* --- the duty --- */

struct jt_planner {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;

    /* the duty's own: of which generation the nodes were asked, first and last */
    uint64_t asked_of;
    int64_t asked_first_ms, asked_ms;
    /* what the log was told last */
    uint64_t told_of;
    enum jt_err told;
    struct jt_missing_nodes missing;
};

/* The names of who has not acknowledged, as many as there is room for. */
static void list_missing(const struct jt_missing_nodes *missing, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < missing->n && len + JT_NODE_NAME_MAX + 3 < size; i++) {
        bool valid = jt_node_name_valid(missing->names[i]); /* a stranger may have made the row */
        len += (size_t)snprintf(out + len, size - len, "%s%s", i == 0 ? ": " : ", ",
                                valid ? missing->names[i] : "(not a name)");
    }
}

static void tell(struct jt_planner *p, uint64_t number, enum jt_err err)
{
    if (p->told_of == number && p->told == err) {
        return;
    }
    char line[JT_FAULT_LINE_LEN], names[400] = "";
    if (err == JT_ERR_NODES_MISSING) {
        list_missing(&p->missing, names, sizeof names);
    }
    p->told_of = number;
    p->told = err;
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "generation %llu is active: its date was reached",
               (unsigned long long)number);
    } else if (jt_err_class(err) != JT_CLASS_REPEAT) {
        jt_log(JT_LOG_ERROR,
               "alarm: generation %llu should be active by its date, and is not: %s%s",
               (unsigned long long)number, jt_fault_line(&p->ctx.fault, err, line), names);
    }
}

/* Before they run out, after which no roll is possible until generations are destroyed. */
static void note_key_ids(struct jt_planner *p, uint32_t n_taken)
{
    uint32_t before = atomic_exchange(&p->ctx.vault->key_ids_taken, n_taken);
    if (n_taken >= JT_KEY_IDS_WARN && before / WARN_EVERY < n_taken / WARN_EVERY) {
        jt_log(JT_LOG_WARNING, "%u of %u key ids are taken: destroy retired generations",
               (unsigned)n_taken, JT_KEY_IDS);
    }
}

/* One attempt. What the nodes were asked stands until they had the time to answer. */
static enum jt_err activate(struct jt_planner *p, uint64_t number)
{
    struct jt_generation_info info;
    int64_t now_ms = jt_clock_ms();
    if (p->asked_of != number) {
        p->asked_of = number;
        p->asked_first_ms = now_ms;
        p->asked_ms = now_ms - ASK_MS;
    }
    const struct jt_activation activation = { .number = number,
                                              .actor = "schedule",
                                              .asked = now_ms - p->asked_ms < ASK_MS };
    p->asked_ms = activation.asked ? p->asked_ms : now_ms;
    jt_work_about(&p->ctx, "generation %llu", (unsigned long long)number);
    return jt_activation_run(&p->ctx, &activation, &info, &p->missing);
}

/* What waits for writers or answers is tried again soon, all else with the next look. */
static struct jt_again step(void *arg)
{
    struct jt_planner *p = arg;
    uint64_t number = 0;
    if (!atomic_load(&p->ctx.vault->registered)) {
        return (struct jt_again){ .ms = EVERY_MS };
    }
    jt_work_about(&p->ctx, "dates of generations");
    uint32_t n_taken;
    enum jt_err err = jt_generation_next_due(p->ctx.db, &number, &n_taken);
    if (err == JT_OK) {
        note_key_ids(p, n_taken);
    }
    if (err != JT_OK || number == 0) {
        return (struct jt_again){ .ms = EVERY_MS };
    }
    err = activate(p, number);
    bool answering = err == JT_ERR_NODES_MISSING && jt_clock_ms() - p->asked_first_ms < ANSWER_MS;
    if (!answering) {
        tell(p, number, err);
    }
    bool busy = answering || jt_err_class(err) == JT_CLASS_REPEAT || err == JT_ERR_RING_MOVED;
    return (struct jt_again){ .ms = busy ? BUSY_MS : EVERY_MS };
}

enum jt_err jt_planner_start(struct jt_vault *vault, struct jt_planner **out)
{
    struct jt_planner *p = calloc(1, sizeof *p);
    *out = p;
    if (p == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_work_ctx_init(&p->ctx, vault, "jetond plan", JT_STATEMENT_TIMEOUT_MS);
    return err == JT_OK ? jt_duty_start(step, p, &p->duty) : err;
}

void jt_planner_stop(struct jt_planner *p)
{
    if (p == NULL) {
        return;
    }
    jt_duty_stop(p->duty);
    jt_work_ctx_clear(&p->ctx);
    free(p);
}
