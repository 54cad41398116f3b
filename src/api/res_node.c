/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/node/accept-ids: an operator's word that ids may lie far ahead of the keeper's clock.
 * POST /v1/node/accept-sets: the same that older sets of clients and fields shall be current.
 */
#include "api/handlers.h"
#include "api/members.h"
#include "api/task.h"
#include "store/audit.h"
#include "vault/refresh.h"

#include <stdio.h>

/* An operator's word. */
struct accept {
    struct jt_task task;
    char reason[128];
    uint64_t newest_ms;
};

/* Takes the reason, then lets a worker do `run`. */
static void start(struct jt_request *r, enum jt_err (*run)(struct jt_task *, struct jt_work_ctx *),
                  void (*answer)(struct jt_task *))
{
    static const char *const members[] = { "reason", NULL };
    json_t *reason = jt_members_only(r, members) ? jt_members_need(r, "reason") : NULL;
    if (reason == NULL) {
        return;
    }
    struct accept *a = jt_task_new(r, sizeof *a);
    if (a == NULL) {
        return;
    }
    if (!jt_json_reason(reason, sizeof a->reason, a->reason)) {
        jt_members_refuse(r, "reason", "a text of 1 to 127 bytes without control characters");
        return;
    }
    a->task.run = run;
    a->task.answer = answer;
    jt_task_post(&a->task);
}

/* --- ids --- */

/* The word is on record before the keeper hears it. */
static enum jt_err run_ids(struct jt_task *task, struct jt_work_ctx *ctx)
{
    struct accept *a = (struct accept *)task;
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = task->http->client };
    struct jt_node_joined joined;
    enum jt_err err = jt_audit_record(ctx->db, &act, JT_AUDIT_IDS_ACCEPT, a->reason);
    if (err == JT_OK) {
        err = jt_refresh_join(ctx, true, &joined);
    }
    if (err == JT_OK) {
        a->newest_ms = joined.newest_ms;
    }
    return err;
}

static void answer_ids(struct jt_task *task)
{
    const struct accept *a = (const struct accept *)task;
    jt_request_answer_json(task->http, 200,
                           json_pack("{sI}", "newest_ms_since_2020", (json_int_t)a->newest_ms));
}

void jt_handle_node_accept_ids(struct jt_request *r)
{
    start(r, run_ids, answer_ids);
}

/* --- sets --- */

/*
 * The keeper checks for itself that this is an operator of that set. The word is on record before
 * it hears it.
 */
static enum jt_err run_sets(struct jt_task *task, struct jt_work_ctx *ctx)
{
    const struct accept *a = (const struct accept *)task;
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = task->http->client };
    enum jt_err err = jt_audit_record(ctx->db, &act, JT_AUDIT_SETS_ACCEPT, a->reason);
    if (err == JT_OK) {
        err = jt_sets_accept(ctx, task->http->client, task->http->credential.secret);
    }
    return err;
}

static void answer_sets(struct jt_task *task)
{
    jt_request_answer_json(task->http, 200, json_pack("{sb}", "accepted", 1));
}

void jt_handle_node_accept_sets(struct jt_request *r)
{
    start(r, run_sets, answer_sets);
}
