/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/clients: list, add, revoke. The API key is in the answer and nowhere else: Jeton keeps a MAC
 * of it.
 */
#include "api/operation.h"
#include "base/secmem.h"
#include "vault/inspect.h"
#include "vault/registry.h"

#include <string.h>

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

/* --- list --- */

struct clients {
    json_t *found;
};

static void add_to_list(void *arg, const struct jt_client_info *info)
{
    (void)json_array_append_new(
        arg,
        json_pack("{ss,so,sb,ss,ss,so,so}", "id", info->row.spec.id, "permissions",
                  permissions_json(info->row.spec.permissions), "revoked",
                  info->row.state == JT_ROW_REVOKED, "created_at", info->created_at, "created_by",
                  info->created_by, "revoked_at", jt_json_text_or_null(info->revoked_at),
                  "revoked_by", jt_json_text_or_null(info->revoked_by)));
}

static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct clients *c = state;
    c->found = json_array();
    return jt_inspect_clients(ctx, add_to_list, c->found);
}

static json_t *list_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_pack("{sO}", "clients", ((struct clients *)state)->found);
}

static void list_clear(void *state)
{
    json_decref(((struct clients *)state)->found);
}

const struct jt_operation jt_operation_clients_list = {
    .state_size = sizeof(struct clients),
    .act = list,
    .status = 200,
    .answer = list_answer,
    .clear = list_clear,
};

/* --- add --- */

struct addition {
    struct jt_client_spec spec;
    struct jt_credential credential;
};

static const struct jt_member members[] = {
    { "id", &jt_member_text, JT_MEMBER_AT(struct addition, spec.id), .required = true,
      .valid = jt_client_id_valid,
      .must = "1 to 32 lower-case letters, digits and dashes, a letter first" },
    { "permissions", &jt_member_permissions, JT_MEMBER_AT(struct addition, spec.permissions),
      .required = true,
      .must = "an array of tokenize, detokenize, operate: at least one, none twice" },
};

static enum jt_err add(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct addition *a = state;
    jt_work_about(ctx, "client %s", a->spec.id);
    return jt_registry_add_client(ctx, &a->spec, call->actor, &a->credential);
}

static json_t *add_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct addition *a = state;
    char key[JT_API_KEY_MAX + 1];
    jt_credential_format(&a->credential, key);
    json_t *body = json_pack("{ss,so,ss}", "id", a->spec.id, "permissions",
                             permissions_json(a->spec.permissions), "api_key", key);
    jt_wipe(key, sizeof key);
    return body;
}

const struct jt_operation jt_operation_client_add = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct addition),
    .act = add,
    .status = 201,
    .answer = add_answer,
};

/* --- revoke --- */

struct revocation {
    char id[JT_CLIENT_ID_MAX + 1];
};

static enum jt_err revoke(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct revocation *r = state;
    memcpy(r->id, call->params.client, sizeof r->id);
    return jt_registry_revoke_client(ctx, r->id, call->actor);
}

static json_t *revoke_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_pack("{ss,sb}", "id", ((const struct revocation *)state)->id, "revoked", 1);
}

const struct jt_operation jt_operation_client_revoke = {
    .state_size = sizeof(struct revocation),
    .act = revoke,
    .status = 200,
    .answer = revoke_answer,
};
