/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/audit/search: who was given the card of a token, and when. */
#include "api/handlers.h"
#include "api/members.h"
#include "api/task.h"
#include "pan/token.h"
#include "store/audit.h"
#include "vault/registry.h"

#include <string.h>

#define MAX_READINGS  1000
#define TIME_TEXT_MAX 40

struct search {
    struct jt_task task;
    char field[JT_FIELD_NAME_MAX + 1], since[TIME_TEXT_MAX], until[TIME_TEXT_MAX];
    uint8_t token[JT_TOKEN_LEN];
    json_t *readings;
};

static void add(void *arg, const struct jt_audit_reading *r)
{
    struct search *s = arg;
    (void)json_array_append_new(s->readings,
                                json_pack("{sI,ss,ss,ss}", "seq", (json_int_t)r->seq, "at", r->at,
                                          "client", r->client, "node", r->node));
}

/* One more than is answered, so that it is seen when there are more. */
static enum jt_err run(struct jt_task *task, struct jt_work_ctx *ctx)
{
    struct search *s = (struct search *)task;
    struct jt_field_spec field;
    struct jt_identify_reply reply;
    enum jt_err err = jt_registry_get_field(ctx, s->field, &field);
    if (err == JT_OK) {
        const struct jt_identify_item item = { .field = field.id, .token = s->token };
        err = jt_keyclient_wait_identify(ctx->keeper, &item, 1, &reply);
    }
    if (err == JT_OK) {
        err = reply.results[0].err;
    }
    if (err == JT_OK) {
        err = jt_audit_readings(ctx->db, field.id, reply.results[0].id, s->since, s->until,
                                MAX_READINGS + 1, add, s);
    }
    return err;
}

static json_t *take_readings(struct jt_task *task)
{
    struct search *s = (struct search *)task;
    json_t *readings = s->readings;
    s->readings = NULL;
    return readings;
}

static void answer(struct jt_task *task)
{
    json_t *readings = take_readings(task);
    bool more = json_array_size(readings) > MAX_READINGS;
    if (more) {
        (void)json_array_remove(readings, MAX_READINGS);
    }
    jt_request_answer_json(task->http, 200,
                           json_pack("{so,sb}", "readings", readings, "more", (int)more));
}

static void failed(struct jt_task *task)
{
    json_decref(take_readings(task));
    /* of what comes here only the database reads the times */
    if (task->err == JT_ERR_DB_REFUSED) {
        jt_members_refuse(task->http, "since or until", "a time as in 2026-11-01T00:00:00Z");
    } else {
        jt_task_refuse(task);
    }
}

/* An optional member that is a text; answers when it is there and no text that fits. */
static bool take_text(struct jt_request *r, const char *name, const char *must, char *out,
                      size_t size)
{
    json_t *value = json_object_get(r->json, name);
    const char *text = value == NULL ? "" : jt_json_text(value);
    if (text == NULL || strlen(text) >= size) {
        jt_members_refuse(r, name, must);
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_token(struct jt_request *r, uint8_t out[static JT_TOKEN_LEN])
{
    json_t *token = json_object_get(r->json, "token");
    if (json_is_string(token) &&
        jt_token_parse(json_string_value(token), json_string_length(token), out) == JT_OK) {
        return true;
    }
    jt_members_refuse(r, "token", "a text: jtk_ and 26 characters of lower-case base32");
    return false;
}

static bool take_members(struct search *s, struct jt_request *r)
{
    static const char a_time[] = "a time as in 2026-11-01T00:00:00Z";
    return take_token(r, s->token) &&
           take_text(r, "field", "the name of a field", s->field, sizeof s->field) &&
           take_text(r, "since", a_time, s->since, sizeof s->since) &&
           take_text(r, "until", a_time, s->until, sizeof s->until);
}

void jt_handle_audit_search(struct jt_request *r)
{
    static const char *const members[] = { "field", "token", "since", "until", NULL };
    if (!jt_members_only(r, members) || jt_members_need(r, "field") == NULL ||
        jt_members_need(r, "token") == NULL) {
        return;
    }
    struct search *s = jt_task_new(r, sizeof *s);
    if (s == NULL || !take_members(s, r)) {
        return;
    }
    s->readings = json_array();
    s->task.run = run;
    s->task.answer = answer;
    s->task.failed = failed;
    jt_task_post(&s->task);
}
