/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/fields/{field}/column: the column of an application's table that is registered with a field;
 * /column/counts: how many envelopes somebody found there.
 */
#include "api/field_json.h"
#include "api/json.h"
#include "api/operation.h"
#include "vault/appcolumns.h"

#include <stdio.h>
#include <string.h>

/* --- show --- */

static json_t *column_json(const char *text)
{
    struct jt_appcolumn c;
    char table[2 * JT_APP_NAME_MAX + 2];
    if (!jt_appcolumn_parse(text, &c)) {
        return NULL;
    }
    (void)snprintf(table, sizeof table, "%s.%s", c.schema, c.table);
    return json_pack("{ss,ss,ss,ss,ss}", "database", c.database, "table", table, "key", c.key,
                     "value", c.value, "envelope", c.envelope);
}

static json_t *generation_json(const struct jt_column_generation *g)
{
    return json_pack("{sI,si,ss,so,sb,so,so}", "generation", (json_int_t)g->number, "key_id",
                     (int)g->key_id, "state",
                     jt_generation_state_name((enum jt_generation_state)g->state), "envelopes",
                     g->counted ? json_integer((json_int_t)g->envelopes) : json_null(), "current",
                     (int)g->current, "counted_at", jt_json_text_or_null(g->counted_at),
                     "counted_by", jt_json_text_or_null(g->counted_by));
}

static json_t *view_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct jt_column_view *v = state;
    json_t *generations = json_array();
    for (size_t i = 0; i < v->n; i++) {
        (void)json_array_append_new(generations, generation_json(&v->generations[i]));
    }
    return json_pack("{ss,so,sI,so}", "field", v->field.name, "column",
                     column_json(v->field.column), "epoch", (json_int_t)v->epoch, "generations",
                     generations);
}

static enum jt_err look(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_appcolumn_look(ctx, call->params.field, state);
}

const struct jt_operation jt_operation_column_get = {
    .state_size = sizeof(struct jt_column_view),
    .act = look,
    .status = 200,
    .answer = view_answer,
};

/* --- register, and take away --- */

struct registration {
    struct jt_field_row row; /* first: what the answer is made of */
    struct jt_appcolumn column;
    char table[2 * JT_APP_NAME_MAX + 2];
};

#define NAME_MUST "1 to 63 letters, digits, _ and $, and not begin with a digit"

static const struct jt_member members[] = {
    { "database", &jt_member_text, JT_MEMBER_AT(struct registration, column.database),
      .required = true, .valid = jt_appcolumn_name_valid, .must = NAME_MUST },
    { "table", &jt_member_text, JT_MEMBER_AT(struct registration, table), .required = true,
      .valid = jt_appcolumn_table_valid, .must = "schema.table, each as the names of columns" },
    { "key", &jt_member_text, JT_MEMBER_AT(struct registration, column.key), .required = true,
      .valid = jt_appcolumn_name_valid, .must = NAME_MUST },
    { "value", &jt_member_text, JT_MEMBER_AT(struct registration, column.value), .required = true,
      .valid = jt_appcolumn_name_valid, .must = NAME_MUST },
    { "envelope", &jt_member_text, JT_MEMBER_AT(struct registration, column.envelope),
      .required = true, .valid = jt_appcolumn_name_valid, .must = NAME_MUST },
};

static enum jt_err add(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct registration *r = state;
    const char *dot = strchr(r->table, '.');
    if (dot == NULL) {
        return JT_ERR_COLUMN_NAMES;
    }
    (void)snprintf(r->column.schema, sizeof r->column.schema, "%.*s", (int)(dot - r->table),
                   r->table);
    (void)snprintf(r->column.table, sizeof r->column.table, "%s", dot + 1);
    return jt_appcolumn_add(ctx, call->params.field, &r->column, call->actor, &r->row);
}

static enum jt_err remove_it(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct registration *r = state;
    return jt_appcolumn_remove(ctx, call->params.field, call->actor, &r->row);
}

static json_t *field_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return jt_field_json(&((const struct registration *)state)->row);
}

const struct jt_operation jt_operation_column_add = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct registration),
    .act = add,
    .status = 200,
    .answer = field_answer,
    .once = JT_ONCE_IGNORED, /* the same again is the same */
};

const struct jt_operation jt_operation_column_remove = {
    .state_size = sizeof(struct registration),
    .act = remove_it,
    .status = 200,
    .answer = field_answer,
};

/* --- count --- */

struct counting {
    struct jt_column_view view; /* first: what the answer is made of */
    struct jt_column_said said;
};

/* A whole number from 0 on; of what is no integer, nothing. */
static bool whole(json_t *value, json_int_t max, uint64_t *out)
{
    json_int_t v = json_integer_value(value);
    *out = (uint64_t)v;
    return json_is_integer(value) && v >= 0 && v <= max;
}

static bool take_epoch(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    return whole(value, INT64_MAX, at);
}

static bool take_counts(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_column_said *said = at;
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > JT_RING_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(value, i);
        uint64_t key_id = 0;
        if (json_object_size(one) != 3 ||
            !whole(json_object_get(one, "generation"), INT64_MAX, &said->counts[i].generation) ||
            !whole(json_object_get(one, "key_id"), JT_KEY_IDS, &key_id) ||
            !whole(json_object_get(one, "envelopes"), INT64_MAX, &said->counts[i].envelopes)) {
            return false;
        }
        said->counts[i].key_id = (uint8_t)key_id;
    }
    said->n = n;
    return true;
}

static const struct jt_member_kind epoch_kind = { "integer", take_epoch },
                                   counts_kind = { "array", take_counts };

static const struct jt_member count_members[] = {
    { "epoch", &epoch_kind, JT_MEMBER_AT(struct counting, said.epoch), .required = true,
      .must = "the epoch that the column's resource told before it was counted" },
    { "counts", &counts_kind, JT_MEMBER_AT(struct counting, said), .required = true,
      .must = "an array of at most 255 objects of generation, key_id and envelopes, all integers" },
};

static enum jt_err count(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct counting *c = state;
    return jt_appcolumn_count(ctx, call->params.field, &c->said, call->actor, &c->view);
}

const struct jt_operation jt_operation_column_count = {
    .members = JT_MEMBERS(count_members),
    .state_size = sizeof(struct counting),
    .act = count,
    .status = 200,
    .answer = view_answer,
    .once = JT_ONCE_IGNORED, /* what stands is the last that was said */
};
