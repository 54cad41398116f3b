/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/fields: list and add. */
#include "api/handlers.h"
#include "api/members.h"
#include "api/task.h"
#include "vault/registry.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *field_json(const struct jt_field_spec *f)
{
    return json_pack("{ss,si,ss,sb,sb}", "name", f->name, "id", (int)f->id, "kind",
                     jt_field_kind_name(f->kind), "dedup", (int)f->dedup, "allow_bad_luhn",
                     (int)f->allow_bad_luhn);
}

struct list {
    struct jt_task task;
    json_t *fields;
};

static enum jt_err run_list(struct jt_task *task, struct jt_work_ctx *ctx)
{
    struct list *l = (struct list *)task;
    struct jt_field_row *fields;
    size_t n;
    enum jt_err err = jt_sets_fields(ctx, &fields, &n);
    for (size_t i = 0; i < n; i++) {
        if (fields[i].state == JT_ROW_ACTIVE) {
            (void)json_array_append_new(l->fields, field_json(&fields[i].spec));
        }
    }
    free(fields);
    return err;
}

static void answer_list(struct jt_task *task)
{
    struct list *l = (struct list *)task;
    json_t *fields = l->fields;
    l->fields = NULL;
    jt_request_answer_json(task->http, 200, json_pack("{so}", "fields", fields));
}

static void list_failed(struct jt_task *task)
{
    json_decref(((struct list *)task)->fields);
    jt_task_refuse(task);
}

void jt_handle_fields_list(struct jt_request *r)
{
    struct list *l = jt_task_new(r, sizeof *l);
    if (l != NULL) {
        l->fields = json_array();
        l->task.run = run_list;
        l->task.answer = answer_list;
        l->task.failed = list_failed;
        jt_task_post(&l->task);
    }
}

struct add {
    struct jt_task task;
    struct jt_field_spec spec;
};

static enum jt_err run_add(struct jt_task *task, struct jt_work_ctx *ctx)
{
    return jt_registry_add_field(ctx, &((struct add *)task)->spec, task->http->client);
}

static void answer_add(struct jt_task *task)
{
    jt_request_answer_json(task->http, 201, field_json(&((struct add *)task)->spec));
}

/* An optional boolean member; answers when it is anything else. */
static bool take_bool(struct jt_request *r, const char *name, bool fallback, bool *out)
{
    json_t *value = json_object_get(r->json, name);
    *out = value == NULL ? fallback : json_is_true(value);
    if (value != NULL && !json_is_boolean(value)) {
        jt_members_refuse(r, name, "true or false");
        return false;
    }
    return true;
}

void jt_handle_field_add(struct jt_request *r)
{
    static const char *const members[] = { "name", "dedup", "allow_bad_luhn", NULL };
    const char *name = jt_json_text(json_object_get(r->json, "name"));
    if (!jt_members_only(r, members) || jt_members_need(r, "name") == NULL) {
        return;
    }
    bool dedup, allow_bad_luhn;
    if (name == NULL || !jt_field_name_valid(name)) {
        jt_members_refuse(r, "name", "1 to 64 of a-z 0-9 _ . - and start with a letter");
        return;
    }
    if (!take_bool(r, "dedup", true, &dedup) ||
        !take_bool(r, "allow_bad_luhn", false, &allow_bad_luhn)) {
        return;
    }
    struct add *a = jt_task_new(r, sizeof *a);
    if (a != NULL) {
        snprintf(a->spec.name, sizeof a->spec.name, "%s", name);
        a->spec.kind = JT_FIELD_PAN;
        a->spec.dedup = dedup;
        a->spec.allow_bad_luhn = allow_bad_luhn;
        a->task.run = run_add;
        a->task.answer = answer_add;
        jt_task_post(&a->task);
    }
}
