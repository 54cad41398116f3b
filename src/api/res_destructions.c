/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/generations/{number}/destroy, /approve and /destruction: asks that a retired generation's key
 * is destroyed, carries a custodian's signature, and tells how it stands.
 */
#include "api/approval_json.h"
#include "api/json.h"
#include "api/operation.h"
#include "base/base64.h"
#include "vault/destroy.h"

#include <stdlib.h>

struct state {
    char approval[JT_APPROVAL_TEXT_MAX + 1];
    struct jt_destroy_look *look;
};

/* --- the answer --- */

static json_t *node_json(const struct jt_destruction_node_row *n)
{
    bool valid = jt_node_name_valid(n->node); /* a row that a stranger made may have any */
    bool grace = n->view == JT_DESTRUCTION_GRACE;
    return json_pack("{ss,so,so,sI,so}", "node", valid ? n->node : "(not a name)", "state",
                     jt_json_text_or_null(n->view == 0 ? "" : jt_destruction_view_name(n->view)),
                     "seconds_left", grace ? json_integer((json_int_t)n->left_s) : json_null(),
                     "not_opened", (json_int_t)n->n_tried, "at", jt_json_text_or_null(n->at));
}

static json_t *nodes_json(const struct jt_destroy_look *look)
{
    json_t *all = json_array();
    for (size_t i = 0; i < look->n_nodes && all != NULL; i++) {
        if (json_array_append_new(all, node_json(&look->nodes[i])) != 0) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

static json_t *certificate_json(const struct jt_destruction_row *row)
{
    char signature[JT_BASE64_LEN(JT_CERTIFICATE_SIGNATURE_LEN) + 1],
        key[JT_BASE64_LEN(JT_CERTIFICATE_PUBLIC_KEY_LEN) + 1];
    const struct jt_certificate *c = &row->certificate;
    jt_base64_encode(c->signature, sizeof c->signature, signature);
    jt_base64_encode(c->public_key, sizeof c->public_key, key);
    return json_pack("{ss,ss,ss}", "text", c->text, "signature", signature, "public_key", key);
}

/* One word for all nodes: what is furthest from the end, but that it is cancelled anywhere. */
static const char *state_of(const struct jt_destroy_look *look)
{
    if (look->row.certified_at[0] != '\0') {
        return "certified";
    }
    if (look->row.destroyed_at[0] != '\0') {
        return "erasing";
    }
    for (size_t i = 0; i < look->n_nodes; i++) {
        if (look->nodes[i].view == JT_DESTRUCTION_CANCELLED) {
            return "cancelled";
        }
    }
    return look->view == JT_DESTRUCTION_CANCELLED ? "cancelled"
           : look->view == JT_DESTRUCTION_WAITING ? "waiting"
                                                  : "approved";
}

static json_t *answer(const struct jt_api *api, void *arg)
{
    (void)api;
    const struct jt_destroy_look *look = ((const struct state *)arg)->look;
    json_t *body =
        json_pack("{sI,ss,ss,so,so,sI,so,so,so,so}", "generation", (json_int_t)look->row.generation,
                  "state", state_of(look), "text", look->request.text, "requested_at",
                  jt_json_text_or_null(look->row.requested_at), "requested_by",
                  jt_json_text_or_null(look->row.requested_by), "approvals_needed",
                  (json_int_t)JT_CUSTODIANS_NEEDED, "approvals",
                  jt_approvals_json(look->approvals, look->n_approvals), "nodes", nodes_json(look),
                  "destroyed_at", jt_json_text_or_null(look->row.destroyed_at), "certified_at",
                  jt_json_text_or_null(look->row.certified_at));
    if (body != NULL && look->row.certified_at[0] != '\0') {
        (void)json_object_set_new(body, "certificate", certificate_json(&look->row));
    }
    return body;
}

static void clear(void *arg)
{
    free(((struct state *)arg)->look);
}

/* --- acts --- */

static enum jt_err room(struct state *s)
{
    if (s->look == NULL) {
        s->look = calloc(1, sizeof *s->look);
    }
    return s->look == NULL ? JT_ERR_NOMEM : JT_OK;
}

static enum jt_err get(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct state *s = arg;
    enum jt_err err = room(s);
    return err == JT_OK ? jt_destroy_look_at(ctx, call->params.number, s->look) : err;
}

const struct jt_operation jt_operation_destruction_get = {
    .state_size = sizeof(struct state),
    .act = get,
    .status = 200,
    .answer = answer,
    .clear = clear,
};

/* A request that stands stays: whoever asks again gets it as it stands. */
static enum jt_err ask(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct state *s = arg;
    enum jt_err err = room(s);
    return err == JT_OK ? jt_destroy_ask(ctx, call->params.number, call->actor, s->look) : err;
}

const struct jt_operation jt_operation_destruction_ask = {
    .state_size = sizeof(struct state),
    .act = ask,
    .status = 200,
    .answer = answer,
    .clear = clear,
    .once = JT_ONCE_TAKEN,
    .again = ask,
};

static const struct jt_member members_of_approve[] = {
    { "approval", &jt_member_text, JT_MEMBER_AT(struct state, approval), .required = true,
      .valid = jt_text_is_approval, .must = JT_APPROVAL_MUST },
};

/* The same signature twice is one. */
static enum jt_err approve(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct state *s = arg;
    struct jt_approval approval;
    enum jt_err err = jt_approval_parse(s->approval, &approval);
    if (err == JT_OK) {
        err = room(s);
    }
    return err == JT_OK
               ? jt_destroy_approve(ctx, call->params.number, &approval, call->actor, s->look)
               : err;
}

const struct jt_operation jt_operation_destruction_approve = {
    .members = JT_MEMBERS(members_of_approve),
    .state_size = sizeof(struct state),
    .act = approve,
    .status = 200,
    .answer = answer,
    .clear = clear,
    .once = JT_ONCE_TAKEN,
    .again = approve,
};
