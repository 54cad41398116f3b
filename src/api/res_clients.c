/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/clients: list, add, revoke. The API key is in the answer and nowhere else: Jeton keeps a MAC
 * of it.
 */
#include "base/log.h"
#include "base/secmem.h"
#include "api/handlers.h"
#include "api/members.h"
#include "api/task.h"
#include "store/clients.h"
#include "vault/registry.h"

#include <stdio.h>
#include <string.h>

struct add {
    struct jt_task task;
    struct jt_client_spec spec;
    struct jt_credential credential;
};

static enum jt_err run_add(struct jt_task *task, struct jt_work_ctx *ctx)
{
    struct add *a = (struct add *)task;
    return jt_registry_add_client(ctx, &a->spec, task->http->client, &a->credential);
}

static json_t *permissions_json(uint32_t bits)
{
    json_t *names = json_array();
    for (size_t i = 0; i < JT_N_PERMISSIONS; i++) {
        if ((bits & jt_permission_names[i].bit) != 0) {
            (void)json_array_append_new(names, json_string(jt_permission_names[i].name));
        }
    }
    return names;
}

static void answer_add(struct jt_task *task)
{
    struct add *a = (struct add *)task;
    json_t *names = permissions_json(a->spec.permissions);
    char key[JT_API_KEY_MAX + 1];
    jt_credential_format(&a->credential, key);
    json_t *body = json_pack("{ss,so,ss}", "id", a->spec.id, "permissions", names, "api_key", key);
    jt_wipe(key, sizeof key);
    jt_wipe(&a->credential, sizeof a->credential);
    jt_request_answer_json(task->http, 201, body);
}

/* A non-empty array of permission names, none twice. */
static bool take_permissions(json_t *value, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *name = jt_json_text(json_array_get(value, i));
        uint32_t bit = 0;
        for (size_t p = 0; p < JT_N_PERMISSIONS && name != NULL; p++) {
            if (strcmp(name, jt_permission_names[p].name) == 0) {
                bit = jt_permission_names[p].bit;
            }
        }
        if (bit == 0 || (*out & bit) != 0) {
            return false;
        }
        *out |= bit;
    }
    return *out != 0;
}

void jt_handle_client_add(struct jt_request *r)
{
    static const char *const members[] = { "id", "permissions", NULL };
    const char *id = jt_json_text(json_object_get(r->json, "id"));
    json_t *may = json_object_get(r->json, "permissions");
    if (!jt_members_only(r, members) || jt_members_need(r, "id") == NULL ||
        jt_members_need(r, "permissions") == NULL) {
        return;
    }
    uint32_t bits;
    if (id == NULL || !jt_client_id_valid(id)) {
        jt_members_refuse(r, "id", "1 to 32 lower-case letters, digits and dashes, a letter first");
        return;
    }
    if (!take_permissions(may, &bits)) {
        jt_members_refuse(r, "permissions",
                          "an array of tokenize, detokenize, operate: at least one, none twice");
        return;
    }
    struct add *a = jt_task_new(r, sizeof *a);
    if (a != NULL) {
        snprintf(a->spec.id, sizeof a->spec.id, "%s", id);
        a->spec.permissions = bits;
        a->task.run = run_add;
        a->task.answer = answer_add;
        jt_task_post(&a->task);
    }
}

struct list {
    struct jt_task task;
    struct jt_work_ctx *ctx;
    json_t *clients;
};

static json_t *time_json(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

/* Only rows that stand: who made or revoked a client, and when, is the database's word. */
static void add_to_list(void *arg, const struct jt_client_info *info)
{
    struct list *l = arg;
    if (!jt_sets_client_stands(&l->ctx->vault->sets, &info->row)) {
        jt_log(JT_LOG_ERROR, "the row of client %s in the database is not the one that stands",
               info->row.spec.id);
        return;
    }
    (void)json_array_append_new(
        l->clients,
        json_pack("{ss,so,sb,ss,ss,so,so}", "id", info->row.spec.id, "permissions",
                  permissions_json(info->row.spec.permissions), "revoked",
                  info->row.state == JT_ROW_REVOKED, "created_at", info->created_at, "created_by",
                  info->created_by, "revoked_at", time_json(info->revoked_at), "revoked_by",
                  time_json(info->revoked_by)));
}

static enum jt_err run_list(struct jt_task *task, struct jt_work_ctx *ctx)
{
    struct list *l = (struct list *)task;
    l->ctx = ctx;
    enum jt_err err = jt_sets_refresh(ctx, JT_SET_CLIENTS, false);
    return err == JT_OK ? jt_clients_list(ctx->db, add_to_list, l) : err;
}

static void answer_list(struct jt_task *task)
{
    struct list *l = (struct list *)task;
    json_t *clients = l->clients;
    l->clients = NULL;
    jt_request_answer_json(task->http, 200, json_pack("{so}", "clients", clients));
}

static void list_failed(struct jt_task *task)
{
    json_decref(((struct list *)task)->clients);
    jt_task_refuse(task);
}

void jt_handle_clients_list(struct jt_request *r)
{
    struct list *l = jt_task_new(r, sizeof *l);
    if (l != NULL) {
        l->clients = json_array();
        l->task.run = run_list;
        l->task.answer = answer_list;
        l->task.failed = list_failed;
        jt_task_post(&l->task);
    }
}

static enum jt_err run_revoke(struct jt_task *task, struct jt_work_ctx *ctx)
{
    return jt_registry_revoke_client(ctx, task->http->params.client, task->http->client);
}

static void answer_revoke(struct jt_task *task)
{
    jt_request_answer_json(task->http, 200,
                           json_pack("{ss,sb}", "id", task->http->params.client, "revoked", 1));
}

void jt_handle_client_revoke(struct jt_request *r)
{
    static const char *const members[] = { NULL };
    if (r->json != NULL && !jt_json_only_members(r->json, members)) {
        jt_request_answer_problem(r, JT_PROBLEM_UNKNOWN_MEMBER);
        return;
    }
    struct jt_task *task = jt_task_new(r, sizeof *task);
    if (task != NULL) {
        task->run = run_revoke;
        task->answer = answer_revoke;
        jt_task_post(task);
    }
}
