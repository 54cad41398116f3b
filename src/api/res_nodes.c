/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/nodes: who serves this database, and which keys each node holds; a node that is gone. */
#include "api/operation.h"
#include "vault/node_acts.h"

#include <string.h>

/* --- list --- */

struct nodes {
    json_t *found;
    bool failed;
};

static void add(void *arg, const struct jt_node_info *info)
{
    struct nodes *nodes = arg;
    json_t *node =
        json_pack("{ss,si,ss,ss,ss,ss,s[],s[]}", "name", info->row.spec.name, "number",
                  (int)info->row.spec.number, "state", info->lives ? "serving" : "lease-over",
                  "started_at", info->started_at, "lease_until", info->lease_until, "renewed_at",
                  info->renewed_at, "acknowledged", "missing");
    nodes->failed |= json_array_append_new(nodes->found, node) != 0;
}

static json_t *find(const struct nodes *nodes, const char *name)
{
    size_t i;
    json_t *node;
    json_array_foreach(nodes->found, i, node)
    {
        if (strcmp(json_string_value(json_object_get(node, "name")), name) == 0) {
            return node;
        }
    }
    return NULL;
}

/* A node that came between the two queries is in the next list. */
static void add_standing(void *arg, uint64_t generation, const char *name, bool stands)
{
    struct nodes *nodes = arg;
    json_t *node = find(nodes, name);
    json_t *list = json_object_get(node, stands ? "acknowledged" : "missing");
    nodes->failed |=
        node != NULL && json_array_append_new(list, json_integer((json_int_t)generation)) != 0;
}

static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct nodes *nodes = state;
    nodes->found = json_array();
    enum jt_err err = jt_nodes_inspect(ctx, add, add_standing, nodes);
    return err == JT_OK && nodes->failed ? JT_ERR_NOMEM : err;
}

static json_t *list_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_pack("{sO}", "nodes", ((const struct nodes *)state)->found);
}

static void list_clear(void *state)
{
    json_decref(((struct nodes *)state)->found);
}

const struct jt_operation jt_operation_nodes_list = {
    .state_size = sizeof(struct nodes),
    .act = list,
    .status = 200,
    .answer = list_answer,
    .clear = list_clear,
};

/* --- remove --- */

struct removal {
    char name[JT_NODE_NAME_MAX + 1];
};

static enum jt_err remove_node(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct removal *removal = state;
    memcpy(removal->name, call->params.node, sizeof removal->name);
    return jt_nodes_remove(ctx, removal->name, call->actor);
}

static json_t *remove_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_pack("{ss}", "removed", ((const struct removal *)state)->name);
}

const struct jt_operation jt_operation_node_remove = {
    .state_size = sizeof(struct removal),
    .act = remove_node,
    .status = 200,
    .answer = remove_answer,
};
