/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/generations: list, get, create, activate, abandon. */
#include "base/hex.h"
#include "rest/handlers.h"
#include "rest/members.h"
#include "rest/task.h"
#include "store/generations.h"
#include "vault/activation.h"
#include "vault/roll.h"

/* Empty text is null. */
static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *generation_json(const struct jt_generation_info *g)
{
    char check_value[2 * JT_CHECK_VALUE_LEN + 1];
    jt_hex_encode(g->row.check_value, JT_CHECK_VALUE_LEN, check_value);
    uint64_t rows = g->rows_written + g->rows_moved_in - g->rows_moved_out;
    return json_pack(
        "{sI,si,ss,ss,sI,sI,sI,sI,so,so,so,so,so,so,so,so,so,so}", "number",
        (json_int_t)g->row.number, "key_id", (int)g->row.key_id, "state",
        jt_generation_state_name(g->row.state), "check_value", check_value, "rows",
        (json_int_t)rows, "rows_written", (json_int_t)g->rows_written, "rows_moved_in",
        (json_int_t)g->rows_moved_in, "rows_moved_out", (json_int_t)g->rows_moved_out, "created_at",
        text_or_null(g->created_at), "created_by", text_or_null(g->created_by), "activated_at",
        text_or_null(g->activated_at), "activated_by", text_or_null(g->activated_by), "draining_at",
        text_or_null(g->draining_at), "retired_at", text_or_null(g->retired_at), "retired_by",
        text_or_null(g->retired_by), "destroyed_at", text_or_null(g->destroyed_at), "destroyed_by",
        text_or_null(g->destroyed_by), "holder_override", text_or_null(g->holder_override));
}

/* --- list --- */

struct list {
    struct jt_task task;
    json_t *generations;
};

static void add_to_list(void *arg, const struct jt_generation_info *info)
{
    struct list *l = arg;
    (void)json_array_append_new(l->generations, generation_json(info));
}

static enum jt_err run_list(struct jt_task *task, struct jt_work_ctx *ctx)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? jt_generations_list(ctx->db, add_to_list, task) : err;
}

static void answer_list(struct jt_task *task)
{
    struct list *l = (struct list *)task;
    json_t *generations = l->generations;
    l->generations = NULL;
    jt_request_answer_json(
        task->http, 200,
        json_pack("{sI,so}", "epoch",
                  (json_int_t)atomic_load(&task->http->server->vault->ring_epoch), "generations",
                  generations));
}

static void list_failed(struct jt_task *task)
{
    json_decref(((struct list *)task)->generations);
    jt_task_refuse(task);
}

void jt_handle_generations_list(struct jt_request *r)
{
    struct list *l = jt_task_new(r, sizeof *l);
    if (l != NULL) {
        l->generations = json_array();
        l->task.run = run_list;
        l->task.answer = answer_list;
        l->task.failed = list_failed;
        jt_task_post(&l->task);
    }
}

/* --- one generation --- */

struct one {
    struct jt_task task;
    struct jt_generation_info info;
    char override[sizeof((struct jt_generation_info *)NULL)->holder_override];
};

static enum jt_err run_get(struct jt_task *task, struct jt_work_ctx *ctx)
{
    struct one *o = (struct one *)task;
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? jt_generation_get(ctx->db, task->http->params.number, &o->info) : err;
}

static enum jt_err run_create(struct jt_task *task, struct jt_work_ctx *ctx)
{
    return jt_roll_create(ctx, task->http->client, &((struct one *)task)->info);
}

static enum jt_err run_activate(struct jt_task *task, struct jt_work_ctx *ctx)
{
    struct one *o = (struct one *)task;
    const char *override = o->override[0] == '\0' ? NULL : o->override;
    return jt_activation_run(ctx, task->http->params.number, task->http->client, override,
                             &o->info);
}

static enum jt_err run_abandon(struct jt_task *task, struct jt_work_ctx *ctx)
{
    return jt_roll_abandon(ctx, task->http->params.number, task->http->client,
                           &((struct one *)task)->info);
}

static void answer_one(struct jt_task *task)
{
    jt_request_answer_json(task->http, 200, generation_json(&((struct one *)task)->info));
}

static void answer_created(struct jt_task *task)
{
    jt_request_answer_json(task->http, 201, generation_json(&((struct one *)task)->info));
}

static struct one *new_task(struct jt_request *r,
                            enum jt_err (*run)(struct jt_task *, struct jt_work_ctx *),
                            void (*answer)(struct jt_task *))
{
    struct one *o = jt_task_new(r, sizeof *o);
    if (o != NULL) {
        o->task.run = run;
        o->task.answer = answer;
    }
    return o;
}

void jt_handle_generation_get(struct jt_request *r)
{
    struct one *o = new_task(r, run_get, answer_one);
    if (o != NULL) {
        jt_task_post(&o->task);
    }
}

void jt_handle_generation_create(struct jt_request *r)
{
    static const char *const no_members[] = { NULL };
    if (!jt_members_only(r, no_members)) {
        return;
    }
    struct one *o = new_task(r, run_create, answer_created);
    if (o != NULL) {
        jt_task_post(&o->task);
    }
}

void jt_handle_generation_abandon(struct jt_request *r)
{
    static const char *const no_members[] = { NULL };
    if (!jt_members_only(r, no_members)) {
        return;
    }
    struct one *o = new_task(r, run_abandon, answer_one);
    if (o != NULL) {
        jt_task_post(&o->task);
    }
}

void jt_handle_generation_activate(struct jt_request *r)
{
    static const char *const members[] = { "accept_single_holder", NULL };
    json_t *reason = json_object_get(r->json, "accept_single_holder");
    if (!jt_members_only(r, members)) {
        return;
    }
    struct one *o = new_task(r, run_activate, answer_one);
    if (o == NULL) {
        return;
    }
    if (reason != NULL) {
        if (!jt_json_reason(reason, sizeof o->override, o->override)) {
            jt_members_refuse(r, "accept_single_holder",
                              "a text of 1 to 127 bytes without control characters");
            return;
        }
    }
    jt_task_post(&o->task);
}
