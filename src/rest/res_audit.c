/* POST /v1/audit/search: who was given the card of a token, and when. */
#include "rest/handlers.h"
#include "rest/task.h"
#include "pan/token.h"
#include "store/audit.h"
#include "vault/registry.h"

#include <string.h>

#define MAX_READINGS 1000
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
    (void)json_array_append_new(s->readings, json_pack("{sI,ss,ss,ss}", "seq", (json_int_t)r->seq, "at", r->at, "client",
                                                       r->client, "node", r->node));
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
        err = jt_audit_readings(ctx->db, field.id, reply.results[0].id, s->since, s->until, MAX_READINGS + 1, add, s);
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
    jt_request_answer_json(task->http, 200, json_pack("{so,sb}", "readings", readings, "more", (int)more));
}

static void failed(struct jt_task *task)
{
    json_decref(take_readings(task));
    if (task->err == JT_ERR_NOT_FOUND) {
        jt_request_answer_problem(task->http, JT_PROBLEM_TOKEN_UNKNOWN);
    } else {
        jt_request_answer_err(task->http, task->err);
    }
}

/* An optional member; false when it is there and no text that fits. */
static bool take_text(json_t *body, const char *name, char *out, size_t size)
{
    json_t *value = json_object_get(body, name);
    const char *text = value == NULL ? "" : jt_json_text(value);
    if (text == NULL || strlen(text) >= size) {
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_members(struct search *s, json_t *body)
{
    json_t *token = json_object_get(body, "token");
    return json_is_string(token) &&
           jt_token_parse(json_string_value(token), json_string_length(token), s->token) == JT_OK &&
           take_text(body, "field", s->field, sizeof s->field) && take_text(body, "since", s->since, sizeof s->since) &&
           take_text(body, "until", s->until, sizeof s->until);
}

void jt_handle_audit_search(struct jt_request *r)
{
    static const char *const members[] = { "field", "token", "since", "until", NULL };
    if (!jt_json_only_members(r->json, members)) {
        jt_request_answer_problem(r, JT_PROBLEM_UNKNOWN_MEMBER);
        return;
    }
    if (json_object_get(r->json, "field") == NULL || json_object_get(r->json, "token") == NULL) {
        jt_request_answer_problem(r, JT_PROBLEM_MISSING_MEMBER);
        return;
    }
    struct search *s = jt_task_new(r, sizeof *s);
    if (s == NULL) {
        return;
    }
    if (!take_members(s, r->json)) {
        jt_request_answer_problem(r, JT_PROBLEM_INVALID_VALUE);
        return;
    }
    s->readings = json_array();
    s->task.run = run;
    s->task.answer = answer;
    s->task.failed = failed;
    jt_task_post(&s->task);
}
