/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/honey: the cards that are marked, by field and token.
 * POST /v1/honey/add, /v1/honey/remove: marks a card, or takes its mark away.
 */
#include "api/operation.h"
#include "pan/token.h"
#include "vault/marked.h"

#include <stdlib.h>
#include <string.h>

struct one {
    char field[JT_FIELD_NAME_MAX + 1];
    uint8_t token[JT_TOKEN_LEN];
    bool marked;
};

static const struct jt_member members[] = {
    { "field", &jt_member_text, JT_MEMBER_AT(struct one, field), .required = true,
      .valid = jt_field_name_valid, .must = "the name of a field" },
    { "token", &jt_member_token, JT_MEMBER_AT(struct one, token), .required = true,
      .must = "a token" },
};

static enum jt_err add(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct one *o = state;
    o->marked = true;
    return jt_marked_change(ctx, &call->credential, JT_HONEY_ADD, o->field, o->token);
}

static enum jt_err take_away(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    const struct one *o = state;
    return jt_marked_change(ctx, &call->credential, JT_HONEY_REMOVE, o->field, o->token);
}

/* To mark what is marked, or take away what is not there, is what was asked for. */
static enum jt_err add_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    enum jt_err err = add(call, state, ctx);
    return err == JT_ERR_HONEY_THERE ? JT_OK : err;
}

static enum jt_err take_away_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    enum jt_err err = take_away(call, state, ctx);
    return err == JT_ERR_NO_HONEY ? JT_OK : err;
}

static json_t *one_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_pack("{sb}", "marked", (int)((const struct one *)state)->marked);
}

const struct jt_operation jt_operation_honey_add = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct one),
    .act = add,
    .status = 200,
    .answer = one_answer,
    .once = JT_ONCE_TAKEN,
    .again = add_again,
};

const struct jt_operation jt_operation_honey_remove = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct one),
    .act = take_away,
    .status = 200,
    .answer = one_answer,
    .once = JT_ONCE_TAKEN,
    .again = take_away_again,
};

/* --- list --- */

struct marks {
    struct jt_honey_tokens tokens;
    struct jt_field_row *fields;
    size_t n_fields;
};

static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct marks *m = state;
    enum jt_err err = jt_marked_list(ctx, &call->credential, &m->tokens);
    return err == JT_OK ? jt_sets_fields(ctx, &m->fields, &m->n_fields) : err;
}

static const char *name_of(const struct marks *m, uint32_t field)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        if (m->fields[i].spec.id == field) {
            return m->fields[i].spec.name;
        }
    }
    return "";
}

static json_t *marks_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct marks *m = state;
    json_t *all = json_array();
    for (size_t i = 0; i < m->tokens.n && all != NULL; i++) {
        char text[JT_TOKEN_TEXT_LEN + 1];
        jt_token_format(m->tokens.marks[i].token, text);
        json_t *mark =
            json_pack("{ss,ss}", "field", name_of(m, m->tokens.marks[i].field), "token", text);
        if (json_array_append_new(all, mark) != 0) {
            json_decref(all);
            all = NULL;
        }
    }
    return all == NULL ? NULL : json_pack("{so}", "marks", all);
}

static void clear(void *state)
{
    free(((struct marks *)state)->fields);
}

const struct jt_operation jt_operation_honey_list = {
    .state_size = sizeof(struct marks),
    .act = list,
    .status = 200,
    .answer = marks_answer,
    .clear = clear,
};
