/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/clients: list, show, add, permit. The API key is in the answer to who adds one and nowhere
 * else: Jeton keeps a MAC of it. What changes how a client stands: api/res_client_acts.c.
 */
#include "api/client_json.h"
#include "api/client_members.h"
#include "api/operation.h"
#include "base/secmem.h"

#include <string.h>

/* --- list --- */

struct clients {
    char cursor[JT_CLIENT_ID_MAX + 1]; /* the last one of the page before */
    uint32_t limit;
    json_t *found;
};

static const struct jt_member list_query[] = {
    { "cursor", &jt_member_text, JT_MEMBER_AT(struct clients, cursor), .valid = jt_client_id_valid,
      .must = "the next of an earlier answer" },
    { "limit", &jt_member_limit, JT_MEMBER_AT(struct clients, limit), .must = JT_LIMIT_MUST },
};

static void add_to_list(void *arg, const struct jt_client_seen *seen)
{
    (void)json_array_append_new(arg, jt_client_json(seen));
}

/* One more than is answered, so that it is seen when there are more. */
static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct clients *c = state;
    c->limit = c->limit == 0 ? JT_LIST_LIMIT : c->limit;
    c->found = json_array();
    return jt_inspect_clients(ctx, c->cursor, c->limit + 1, add_to_list, c->found);
}

static json_t *list_answer(const struct jt_api *api, void *state)
{
    (void)api;
    struct clients *c = state;
    json_t *next = NULL;
    if (json_array_size(c->found) > c->limit) {
        (void)json_array_remove(c->found, c->limit);
        next = json_object_get(json_array_get(c->found, c->limit - 1), "id");
    }
    return json_pack("{sO,sO?}", "clients", c->found, "next", next == NULL ? json_null() : next);
}

static void list_clear(void *state)
{
    json_decref(((struct clients *)state)->found);
}

const struct jt_operation jt_operation_clients_list = {
    .members = JT_MEMBERS(list_query),
    .state_size = sizeof(struct clients),
    .act = list,
    .status = 200,
    .answer = list_answer,
    .clear = list_clear,
};

/* --- show --- */

struct shown {
    json_t *client;
};

static void keep(void *arg, const struct jt_client_seen *seen)
{
    ((struct shown *)arg)->client = jt_client_json(seen);
}

static enum jt_err show(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_inspect_client(ctx, call->params.client, keep, state);
}

static json_t *show_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_incref(((struct shown *)state)->client);
}

static void show_clear(void *state)
{
    json_decref(((struct shown *)state)->client);
}

const struct jt_operation jt_operation_client_get = {
    .state_size = sizeof(struct shown),
    .act = show,
    .status = 200,
    .answer = show_answer,
    .clear = show_clear,
};

/* --- add --- */

struct addition {
    char id[JT_CLIENT_ID_MAX + 1];
    struct jt_may may;
    struct jt_client_bounds bounds;
    struct jt_credential credential;
};

static const struct jt_member add_members[] = {
    { "id", &jt_member_text, JT_MEMBER_AT(struct addition, id), .required = true,
      .valid = jt_client_id_valid,
      .must = "1 to 32 lower-case letters, digits and dashes, a letter first" },
    { "permissions", &jt_member_permissions, JT_MEMBER_AT(struct addition, may), .required = true,
      .must = JT_PERMISSIONS_MUST },
    { "expires_at", &jt_member_expiry, JT_MEMBER_AT(struct addition, bounds),
      .must = JT_EXPIRY_MUST },
    { "networks", &jt_member_networks, JT_MEMBER_AT(struct addition, bounds),
      .must = JT_NETWORKS_MUST },
    { "certificates", &jt_member_certs, JT_MEMBER_AT(struct addition, bounds),
      .must = JT_CERTS_MUST },
    { "budgets", &jt_member_budgets, JT_MEMBER_AT(struct addition, bounds),
      .must = JT_BUDGETS_MUST },
};

static enum jt_err add(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct addition *a = state;
    /* the name is told after success only: it can be a card number */
    jt_work_about(ctx, "%s", "the client");
    return jt_client_add(ctx, a->id, &a->may, &a->bounds, call->actor, &a->credential);
}

static enum jt_err add_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct addition *a = state;
    struct shown is = { NULL };
    uint64_t until_s;
    jt_work_about(ctx, "%s", "the client");
    enum jt_err err = jt_inspect_client(ctx, a->id, keep, &is);
    bool stands = err == JT_OK && jt_client_json_is(is.client, &a->may, &a->bounds, true);
    json_decref(is.client);
    if (err != JT_OK || !stands) {
        return err == JT_OK ? JT_ERR_CHANGED_SINCE : err;
    }
    return jt_client_rekey(ctx, a->id, call->done, call->actor, &a->credential, &until_s);
}

static json_t *add_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct addition *a = state;
    char key[JT_API_KEY_MAX + 1];
    jt_credential_format(&a->credential, key);
    json_t *body = json_pack(
        "{ss,so,so,so,so,so,ss}", "id", a->id, "permissions", jt_permissions_json(&a->may),
        "expires_at", jt_json_time_or_null(a->bounds.expires_s), "networks",
        jt_networks_json(a->bounds.networks, a->bounds.n_networks), "certificates",
        jt_certs_json(a->bounds.certs, a->bounds.n_certs), "budgets",
        jt_budgets_json(a->bounds.budgets, a->bounds.n_budgets), "api_key", key);
    jt_wipe(key, sizeof key);
    return body;
}

const struct jt_operation jt_operation_client_add = {
    .members = JT_MEMBERS(add_members),
    .state_size = sizeof(struct addition),
    .act = add,
    .status = 201,
    .answer = add_answer,
    .once = JT_ONCE_TAKEN,
    .again = add_again,
};

/* --- permit --- */

struct permission {
    struct shown shown; /* first: the answer is that of show */
    struct jt_may may;
    struct jt_client_bounds bounds;
};

static const struct jt_member permit_members[] = {
    { "permissions", &jt_member_permissions, JT_MEMBER_AT(struct permission, may), .required = true,
      .must = JT_PERMISSIONS_MUST },
    { "expires_at", &jt_member_expiry, JT_MEMBER_AT(struct permission, bounds),
      .must = JT_EXPIRY_MUST },
    { "networks", &jt_member_networks, JT_MEMBER_AT(struct permission, bounds),
      .must = JT_NETWORKS_MUST },
    { "certificates", &jt_member_certs, JT_MEMBER_AT(struct permission, bounds),
      .must = JT_CERTS_MUST },
    { "budgets", &jt_member_budgets, JT_MEMBER_AT(struct permission, bounds),
      .must = JT_BUDGETS_MUST },
};

static enum jt_err permit(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    const struct permission *p = state;
    enum jt_err err = jt_client_permit(ctx, call->params.client, &p->may, &p->bounds, call->actor);
    return err == JT_OK ? show(call, state, ctx) : err;
}

static enum jt_err permit_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct permission *p = state;
    enum jt_err err = show(call, state, ctx);
    bool stands = err == JT_OK && jt_client_json_is(p->shown.client, &p->may, &p->bounds, false);
    return err == JT_OK && !stands ? JT_ERR_CHANGED_SINCE : err;
}

const struct jt_operation jt_operation_client_permit = {
    .members = JT_MEMBERS(permit_members),
    .state_size = sizeof(struct permission),
    .act = permit,
    .status = 200,
    .answer = show_answer,
    .clear = show_clear,
    .once = JT_ONCE_TAKEN,
    .again = permit_again,
};
