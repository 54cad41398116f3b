/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/generations/{number}/stuck: cards that keep a generation from retiring, by token.
 * POST /v1/generations/{number}/repair: mends those of them that can be.
 */
#include "api/operation.h"
#include "api/token_text.h"
#include "vault/repair.h"
#include "vault/stuck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_MAX 12

struct stuck {
    char cursor[CURSOR_MAX];
    uint32_t limit;
    json_t *found;
    size_t skipped;
    bool more, failed;
};

/* How many were given before: whoever has mended some of them begins again. */
static bool cursor_valid(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= 9 && strspn(text, "0123456789") == len;
}

static const struct jt_member query[] = {
    { "cursor", &jt_member_text, JT_MEMBER_AT(struct stuck, cursor), .valid = cursor_valid,
      .must = "the next of an earlier answer" },
    { "limit", &jt_member_limit, JT_MEMBER_AT(struct stuck, limit), .must = JT_LIMIT_MUST },
};

static void add(void *arg, const struct jt_stuck_view *view)
{
    struct stuck *s = arg;
    char token[JT_ANY_TOKEN_TEXT_LEN + 1] = "";
    if (view->token != NULL) {
        jt_token_text(view->field, view->token, token);
    }
    json_t *card = json_pack("{so,so,ss,ss}", "field",
                             jt_json_text_or_null(view->field == NULL ? "" : view->field->name),
                             "token", jt_json_text_or_null(token), "cause",
                             jt_stuck_cause_name(view->cause), "first_seen_at", view->first_seen);
    s->failed |= json_array_append_new(s->found, card) != 0;
}

static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct stuck *s = state;
    s->found = json_array();
    s->skipped = strtoul(s->cursor[0] == '\0' ? "0" : s->cursor, NULL, 10);
    const struct jt_stuck_query asked = { .generation = call->params.number,
                                          .skip = s->skipped,
                                          .max = s->limit == 0 ? JT_LIST_LIMIT : s->limit };
    enum jt_err err = jt_stuck_look(ctx, &asked, add, s, &s->more);
    return err == JT_OK && s->failed ? JT_ERR_NOMEM : err;
}

static json_t *answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct stuck *s = state;
    char next[24] = "";
    if (s->more) {
        snprintf(next, sizeof next, "%zu", s->skipped + json_array_size(s->found));
    }
    return json_pack("{sO,so}", "cards", s->found, "next", jt_json_text_or_null(next));
}

static void clear(void *state)
{
    json_decref(((struct stuck *)state)->found);
}

const struct jt_operation jt_operation_stuck_list = {
    .members = JT_MEMBERS(query),
    .state_size = sizeof(struct stuck),
    .act = list,
    .status = 200,
    .answer = answer,
    .clear = clear,
};

/* --- repair --- */

/* What was mended is whole: to ask again does the rest. */
static enum jt_err repair(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_repair_run(ctx, call->params.number, call->actor, state);
}

static json_t *repair_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct jt_repair_view *v = state;
    return json_pack("{sI,sI,sI,sb}", "mended", (json_int_t)v->n_mended, "left",
                     (json_int_t)v->n_left, "held_back", (json_int_t)v->n_held_back, "more",
                     (int)v->more);
}

const struct jt_operation jt_operation_stuck_repair = {
    .state_size = sizeof(struct jt_repair_view),
    .act = repair,
    .status = 200,
    .answer = repair_answer,
    .once = JT_ONCE_TAKEN,
    .again = repair,
};
