/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/generations: list, get, create, activate, abandon; what applications keep under one. */
#include "api/api.h"
#include "api/backup_json.h"
#include "api/dates.h"
#include "api/operation.h"
#include "base/hex.h"
#include "base/jsonw.h"
#include "vault/inspect.h"
#include "vault/activation.h"
#include "vault/compromise.h"
#include "vault/plan.h"
#include "vault/roll.h"

#include <stdlib.h>
#include <string.h>

/* Texts that are null where they are empty. */
struct text_of {
    const char *name, *text;
};

static json_t *generation_json(const struct jt_generation_info *g)
{
    const struct text_of texts[] = {
        { "created_at", g->created_at },
        { "created_by", g->created_by },
        { "adopt_at", g->adopt_at },
        { "planned_by", g->planned_by },
        { "activated_at", g->activated_at },
        { "activated_by", g->activated_by },
        { "holder_override", g->holder_override },
        { "second_holder", g->second_holder },
        { "draining_at", g->draining_at },
        { "draining_by", g->draining_by },
        { "retired_at", g->retired_at },
        { "retired_by", g->retired_by },
        { "destroyed_at", g->destroyed_at },
        { "destroyed_by", g->destroyed_by },
        { "compromised_at", g->compromised_at },
        { "compromised_by", g->compromised_by },
        { "compromised_why", g->compromised_why },
    };
    char check_value[2 * JT_CHECK_VALUE_LEN + 1];
    jt_hex_encode(g->row.check_value, JT_CHECK_VALUE_LEN, check_value);
    json_t *json =
        json_pack("{sI,si,ss,ss,sb,sI,sI,sI,sI,sI,sI}", "number", (json_int_t)g->row.number,
                  "key_id", (int)g->row.key_id, "state", jt_generation_state_name(g->row.state),
                  "check_value", check_value, "compromised", g->compromised_at[0] != '\0', "rows",
                  (json_int_t)jt_generation_rows(g), "rows_written", (json_int_t)g->rows_written,
                  "rows_moved_in", (json_int_t)g->rows_moved_in, "rows_moved_out",
                  (json_int_t)g->rows_moved_out, "rows_deleted", (json_int_t)g->rows_deleted,
                  "rows_written_off", (json_int_t)g->rows_written_off);
    for (size_t i = 0; json != NULL && i < sizeof texts / sizeof texts[0]; i++) {
        if (json_object_set_new(json, texts[i].name, jt_json_text_or_null(texts[i].text)) != 0) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}

/* Which recorded files still have its key. */
static bool add_backups(json_t *one, const struct jt_generation_row *row,
                        const struct jt_backup_info *info)
{
    json_t *list = json_object_get(one, "backups");
    return !jt_backup_has(&info->backup, row) ||
           json_array_append_new(list, jt_backup_name_json(&info->backup)) == 0;
}

/* Generations as an array, to which it is added who holds their keys. */
struct generations {
    json_t *found;
    struct jt_generation_row *rows; /* of each in `found` */
    size_t n_rows;
    bool failed;
};

static void add_standing(void *arg, uint64_t generation, const char *node, bool stands)
{
    struct generations *g = arg;
    size_t i;
    json_t *one;
    bool valid = jt_node_name_valid(node); /* a row that a stranger made may have any */
    json_array_foreach(g->found, i, one)
    {
        if (json_integer_value(json_object_get(one, "number")) == (json_int_t)generation) {
            json_t *list = json_object_get(one, stands ? "acknowledged_by" : "missing_nodes");
            g->failed |=
                json_array_append_new(list, json_string(valid ? node : "(not a name)")) != 0;
        }
    }
}

static bool add_backup(void *arg, const struct jt_backup_info *info)
{
    struct generations *g = arg;
    for (size_t i = 0; i < g->n_rows && !g->failed; i++) {
        g->failed = !add_backups(json_array_get(g->found, i), &g->rows[i], info);
    }
    return !g->failed;
}

/* --- list --- */

static bool keep_row(struct generations *g, const struct jt_generation_row *row)
{
    struct jt_generation_row *rows = reallocarray(g->rows, g->n_rows + 1, sizeof *rows);
    if (rows != NULL) {
        g->rows = rows;
        g->rows[g->n_rows++] = *row;
    }
    return rows != NULL;
}

static void add_to_list(void *arg, const struct jt_generation_info *info)
{
    struct generations *g = arg;
    json_t *one = generation_json(info);
    bool told = info->row.state <= JT_GENERATION_DRAINING; /* of the others nobody asks */
    g->failed |= told && (json_object_set_new(one, "acknowledged_by", json_array()) != 0 ||
                          json_object_set_new(one, "missing_nodes", json_array()) != 0);
    g->failed |= json_object_set_new(one, "backups", json_array()) != 0;
    g->failed |= json_array_append_new(g->found, one) != 0 || !keep_row(g, &info->row);
}

static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct generations *g = state;
    g->found = json_array();
    enum jt_err err = jt_inspect_generations(ctx, add_to_list, g);
    if (err == JT_OK) {
        err = jt_inspect_acks(ctx, add_standing, g);
    }
    if (err == JT_OK && !g->failed) {
        err = jt_backups_list(ctx, add_backup, g);
    }
    return err == JT_OK && g->failed ? JT_ERR_NOMEM : err;
}

static json_t *list_answer(const struct jt_api *api, void *state)
{
    const struct generations *g = state;
    return json_pack("{sI,sO}", "epoch", (json_int_t)atomic_load(&api->vault->ring_epoch),
                     "generations", g->found);
}

static void list_clear(void *state)
{
    struct generations *g = state;
    json_decref(g->found);
    free(g->rows);
}

const struct jt_operation jt_operation_generations_list = {
    .state_size = sizeof(struct generations),
    .act = list,
    .status = 200,
    .answer = list_answer,
    .clear = list_clear,
};

/* --- one generation --- */

struct one {
    struct jt_generation_info info;
    char override[sizeof(((struct jt_generation_info *)0)->holder_override)];
    char adopt_at[JT_DATE_TEXT];
    char reason[sizeof(((struct jt_generation_info *)0)->compromised_why)];
    struct jt_missing_nodes missing;
};

static json_t *answer_one(const struct jt_api *api, void *state)
{
    (void)api;
    return generation_json(&((const struct one *)state)->info);
}

static enum jt_err get(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_inspect_generation(ctx, call->params.number, &((struct one *)state)->info);
}

/* With the backups that have its key. */
struct seen {
    struct one one;
    json_t *with_backups; /* its member `backups` alone */
    bool failed;
};

static bool see_backup(void *arg, const struct jt_backup_info *info)
{
    struct seen *seen = arg;
    seen->failed = !add_backups(seen->with_backups, &seen->one.info.row, info);
    return !seen->failed;
}

static enum jt_err see(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct seen *seen = state;
    seen->with_backups = json_pack("{s[]}", "backups");
    enum jt_err err = get(call, &seen->one, ctx);
    if (err == JT_OK) {
        err = jt_backups_list(ctx, see_backup, seen);
    }
    return err == JT_OK && seen->failed ? JT_ERR_NOMEM : err;
}

static json_t *seen_answer(const struct jt_api *api, void *state)
{
    (void)api;
    struct seen *seen = state;
    json_t *json = generation_json(&seen->one.info);
    if (json_object_update(json, seen->with_backups) != 0) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

static void seen_clear(void *state)
{
    json_decref(((struct seen *)state)->with_backups);
}

const struct jt_operation jt_operation_generation_get = {
    .state_size = sizeof(struct seen),
    .act = see,
    .status = 200,
    .answer = seen_answer,
    .clear = seen_clear,
};

/* --- what applications keep --- */

struct held {
    json_t *fields;
    bool failed;
};

static void add_held(void *arg, const struct jt_held_last *last)
{
    struct held *h = arg;
    json_t *field = json_pack("{ss,so,so}", "field", last->field, "last_sealed_at",
                              jt_json_text_or_null(last->sealed_at), "last_opened_at",
                              jt_json_text_or_null(last->opened_at));
    h->failed |= json_array_append_new(h->fields, field) != 0;
}

static enum jt_err held(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct held *h = state;
    h->fields = json_array();
    enum jt_err err = jt_inspect_held(ctx, call->params.number, add_held, h);
    return err == JT_OK && h->failed ? JT_ERR_NOMEM : err;
}

static json_t *held_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_pack("{sO}", "fields", ((const struct held *)state)->fields);
}

static void held_clear(void *state)
{
    json_decref(((struct held *)state)->fields);
}

const struct jt_operation jt_operation_generation_held = {
    .state_size = sizeof(struct held),
    .act = held,
    .status = 200,
    .answer = held_answer,
    .clear = held_clear,
};

/* --- acts --- */

#define OVERRIDE                                                                     \
    {                                                                                \
        "accept_single_holder", &jt_member_text, JT_MEMBER_AT(struct one, override), \
            .valid = jt_text_is_reason, .must = JT_REASON_MUST                       \
    }

static const struct jt_member members_of_create[] = {
    { "adopt_at", &jt_member_text, JT_MEMBER_AT(struct one, adopt_at),
      .valid = jt_text_is_time_or_empty, .must = JT_TIME_MUST },
    OVERRIDE,
};

/* The date of the body; JT_ERR_DATE_OVER: a slip, since the roll would follow at once. */
static enum jt_err take_plan(const struct one *o, const struct jt_work_ctx *ctx,
                             struct jt_generation_plan *plan)
{
    *plan = (struct jt_generation_plan){ 0 };
    if (o->adopt_at[0] != '\0') {
        plan->adopt_at_us = jt_date_of(o->adopt_at);
        memcpy(plan->holder_override, o->override, sizeof plan->holder_override);
        return plan->adopt_at_us > jt_date_now_us(ctx->vault) ? JT_OK : JT_ERR_DATE_OVER;
    }
    return JT_OK;
}

static enum jt_err create(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct one *o = state;
    struct jt_generation_plan plan;
    enum jt_err err = take_plan(o, ctx, &plan);
    if (err == JT_OK) {
        err = jt_roll_create(ctx, plan.adopt_at_us == 0 ? NULL : &plan, call->actor, &o->info);
    }
    return err;
}

static enum jt_err create_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct one *o = state;
    enum jt_err err = jt_inspect_generation(ctx, call->done, &o->info);
    bool is_it = err == JT_OK && strcmp(o->info.created_by, call->actor) == 0;
    return err == JT_OK && !is_it ? JT_ERR_CHANGED_SINCE : err;
}

const struct jt_operation jt_operation_generation_create = {
    .members = JT_MEMBERS(members_of_create),
    .state_size = sizeof(struct one),
    .act = create,
    .status = 201,
    .answer = answer_one,
    .once = JT_ONCE_TAKEN,
    .again = create_again,
};

static const struct jt_member members_of_activate[] = { OVERRIDE };

static enum jt_err activate(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct one *o = state;
    const char *override = o->override[0] == '\0' ? NULL : o->override;
    const struct jt_activation activation = { .number = call->params.number,
                                              .actor = call->actor,
                                              .holder_override = override };
    return jt_activation_run(ctx, &activation, &o->info, &o->missing);
}

/* Who has not acknowledged. A row that a stranger made may have any name. */
static void activate_failed(enum jt_err err, const void *state, struct jt_buf *out)
{
    const struct jt_missing_nodes *missing = &((const struct one *)state)->missing;
    if (err != JT_ERR_NODES_MISSING) {
        return;
    }
    jt_jsonw_array(out, "missing_nodes");
    for (size_t i = 0; i < missing->n; i++) {
        bool valid = jt_node_name_valid(missing->names[i]);
        jt_jsonw_array_text(out, valid ? missing->names[i] : "(not a name)");
    }
    jt_jsonw_array_end(out);
}

static enum jt_err activate_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    enum jt_err err = get(call, state, ctx);
    bool is_future = ((struct one *)state)->info.row.state == JT_GENERATION_FUTURE;
    return err == JT_OK && is_future ? activate(call, state, ctx) : err;
}

const struct jt_operation jt_operation_generation_activate = {
    .members = JT_MEMBERS(members_of_activate),
    .state_size = sizeof(struct one),
    .act = activate,
    .failure = activate_failed,
    .status = 200,
    .answer = answer_one,
    .once = JT_ONCE_TAKEN,
    .again = activate_again,
};

static enum jt_err abandon(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct one *o = state;
    return jt_roll_abandon(ctx, call->params.number, call->actor, &o->info);
}

static enum jt_err abandon_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    enum jt_err err = get(call, state, ctx);
    bool stands = ((struct one *)state)->info.row.state == JT_GENERATION_DESTROYED;
    return err == JT_OK && !stands ? abandon(call, state, ctx) : err;
}

const struct jt_operation jt_operation_generation_abandon = {
    .state_size = sizeof(struct one),
    .act = abandon,
    .status = 200,
    .answer = answer_one,
    .once = JT_ONCE_TAKEN,
    .again = abandon_again,
};

static const struct jt_member members_of_plan[] = {
    { "adopt_at", &jt_member_text, JT_MEMBER_AT(struct one, adopt_at), .required = true,
      .valid = jt_text_is_time_or_empty, .must = JT_TIME_MUST ", or empty" },
    OVERRIDE,
};

static enum jt_err plan(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct one *o = state;
    struct jt_generation_plan plan;
    enum jt_err err = take_plan(o, ctx, &plan);
    return err == JT_OK ? jt_plan_set(ctx, call->params.number, &plan, call->actor, &o->info) : err;
}

static enum jt_err plan_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct one *o = state;
    uint64_t asked_us = o->adopt_at[0] == '\0' ? 0 : jt_date_of(o->adopt_at);
    enum jt_err err = get(call, state, ctx);
    return err == JT_OK && o->info.plan.adopt_at_us != asked_us ? JT_ERR_CHANGED_SINCE : err;
}

const struct jt_operation jt_operation_generation_plan = {
    .members = JT_MEMBERS(members_of_plan),
    .state_size = sizeof(struct one),
    .act = plan,
    .status = 200,
    .answer = answer_one,
    .once = JT_ONCE_TAKEN,
    .again = plan_again,
};

static const struct jt_member members_of_compromise[] = {
    { "reason", &jt_member_text, JT_MEMBER_AT(struct one, reason), .required = true,
      .valid = jt_text_is_reason, .must = JT_REASON_MUST },
    OVERRIDE,
};

/* A mark that is there stays: whoever asks again gets it as it stands. */
static enum jt_err compromise(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct one *o = state;
    return jt_compromise_run(ctx, call->params.number, o->reason, call->actor,
                             o->override[0] == '\0' ? NULL : o->override, &o->info, &o->missing);
}

const struct jt_operation jt_operation_generation_compromise = {
    .members = JT_MEMBERS(members_of_compromise),
    .state_size = sizeof(struct one),
    .act = compromise,
    .status = 200,
    .answer = answer_one,
    .failure = activate_failed,
    .once = JT_ONCE_TAKEN,
    .again = compromise,
};
