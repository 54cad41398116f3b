/* /v1/clients: add. The API key is in the answer and nowhere else: Jeton keeps a MAC of it. */
#include "base/secmem.h"
#include "rest/handlers.h"
#include "rest/members.h"
#include "rest/task.h"
#include "vault/registry.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t bit;
} permissions[] = {
    { "tokenize", JT_MAY_TOKENIZE },
    { "detokenize", JT_MAY_DETOKENIZE },
    { "operate", JT_MAY_OPERATE },
};

#define N_PERMISSIONS (sizeof permissions / sizeof permissions[0])

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

static void answer_add(struct jt_task *task)
{
    struct add *a = (struct add *)task;
    json_t *names = json_array();
    for (size_t i = 0; i < N_PERMISSIONS; i++) {
        if ((a->spec.permissions & permissions[i].bit) != 0) {
            (void)json_array_append_new(names, json_string(permissions[i].name));
        }
    }
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
        for (size_t p = 0; p < N_PERMISSIONS && name != NULL; p++) {
            if (strcmp(name, permissions[p].name) == 0) {
                bit = permissions[p].bit;
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
    if (!jt_members_only(r, members) || jt_members_need(r, "id") == NULL || jt_members_need(r, "permissions") == NULL) {
        return;
    }
    uint32_t bits;
    if (id == NULL || !jt_client_id_valid(id)) {
        jt_members_refuse(r, "id", "1 to 32 lower-case letters, digits and dashes, a letter first");
        return;
    }
    if (!take_permissions(may, &bits)) {
        jt_members_refuse(r, "permissions", "an array of tokenize, detokenize, operate: at least one, none twice");
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
