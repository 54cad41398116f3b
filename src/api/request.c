/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include "api/access.h"
#include "api/api.h"
#include "api/budget.h"
#include "api/json.h"
#include "api/metrics.h"
#include "api/once.h"
#include "api/operation.h"
#include "api/origin.h"
#include "api/query.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/secmem.h"
#include "http/media.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool jt_request_wanted(const struct jt_request *r)
{
    return r->http.charge.conn != NULL;
}

static void note(struct jt_request *r, const struct jt_failure *what, const char *cause,
                 enum jt_problem_type problem)
{
    struct jt_failure failure = *what;
    char object[120];
    (void)snprintf(object, sizeof object, "%s %s: %s", r->route->method, r->route->path, cause);
    failure.status = jt_problem_status(problem);
    failure.object = object;
    failure.origin = &r->origin;
    jt_failures_note(r->api->vault->failures, &failure);
}

void jt_request_note_refusal(struct jt_request *r, const char *client, enum jt_problem_type problem)
{
    const struct jt_failure failure = { .action = JT_AUDIT_REFUSED,
                                        .known = true,
                                        .client = client };
    note(r, &failure, jt_problem_name(problem), problem);
}

void jt_request_note_login(struct jt_request *r, enum jt_problem_type problem, const char *cause,
                           bool known)
{
    const struct jt_failure failure = { .action = JT_AUDIT_LOGIN_REFUSED,
                                        .known = known,
                                        .client = r->credential.id };
    note(r, &failure, cause, problem);
}

/* What a known client was refused, unless its items are counted in a row of their own. */
static void note_failure(struct jt_request *r, enum jt_problem_type problem)
{
    if (r->client[0] != '\0' && (!r->audited || jt_problem_status(problem) >= 500)) {
        jt_request_note_refusal(r, r->client, problem);
    }
}

/*
 * A body that memory was missing for is made once more, in its shortest form. If there is none for
 * that either, the answer has no body: never half of one.
 */
static void mend_body(struct jt_http_answer *answer, enum jt_problem_type problem)
{
    if (jt_buf_status(&answer->body) == JT_OK) {
        return;
    }
    jt_buf_reset(&answer->body);
    jt_problem_write(problem, &answer->body);
    if (jt_buf_status(&answer->body) != JT_OK) {
        jt_buf_reset(&answer->body);
        answer->media_type = NULL;
    }
}

/* The body stands in the answer already. `status` is that of an answer without problem. */
static void finish_as(struct jt_request *r, int status, const char *media_type,
                      enum jt_problem_type problem)
{
    struct jt_http_answer *answer = &r->http.answer;
    if (problem != JT_PROBLEM_NONE) {
        note_failure(r, problem);
        jt_problem_head(problem, answer);
        mend_body(answer, problem);
    } else {
        answer->status = status;
        answer->media_type = status == 204 || status == 304 ? NULL : media_type;
    }
    if (r->budget != NULL) {
        jt_budget_tell(r, problem);
    }
    uint64_t us = (uint64_t)(jt_clock_us() - r->began_us);
    int told = jt_request_wanted(r) ? answer->status : JT_CODE_CLIENT_GONE;
    jt_metrics_request(r->api->metrics, r->route, told, us);
    if (r->api->access_log) {
        jt_access_note(r, told, us);
    }
    jt_exchange_answered(&r->http);
}

static void finish(struct jt_request *r, int status, enum jt_problem_type problem)
{
    finish_as(r, status, "application/json", problem);
}

void jt_request_answer_problem_with(struct jt_request *r, enum jt_problem_type problem,
                                    void (*members)(const void *arg, struct jt_buf *out),
                                    const void *arg)
{
    if (jt_problem_status(problem) == 503) {
        jt_count(&r->api->vault->counters.unavailable, 1);
    }
    jt_buf_reset(&r->http.answer.body);
    jt_problem_write_with(problem, members, arg, &r->http.answer.body);
    finish(r, 0, problem);
}

void jt_request_answer_problem(struct jt_request *r, enum jt_problem_type problem)
{
    jt_request_answer_problem_with(r, problem, NULL, NULL);
}

void jt_request_retry_after(struct jt_request *r, int64_t seconds)
{
    (void)snprintf(r->retry_after, sizeof r->retry_after, "%lld", (long long)seconds);
    r->http.answer.name = "Retry-After";
    r->http.answer.value = r->retry_after;
}

void jt_request_answer_detail(struct jt_request *r, enum jt_problem_type problem,
                              const char *detail)
{
    jt_buf_reset(&r->http.answer.body);
    jt_problem_write_detail(problem, detail, &r->http.answer.body);
    finish(r, 0, problem);
}

void jt_request_answer_at(struct jt_request *r, enum jt_problem_type problem, const char *detail,
                          const char *pointer)
{
    jt_buf_reset(&r->http.answer.body);
    jt_problem_write_at(problem, detail, pointer, &r->http.answer.body);
    finish(r, 0, problem);
}

void jt_request_answer_fault(struct jt_request *r, enum jt_err err, const char *subject)
{
    jt_request_answer_fault_with(r, err, subject, NULL, NULL);
}

void jt_request_answer_fault_with(struct jt_request *r, enum jt_err err, const char *subject,
                                  void (*members)(const void *arg, struct jt_buf *out),
                                  const void *arg)
{
    enum jt_problem_type problem = jt_problem_of_err(err);
    if (jt_problem_status(problem) == 503) {
        jt_count(&r->api->vault->counters.unavailable, 1);
    }
    jt_buf_reset(&r->http.answer.body);
    jt_problem_write_about_with(err, subject, members, arg, &r->http.answer.body);
    finish(r, 0, problem);
}

void jt_request_answer_err(struct jt_request *r, enum jt_err err)
{
    jt_request_answer_problem(r, jt_problem_of_err(err));
}

void jt_request_answer_impossible(struct jt_request *r, const char *place)
{
    struct jt_fault fault = { .err = JT_OK };
    char line[JT_FAULT_LINE_LEN];
    enum jt_err err = jt_fault_note(&fault, JT_ERR_IMPOSSIBLE, place, "%s", "");
    jt_log(JT_LOG_ERROR, "request %s: %s", r->http.answer.request_id,
           jt_fault_line(&fault, err, line));
    jt_request_answer_err(r, err);
}

static void answer_as(struct jt_request *r, int status, const char *media_type)
{
    enum jt_err err = jt_buf_status(&r->http.answer.body);
    if (err == JT_OK) {
        finish_as(r, status, media_type, JT_PROBLEM_NONE);
    } else if (err == JT_ERR_NOMEM) {
        jt_request_answer_err(r, err);
    } else {
        jt_impossible(r); /* there is room for what all items of the longest body can become */
    }
}

void jt_request_answer_reply(struct jt_request *r, int status)
{
    answer_as(r, status, "application/json");
}

void jt_request_answer_text(struct jt_request *r, int status)
{
    answer_as(r, status, "text/plain; charset=utf-8");
}

static int put_chunk(const char *chunk, size_t len, void *arg)
{
    jt_buf_put(arg, chunk, len);
    return 0;
}

void jt_request_answer_json(struct jt_request *r, int status, json_t *body)
{
    jt_buf_reset(&r->http.answer.body);
    if (body == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM); /* each text in it is UTF-8 */
    } else if (json_dump_callback(body, put_chunk, &r->http.answer.body, JSON_COMPACT) != 0) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
    } else {
        jt_request_answer_reply(r, status);
    }
    json_decref(body);
}

/* --- before the body --- */

#define QUERY_NAME_MAX 32

/*
 * A query parameter is named in the answer only if it is short and of letters: a card number in a
 * URL shall not come back in a body.
 */
static void query_name(struct jt_slice query, char out[static QUERY_NAME_MAX + 1])
{
    out[0] = '\0';
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
    size_t n = 0;
    while (n < query.len && memchr(letters, query.p[n], sizeof letters - 1) != NULL) {
        n++;
    }
    bool whole = n == query.len || query.p[n] == '=' || query.p[n] == '&';
    if (n <= QUERY_NAME_MAX && whole) {
        memcpy(out, query.p, n);
        out[n] = '\0';
    }
}

static void write_parameter(const void *name, struct jt_buf *out)
{
    jt_jsonw_text(out, "parameter", name);
}

static void write_limit(const void *api, struct jt_buf *out)
{
    jt_jsonw_int(out, "limit", ((const struct jt_api *)api)->vault->conf->front_max_body);
}

static void tell_allowed(struct jt_request *r)
{
    r->http.answer.name = "Allow";
    r->http.answer.value = r->allow;
}

static bool takes_query(const struct jt_operation *operation, struct jt_slice query)
{
    const char *taken = operation->query;
    return taken != NULL && strlen(taken) == query.len && memcmp(taken, query.p, query.len) == 0;
}

/* The query of an operation that takes one. */
static bool read_query(struct jt_request *r, const struct jt_head *head)
{
    const struct jt_members *members = &r->route->operation->members;
    jt_json_begin();
    if (strcmp(r->route->method, "GET") == 0 && members->n > 0) {
        r->json = jt_query_read(head->query, members);
    }
    return r->json != NULL;
}

static void refuse_query(struct jt_request *r, struct jt_slice query)
{
    char name[QUERY_NAME_MAX + 1];
    if (jt_json_ran_out()) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    query_name(query, name);
    jt_request_answer_problem_with(r, JT_PROBLEM_QUERY_NOT_TAKEN,
                                   name[0] == '\0' ? NULL : write_parameter, name);
}

/* Finds the route; false: answered. */
static bool find_route(struct jt_request *r, const struct jt_head *head)
{
    char method[12], path[256];
    bool path_known = false, asterisk = head->path.p[0] == '*';
    if (asterisk) {
        snprintf(r->allow, sizeof r->allow, "GET, HEAD, POST, PATCH, DELETE, OPTIONS");
    } else if (head->path.len < sizeof path) { /* no route is as long */
        snprintf(method, sizeof method, "%.*s",
                 (int)(head->method.len < 11 ? head->method.len : 11), head->method.p);
        snprintf(path, sizeof path, "%.*s", (int)head->path.len, head->path.p);
        r->route = jt_routes_find(method, path, &r->params, &path_known, r->allow, sizeof r->allow);
    }
    if (asterisk || (path_known && strcmp(method, "OPTIONS") == 0)) {
        jt_request_answer_reply(r, 204); /* RFC 9110 section 9.3.7 */
        tell_allowed(r);
    } else if (r->route == NULL && path_known) {
        jt_request_answer_problem(r, JT_PROBLEM_METHOD_NOT_ALLOWED);
        tell_allowed(r);
    } else if (r->route == NULL) {
        jt_request_answer_problem(r, JT_PROBLEM_NOT_FOUND);
    } else if (head->query.p != NULL && takes_query(r->route->operation, head->query)) {
        r->query = true;
    } else if (head->query.p != NULL && !read_query(r, head)) {
        refuse_query(r, head->query);
    }
    return r->http.answer.status == 0;
}

/* What the head says of the body. */
static enum jt_problem_type judge_body(const struct jt_request *r, const struct jt_head *head)
{
    bool any = head->content_length > 0 || head->chunked;
    if (head->content_length > (uint64_t)r->api->vault->conf->front_max_body) {
        return JT_PROBLEM_BODY_TOO_LARGE;
    }
    if (head->encoded) {
        return JT_PROBLEM_CONTENT_ENCODING;
    }
    enum jt_body_rule rule = jt_operation_body(r->route->method, r->route->operation);
    if (rule == JT_BODY_NONE && any) {
        return JT_PROBLEM_MALFORMED_REQUEST;
    }
    if ((rule == JT_BODY_OBJECT || any) && !jt_media_is_json(head->content_type)) {
        return JT_PROBLEM_CONTENT_TYPE;
    }
    return JT_PROBLEM_NONE;
}

/* What can be said before it is known who asks; the request is answered where that is enough. */
static void judge(struct jt_request *r, const struct jt_head *head)
{
    if (r->api->closed) {
        jt_request_answer_err(r, JT_ERR_STOPPING);
        return;
    }
    if (!find_route(r, head)) {
        return;
    }
    if (head->if_none_match.len < sizeof r->if_none_match && head->if_none_match.len > 0) {
        memcpy(r->if_none_match, head->if_none_match.p, head->if_none_match.len);
    }
    enum jt_problem_type problem = judge_body(r, head);
    if (problem == JT_PROBLEM_NONE) {
        problem = jt_once_read(r, head);
    }
    if (problem != JT_PROBLEM_NONE) {
        jt_request_answer_problem_with(
            r, problem, problem == JT_PROBLEM_BODY_TOO_LARGE ? write_limit : NULL, r->api);
    } else if (r->route->permission != 0 &&
               jt_login_read(head->authorization, &r->credential) != JT_OK) {
        jt_login_refuse(r);
    }
}

static void identify(struct jt_request *r, const struct jt_head *head)
{
    static struct jt_notice unreadable = { .what = "a trusted proxy sent X-Forwarded-For without "
                                                   "an address at its end" };
    struct jt_slice address = jt_exchange_address(&r->http), said = head->forwarded_for;
    const struct jt_source peer = jt_source_of(address.p, address.len);
    if (!jt_proxies_source(&r->api->proxies, &peer, said.p, said.len, &r->source)) {
        char proxy[JT_NETWORK_TEXT_MAX + 1];
        jt_source_address(&peer, proxy);
        jt_notice(&unreadable, proxy);
    }
    jt_origin_name(head->traceparent, &r->origin);
    jt_origin_place(&r->source, &r->origin);
    jt_hex_encode(r->origin.request, sizeof r->origin.request, r->http.answer.request_id);
}

static bool begin(void *arg, struct jt_conn *conn, const struct jt_head *head)
{
    struct jt_api *api = arg;
    struct jt_request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return false;
    }
    r->api = api;
    r->began_us = jt_clock_us();
    jt_exchange_open(&r->http, conn, (size_t)api->vault->conf->front_max_body);
    identify(r, head);
    judge(r, head);
    if (r->http.answer.status == 0 && r->route->permission != 0) {
        jt_login_ask(r);
    } else {
        jt_exchange_admit(&r->http, NULL);
    }
    return true;
}

void jt_request_free(struct jt_request *r)
{
    if (r->state_free != NULL) {
        r->state_free(r->state);
    }
    jt_once_free(r);
    jt_exchange_clear(&r->http);
    json_decref(r->json);
    free(r->budget);
    jt_wipe(&r->credential, sizeof r->credential);
    free(r);
}

static void free_exchange(struct jt_exchange *x)
{
    jt_request_free(jt_container_of(x, struct jt_request, http));
}

/* --- after the body --- */

/* The body against the route's rule, parsed. False: answered. */
static bool take_body(struct jt_request *r)
{
    struct jt_buf *body = &r->http.body;
    if (jt_buf_status(body) == JT_ERR_NOMEM) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return false;
    }
    if (jt_buf_status(body) != JT_OK) {
        jt_impossible(r); /* the door takes no more than there is room for */
        return false;
    }
    if (!jt_once_digest(r, body->data, body->len)) {
        return false;
    }
    if (body->len == 0 &&
        jt_operation_body(r->route->method, r->route->operation) != JT_BODY_OBJECT) {
        return true;
    }
    enum jt_problem_type problem = JT_PROBLEM_NONE;
    r->json = jt_json_parse_object(body->data, body->len, &problem);
    jt_buf_clear(body);
    if (problem != JT_PROBLEM_NONE) {
        jt_request_answer_problem(r, problem);
    }
    return problem == JT_PROBLEM_NONE;
}

/*
 * To parse a body of thousands of items takes milliseconds, and so does to take them; whoever has
 * one item would wait for all that came before. So large ones wait in a line, and the loop does one
 * step of the first in each round, after what was small.
 */
#define LARGE_BODY 16384

void jt_request_line_up(struct jt_request *r)
{
    struct jt_api *api = r->api;
    r->next = NULL;
    *(api->large == NULL ? &api->large : &api->large_last->next) = r;
    api->large_last = r;
}

static void start(struct jt_exchange *x)
{
    struct jt_request *r = jt_container_of(x, struct jt_request, http);
    if (r->api->closed) {
        jt_request_answer_err(r, JT_ERR_STOPPING);
    } else if (x->body.len >= LARGE_BODY) {
        r->large = true;
        jt_request_line_up(r);
    } else if (take_body(r)) {
        jt_operation_serve(r);
    }
}

static void take_step(struct jt_api *api)
{
    struct jt_request *r = api->large;
    if (r == NULL) {
        return;
    }
    jt_loop_again(api->lanes->loop);
    if (r->json == NULL && jt_request_wanted(r) && take_body(r)) {
        return; /* the next step is to serve it */
    }
    api->large = r->next;
    if (!jt_request_wanted(r) && r->http.answer.status == 0) {
        jt_request_answer_err(r, JT_ERR_CLIENT_GONE);
    } else if (r->json != NULL) {
        jt_operation_serve(r);
    }
}

void jt_api_close(struct jt_api *api)
{
    api->closed = true;
    while (api->large != NULL) {
        struct jt_request *r = api->large;
        api->large = r->next;
        jt_request_answer_err(r, JT_ERR_STOPPING);
    }
}

/* --- what the server asks --- */

static void refuse(void *arg, enum jt_refusal why, struct jt_http_answer *out)
{
    static const enum jt_problem_type problems[] = {
        [JT_REFUSE_MALFORMED] = JT_PROBLEM_MALFORMED_REQUEST,
        [JT_REFUSE_TARGET_LONG] = JT_PROBLEM_TARGET_TOO_LONG,
        [JT_REFUSE_HEAD_LARGE] = JT_PROBLEM_HEAD_TOO_LARGE,
        [JT_REFUSE_VERSION] = JT_PROBLEM_HTTP_VERSION,
        [JT_REFUSE_CODING] = JT_PROBLEM_TRANSFER_CODING,
        [JT_REFUSE_EXPECTATION] = JT_PROBLEM_EXPECTATION,
        [JT_REFUSE_MISDIRECTED] = JT_PROBLEM_MISDIRECTED,
        [JT_REFUSE_PLAIN] = JT_PROBLEM_TLS_REQUIRED,
        [JT_REFUSE_BODY_LARGE] = JT_PROBLEM_BODY_TOO_LARGE,
        [JT_REFUSE_TIMEOUT] = JT_PROBLEM_REQUEST_TIMEOUT,
        [JT_REFUSE_BUDGET] = JT_PROBLEM_BODY_BUDGET,
        [JT_REFUSE_MEMORY] = JT_PROBLEM_OUT_OF_MEMORY,
        [JT_REFUSE_BROKEN] = JT_PROBLEM_INTERNAL,
    };
    struct jt_origin origin = { .source_len = 0 };
    jt_origin_name((struct jt_slice){ NULL, 0 }, &origin); /* its head was not read */
    jt_hex_encode(origin.request, sizeof origin.request, out->request_id);
    jt_problem_write_with(problems[why], why == JT_REFUSE_BODY_LARGE ? write_limit : NULL, arg,
                          &out->body);
    jt_problem_head(problems[why], out);
}

static void gathered(void *arg)
{
    struct jt_api *api = arg;
    take_step(api);
    jt_lanes_pump(api->lanes);
}

const struct jt_server_ops jt_api_ops = { begin, start, free_exchange, refuse, gathered };
