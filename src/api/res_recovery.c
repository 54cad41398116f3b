/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/recovery: what disagrees between a database that went back and the keepers, what would become
 * of each generation, and the request that custodians approve.
 */
#include "api/approvals_json.h"
#include "api/dates.h"
#include "api/json.h"
#include "api/operation.h"
#include "base/clock.h"
#include "base/hex.h"
#include "vault/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_MS UINT64_C(1577836800000) /* 2020-01-01T00:00:00Z since 1970 */

struct state {
    char approval[JT_APPROVAL_TEXT_MAX + 1];
    char floor[JT_DATE_TEXT];
    struct jt_recover_look *look;
};

/* --- the answer --- */

/* A system identifier has 64 bits, more than a number in JSON. */
static json_t *course_json(uint64_t system, uint32_t timeline, uint64_t lsn, uint64_t renewals,
                           uint64_t epoch)
{
    char text[24], at[JT_LSN_TEXT];
    (void)snprintf(text, sizeof text, "%" PRIu64, system);
    jt_course_lsn_format(lsn, at);
    return json_pack("{so,sI,ss,sI,sI}", "system_identifier",
                     system == 0 ? json_null() : json_string(text), "timeline",
                     (json_int_t)timeline, "lsn", at, "renewals", (json_int_t)renewals, "epoch",
                     (json_int_t)epoch);
}

static json_t *view_json(const struct jt_keeper_view *v)
{
    return course_json(v->system_identifier, v->timeline, v->lsn, v->renewals, v->epoch);
}

/* What a keeper has told in the database; it is looked at before it counts. */
static json_t *nodes_json(const struct jt_recover_look *look)
{
    json_t *all = json_array();
    for (size_t i = 0; i < look->database.n_views; i++) {
        const struct jt_keeper_view *v = &look->database.views[i];
        json_t *one = view_json(v);
        bool valid = jt_node_name_valid(v->node);
        (void)json_object_set_new(one, "node", json_string(valid ? v->node : "(not a name)"));
        (void)json_object_set_new(one, "at", json_string(look->views_at[i]));
        (void)json_array_append_new(all, one);
    }
    return all;
}

static json_t *state_json(uint8_t state)
{
    return state == 0 ? json_null()
                      : json_string(jt_generation_state_name((enum jt_generation_state)state));
}

/* The nodes whose keepers have a key under its key id, this one first. */
static json_t *holders_json(const struct jt_recover_look *look, const struct jt_recovery_change *c)
{
    json_t *all = json_array();
    if (c->held) {
        (void)json_array_append_new(all, json_string(look->own.node));
    }
    for (size_t i = 0; i < look->database.n_views; i++) {
        const struct jt_keeper_view *v = &look->database.views[i];
        if (jt_node_name_valid(v->node) && strcmp(v->node, look->own.node) != 0 &&
            jt_key_id_set_has(v->key_ids, c->key_id)) {
            (void)json_array_append_new(all, json_string(v->node));
        }
    }
    return all;
}

static json_t *change_json(const struct jt_recover_look *look, const struct jt_recovery_change *c)
{
    char check[2 * JT_CHECK_VALUE_LEN + 1];
    jt_hex_encode(c->check_value, sizeof c->check_value, check);
    return json_pack("{sI,si,ss,so,so,so,sb,so,sI,sb}", "number", (json_int_t)c->number, "key_id",
                     (int)c->key_id, "check_value", check, "keeper", state_json(c->keeper_state),
                     "database", state_json(c->database_state), "after", state_json(c->after),
                     "compromised", (int)c->compromised, "held_by", holders_json(look, c), "cards",
                     (json_int_t)c->n_cards, "cards_lost", (int)c->lost);
}

/* Null where nothing disagrees, or where there can be none. */
static json_t *plan_json(const struct jt_recover_look *look)
{
    const struct jt_recovery_plan *plan = &look->opened.plan;
    if (look->why == JT_OK || look->plan_err != JT_OK) {
        return json_null();
    }
    json_t *all = json_array();
    for (size_t i = 0; i < plan->n; i++) {
        (void)json_array_append_new(all, change_json(look, &plan->all[i]));
    }
    return json_pack("{sI,so}", "epoch", (json_int_t)look->opened.request.epoch, "generations",
                     all);
}

static const char *state_of(const struct jt_recover_look *look)
{
    bool elsewhere = strcmp(look->row.node, look->own.node) != 0;
    return look->row.epoch != 0                               ? "done"
           : look->standing == JT_RECOVERY_WAITING            ? "waiting"
           : look->standing == JT_RECOVERY_DUE                ? "approved"
           : elsewhere && look->standing == JT_RECOVERY_STALE ? "elsewhere"
                                                              : "stale";
}

static json_t *request_json(const struct jt_recover_look *look)
{
    const struct jt_recovery_row *row = &look->row;
    if (row->id == 0) {
        return json_null();
    }
    return json_pack("{ss,ss,ss,ss,ss,sI,so,so,so}", "node",
                     jt_node_name_valid(row->node) ? row->node : "(not a name)", "state",
                     state_of(look), "text", look->request.text, "requested_at", row->requested_at,
                     "requested_by", row->requested_by, "approvals_needed",
                     (json_int_t)JT_CUSTODIANS_NEEDED, "approvals",
                     jt_approvals_json(look->approvals, look->n_approvals), "epoch",
                     row->epoch == 0 ? json_null() : json_integer((json_int_t)row->epoch),
                     "done_at", jt_json_text_or_null(row->done_at));
}

static json_t *answer(const struct jt_api *api, void *arg)
{
    (void)api;
    const struct jt_recover_look *look = ((const struct state *)arg)->look;
    const struct jt_course *now = &look->database.course;
    bool refused = look->why != JT_OK && look->plan_err != JT_OK;
    return json_pack("{ss,so,so,so,so,so,so,so}", "node", look->own.node, "disagrees",
                     jt_json_text_or_null(look->why == JT_OK ? "" : jt_err_str(look->why)),
                     "keeper", view_json(&look->own), "database",
                     course_json(now->system_identifier, now->timeline, now->lsn,
                                 jt_course_renewals(now), look->database.ring.epoch),
                     "nodes", nodes_json(look), "plan", plan_json(look), "plan_refused",
                     jt_json_text_or_null(refused ? jt_err_str(look->plan_err) : ""), "request",
                     request_json(look));
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
    (void)call;
    struct state *s = arg;
    enum jt_err err = room(s);
    return err == JT_OK ? jt_recover_look_at(ctx, s->look) : err;
}

const struct jt_operation jt_operation_recovery_get = {
    .state_size = sizeof(struct state),
    .act = get,
    .status = 200,
    .answer = answer,
    .clear = clear,
};

static bool is_floor(const char *text)
{
    uint64_t latest_us = jt_clock_wall_us() + JT_RECOVERY_FLOOR_AHEAD_MS * 1000;
    return *text == '\0' || (jt_text_is_time_or_empty(text) && jt_date_of(text) <= latest_us);
}

static const struct jt_member members_of_ask[] = {
    { "ids_after", &jt_member_text, JT_MEMBER_AT(struct state, floor), .valid = is_floor,
      .must = "a time, at most a day ahead" },
};

static uint64_t floor_of(const char *text)
{
    uint64_t ms = *text == '\0' ? EPOCH_MS : jt_date_of(text) / 1000;
    return *text == '\0' ? 0 : ms > EPOCH_MS ? ms - EPOCH_MS : 1;
}

/*
 * What stood before and was not carried out gives way. No Idempotency-Key is looked at: while the
 * database is refused no lane has a connection to it.
 */
static enum jt_err ask(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct state *s = arg;
    enum jt_err err = room(s);
    return err == JT_OK ? jt_recover_ask(ctx, floor_of(s->floor), call->actor, s->look) : err;
}

const struct jt_operation jt_operation_recovery_ask = {
    .members = JT_MEMBERS(members_of_ask),
    .state_size = sizeof(struct state),
    .act = ask,
    .status = 200,
    .answer = answer,
    .clear = clear,
    .once = JT_ONCE_IGNORED,
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
    return err == JT_OK ? jt_recover_approve(ctx, &approval, call->actor, s->look) : err;
}

const struct jt_operation jt_operation_recovery_approve = {
    .members = JT_MEMBERS(members_of_approve),
    .state_size = sizeof(struct state),
    .act = approve,
    .status = 200,
    .answer = answer,
    .clear = clear,
    .once = JT_ONCE_IGNORED, /* the same signature twice is one */
};
