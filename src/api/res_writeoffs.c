/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/generations/{number}/write-off, its approvals and its cards, and all of them: cards that
 * nobody can open are written off by two custodians.
 */
#include "api/approvals_json.h"
#include "api/json.h"
#include "api/operation.h"
#include "api/token_text.h"
#include "base/hex.h"
#include "vault/writeoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
    char approval[JT_APPROVAL_TEXT_MAX + 1];
    bool anew;
    struct jt_writeoff_look *look;
};

/* --- one --- */

static json_t *answer(const struct jt_api *api, void *arg)
{
    (void)api;
    const struct jt_writeoff_look *look = ((const struct state *)arg)->look;
    const struct jt_writeoff_row *row = &look->row;
    char digest[2 * JT_WRITEOFF_DIGEST_LEN + 1];
    bool done = row->done_at[0] != '\0';
    jt_hex_encode(look->request.digest, sizeof look->request.digest, digest);
    return json_pack("{sI,sI,ss,ss,sI,ss,so,so,sI,so,so,so}", "generation",
                     (json_int_t)row->generation, "number", (json_int_t)row->number, "state",
                     done           ? "done"
                     : look->forged ? "not-authentic"
                                    : "waiting",
                     "text", look->request.text, "cards", (json_int_t)look->request.n_cards,
                     "list_sha256", digest, "requested_at", jt_json_text_or_null(row->requested_at),
                     "requested_by", jt_json_text_or_null(row->requested_by), "approvals_needed",
                     (json_int_t)JT_CUSTODIANS_NEEDED, "approvals",
                     jt_approvals_json(look->approvals, look->n_approvals), "done_at",
                     jt_json_text_or_null(row->done_at), "cards_moved",
                     done ? json_integer((json_int_t)row->n_moved) : json_null());
}

static void clear(void *arg)
{
    free(((struct state *)arg)->look);
}

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
    return err == JT_OK ? jt_writeoff_look_at(ctx, call->params.number, s->look) : err;
}

const struct jt_operation jt_operation_write_off_get = {
    .state_size = sizeof(struct state),
    .act = get,
    .status = 200,
    .answer = answer,
    .clear = clear,
};

static const struct jt_member members_of_ask[] = {
    { "anew", &jt_member_flag, JT_MEMBER_AT(struct state, anew), .must = "true or false" },
};

static enum jt_err ask(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct state *s = arg;
    enum jt_err err = room(s);
    return err == JT_OK ? jt_writeoff_ask(ctx, call->params.number, s->anew, call->actor, s->look)
                        : err;
}

const struct jt_operation jt_operation_write_off_ask = {
    .members = JT_MEMBERS(members_of_ask),
    .state_size = sizeof(struct state),
    .act = ask,
    .status = 200,
    .answer = answer,
    .clear = clear,
    .once = JT_ONCE_TAKEN,
    .again = get,
};

static const struct jt_member members_of_approve[] = {
    { "approval", &jt_member_text, JT_MEMBER_AT(struct state, approval), .required = true,
      .valid = jt_approval_valid, .must = JT_APPROVAL_MUST },
};

static enum jt_err approve(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct state *s = arg;
    struct jt_approval approval;
    enum jt_err err = jt_approval_parse(s->approval, &approval);
    if (err == JT_OK) {
        err = room(s);
    }
    return err == JT_OK
               ? jt_writeoff_approve(ctx, call->params.number, &approval, call->actor, s->look)
               : err;
}

/* What was asked before may have been the signature with which it was done. */
static enum jt_err approve_again(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    enum jt_err err = approve(call, arg, ctx);
    return err == JT_ERR_WRITE_OFF_DONE ? get(call, arg, ctx) : err;
}

const struct jt_operation jt_operation_write_off_approve = {
    .members = JT_MEMBERS(members_of_approve),
    .state_size = sizeof(struct state),
    .act = approve,
    .status = 200,
    .answer = answer,
    .clear = clear,
    .once = JT_ONCE_TAKEN,
    .again = approve_again,
};

/* --- all of a generation --- */

struct all {
    json_t *found;
    bool failed;
};

/* Of a request that is no keeper's form nothing is told but that it is there. */
static void add_one(void *arg, const struct jt_writeoff_row *row,
                    const struct jt_writeoff_request *request)
{
    struct all *all = arg;
    bool good = request->text_len > 0;
    bool done = row->done_at[0] != '\0';
    char digest[2 * JT_WRITEOFF_DIGEST_LEN + 1] = "";
    if (good) {
        jt_hex_encode(request->digest, sizeof request->digest, digest);
    }
    json_t *one = json_pack("{sI,ss,so,so,so,so,so,so}", "number", (json_int_t)row->number, "state",
                            done ? "done" : "waiting", "cards",
                            good ? json_integer((json_int_t)request->n_cards) : json_null(),
                            "list_sha256", jt_json_text_or_null(digest), "requested_at",
                            jt_json_text_or_null(row->requested_at), "requested_by",
                            jt_json_text_or_null(row->requested_by), "done_at",
                            jt_json_text_or_null(row->done_at), "cards_moved",
                            done ? json_integer((json_int_t)row->n_moved) : json_null());
    all->failed |= json_array_append_new(all->found, one) != 0;
}

static enum jt_err list(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct all *all = arg;
    all->found = json_array();
    enum jt_err err = jt_writeoffs_list(ctx, call->params.number, add_one, all);
    return err == JT_OK && all->failed ? JT_ERR_NOMEM : err;
}

static json_t *list_answer(const struct jt_api *api, void *arg)
{
    (void)api;
    return json_pack("{sO}", "write_offs", ((const struct all *)arg)->found);
}

static void list_clear(void *arg)
{
    json_decref(((struct all *)arg)->found);
}

const struct jt_operation jt_operation_write_offs_list = {
    .state_size = sizeof(struct all),
    .act = list,
    .status = 200,
    .answer = list_answer,
    .clear = list_clear,
};

/* --- its cards --- */

struct cards {
    char cursor[12], write_off[12];
    uint32_t limit;
    json_t *found;
    size_t skipped;
    bool more, failed;
};

static bool is_number(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= 9 && strspn(text, "0123456789") == len;
}

static const struct jt_member query_of_cards[] = {
    { "write_off", &jt_member_text, JT_MEMBER_AT(struct cards, write_off), .valid = is_number,
      .must = "the number of a write-off" },
    { "cursor", &jt_member_text, JT_MEMBER_AT(struct cards, cursor), .valid = is_number,
      .must = "the next of an earlier answer" },
    { "limit", &jt_member_limit, JT_MEMBER_AT(struct cards, limit), .must = JT_LIMIT_MUST },
};

static void add_card(void *arg, const struct jt_stuck_view *view)
{
    struct cards *c = arg;
    char token[JT_ANY_TOKEN_TEXT_LEN + 1] = "";
    if (view->token != NULL) {
        jt_token_text(view->field, view->token, token);
    }
    json_t *card = json_pack(
        "{so,so,ss}", "field", jt_json_text_or_null(view->field == NULL ? "" : view->field->name),
        "token", jt_json_text_or_null(token), "cause", jt_stuck_cause_name(view->cause));
    c->failed |= json_array_append_new(c->found, card) != 0;
}

static enum jt_err cards(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct cards *c = arg;
    c->found = json_array();
    c->skipped = strtoul(c->cursor[0] == '\0' ? "0" : c->cursor, NULL, 10);
    const struct jt_writeoff_query asked = {
        .generation = call->params.number,
        .number = (uint32_t)strtoul(c->write_off[0] == '\0' ? "0" : c->write_off, NULL, 10),
        .skip = c->skipped,
        .max = c->limit == 0 ? JT_LIST_LIMIT : c->limit
    };
    enum jt_err err = jt_writeoff_cards(ctx, &asked, add_card, c, &c->more);
    return err == JT_OK && c->failed ? JT_ERR_NOMEM : err;
}

static json_t *cards_answer(const struct jt_api *api, void *arg)
{
    (void)api;
    const struct cards *c = arg;
    char next[24] = "";
    if (c->more) {
        (void)snprintf(next, sizeof next, "%zu", c->skipped + json_array_size(c->found));
    }
    return json_pack("{sO,so}", "cards", c->found, "next", jt_json_text_or_null(next));
}

static void cards_clear(void *arg)
{
    json_decref(((struct cards *)arg)->found);
}

const struct jt_operation jt_operation_write_off_cards = {
    .members = JT_MEMBERS(query_of_cards),
    .state_size = sizeof(struct cards),
    .act = cards,
    .status = 200,
    .answer = cards_answer,
    .clear = cards_clear,
};
