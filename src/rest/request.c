/* SPDX-License-Identifier: Apache-2.0 */
#include "rest/request.h"

#include "base/jsonw.h"
#include "base/notice.h"
#include "base/secmem.h"
#include "http/media.h"
#include "vault/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REPLY_MAX (64u << 20)

static void finish(struct jt_request *r, int status, enum jt_problem_type problem)
{
    r->status = status;
    r->problem = problem;
    if (r->working) {
        jt_server_answered(r->server, r);
    }
}

void jt_request_answer_problem_with(struct jt_request *r, enum jt_problem_type problem,
                                    void (*members)(const void *arg, struct jt_buf *out),
                                    const void *arg)
{
    if (jt_problem_status(problem) == 503) {
        jt_count(&r->server->vault->counters.unavailable, 1);
    }
    jt_buf_reset(&r->reply);
    jt_problem_write_with(problem, members, arg, &r->reply);
    finish(r, jt_problem_status(problem), problem);
}

void jt_request_answer_problem(struct jt_request *r, enum jt_problem_type problem)
{
    jt_request_answer_problem_with(r, problem, NULL, NULL);
}

void jt_request_answer_detail(struct jt_request *r, enum jt_problem_type problem,
                              const char *detail)
{
    jt_buf_reset(&r->reply);
    jt_problem_write_detail(problem, detail, &r->reply);
    finish(r, jt_problem_status(problem), problem);
}

void jt_request_answer_fault(struct jt_request *r, enum jt_err err, const char *subject)
{
    enum jt_problem_type problem = jt_problem_of_err(err);
    if (jt_problem_status(problem) == 503) {
        jt_count(&r->server->vault->counters.unavailable, 1);
    }
    jt_buf_reset(&r->reply);
    jt_problem_write_about(problem, subject, &r->reply);
    finish(r, jt_problem_status(problem), problem);
}

void jt_request_answer_err(struct jt_request *r, enum jt_err err)
{
    jt_request_answer_problem(r, jt_problem_of_err(err));
}

void jt_request_answer_reply(struct jt_request *r, int status)
{
    if (jt_buf_status(&r->reply) != JT_OK) {
        jt_request_answer_problem(r, JT_PROBLEM_INTERNAL);
        return;
    }
    finish(r, status, JT_PROBLEM_NONE);
}

static int put_chunk(const char *chunk, size_t len, void *arg)
{
    jt_buf_put(arg, chunk, len);
    return 0;
}

void jt_request_answer_json(struct jt_request *r, int status, json_t *body)
{
    jt_buf_reset(&r->reply);
    if (body == NULL || json_dump_callback(body, put_chunk, &r->reply, JSON_COMPACT) != 0) {
        json_decref(body);
        jt_request_answer_problem(r, JT_PROBLEM_INTERNAL);
        return;
    }
    json_decref(body);
    jt_request_answer_reply(r, status);
}

/* --- before the body --- */

static enum jt_err bearer(struct jt_slice value, struct jt_credential *out)
{
    static const char scheme[] = "Bearer ";
    char text[JT_API_KEY_MAX + 1];
    size_t skip = sizeof scheme - 1;
    /* RFC 9110 section 11.4: one space or more */
    while (skip < value.len && value.p[skip] == ' ') {
        skip++;
    }
    if (value.p == NULL || value.len < skip || value.len - skip >= sizeof text ||
        strncasecmp(value.p, scheme, sizeof scheme - 1) != 0) {
        return JT_ERR_BAD_CREDENTIAL;
    }
    memcpy(text, value.p + skip, value.len - skip);
    text[value.len - skip] = '\0';
    enum jt_err err = jt_credential_parse(text, out);
    jt_wipe(text, sizeof text);
    return err;
}

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

/* Finds the route; false: answered. */
static bool find_route(struct jt_request *r, const struct jt_head *head)
{
    char method[12], path[256], name[QUERY_NAME_MAX + 1];
    bool path_known = false, asterisk = head->path.p[0] == '*';
    if (asterisk) {
        snprintf(r->allow, sizeof r->allow, "GET, HEAD, POST, OPTIONS");
    } else if (head->path.len < sizeof path) { /* no route is as long */
        snprintf(method, sizeof method, "%.*s",
                 (int)(head->method.len < 11 ? head->method.len : 11), head->method.p);
        snprintf(path, sizeof path, "%.*s", (int)head->path.len, head->path.p);
        r->route = jt_routes_find(method, path, &r->params, &path_known, r->allow, sizeof r->allow);
    }
    if (asterisk || (path_known && strcmp(method, "OPTIONS") == 0)) {
        jt_request_answer_reply(r, 204); /* RFC 9110 section 9.3.7 */
    } else if (r->route == NULL) {
        enum jt_problem_type problem =
            path_known ? JT_PROBLEM_METHOD_NOT_ALLOWED : JT_PROBLEM_NOT_FOUND;
        jt_request_answer_problem(r, problem);
    } else if (head->query.p != NULL) {
        query_name(head->query, name);
        jt_request_answer_problem_with(r, JT_PROBLEM_QUERY_NOT_TAKEN,
                                       name[0] == '\0' ? NULL : write_parameter, name);
    }
    return r->status == 0;
}

/* What the head says of the body. */
static enum jt_problem_type judge_body(const struct jt_request *r, const struct jt_head *head)
{
    if (head->chunked) {
        return JT_PROBLEM_LENGTH_REQUIRED;
    }
    if (head->content_length > (uint64_t)r->server->vault->conf->front_max_body) {
        return JT_PROBLEM_BODY_TOO_LARGE;
    }
    if (head->encoded) {
        return JT_PROBLEM_CONTENT_ENCODING;
    }
    if (r->route->body == JT_BODY_NONE && head->content_length > 0) {
        return JT_PROBLEM_MALFORMED_REQUEST;
    }
    if ((r->route->body == JT_BODY_OBJECT || head->content_length > 0) &&
        !jt_media_is_json(head->content_type)) {
        return JT_PROBLEM_CONTENT_TYPE;
    }
    return JT_PROBLEM_NONE;
}

/* The verdict is there. The request may be gone afterwards. */
static void proceed(struct jt_request *r)
{
    bool early = r->status != 0;
    r->working = true;
    if (r->charge.conn == NULL) {
        jt_request_free(r);
    } else if (early) {
        jt_door_give_up_body(&r->charge);
        jt_server_answered(r->server, r);
    } else {
        jt_door_take_body(&r->charge, r->client[0] == '\0' ? NULL : r->client);
    }
}

static void refuse_login(struct jt_request *r)
{
    static struct jt_notice refused = { .what = "logins were refused" };
    char peer[JT_PEER_TEXT];
    jt_charge_peer(&r->charge, peer);
    atomic_fetch_add(&r->server->door.shared->logins_refused, 1);
    jt_notice(&refused, peer);
    jt_request_answer_problem(r, JT_PROBLEM_UNAUTHORIZED);
}

static void ask_next(struct jt_server *server);

/*
 * Strangers can ask for more look-ups of made-up keys than the workers take at a time. Whoever
 * comes then waits for a turn instead of being told that the service is away, so that they slow
 * each other down and do not turn away a client whose key is good.
 */
static void wait_to_ask(struct jt_request *r)
{
    struct jt_server *server = r->server;
    server->put_off = true;
    r->next = NULL;
    *(server->unasked == NULL ? &server->unasked : &server->unasked_last->next) = r;
    server->unasked_last = r;
}

static void on_client(void *arg, enum jt_err err, uint32_t permissions)
{
    struct jt_request *r = arg;
    struct jt_server *server = r->server;
    bool later = !server->asking;
    server->n_asked--;
    if (err == JT_ERR_BUSY && !later && server->n_asked > 0 && !server->closed) {
        wait_to_ask(r);
        return;
    }
    if (err == JT_ERR_BAD_CREDENTIAL) {
        refuse_login(r);
    } else if (err != JT_OK || server->closed) {
        jt_request_answer_err(r, server->closed ? JT_ERR_STOPPING : err);
    } else if ((permissions & r->route->permission) == 0) {
        jt_request_answer_problem(r, JT_PROBLEM_FORBIDDEN);
    } else {
        memcpy(r->client, r->credential.id, sizeof r->client);
    }
    proceed(r);
    if (later) {
        ask_next(server);
    }
}

static void ask(struct jt_request *r)
{
    struct jt_server *server = r->server;
    server->n_asked++;
    server->asking = true;
    server->put_off = false;
    jt_directory_client(server->lanes.directory, &r->credential, on_client, r);
    server->asking = false;
}

/*
 * After a look-up has ended: the next ones, until one is under way. While any waits, at least one
 * is.
 */
static void ask_next(struct jt_server *server)
{
    size_t n_asked = server->n_asked;
    server->put_off = false;
    while (server->unasked != NULL && server->n_asked == n_asked && !server->put_off) {
        struct jt_request *r = server->unasked;
        server->unasked = r->next;
        if (r->charge.conn == NULL) {
            jt_request_free(r);
        } else {
            ask(r);
        }
    }
}

bool jt_request_begin(struct jt_server *server, struct jt_conn *conn, const struct jt_head *head)
{
    struct jt_request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return false;
    }
    jt_charge_open(&r->charge, conn);
    r->server = server;
    jt_buf_init(&r->body, (size_t)server->vault->conf->front_max_body);
    jt_buf_init(&r->reply, REPLY_MAX);
    if (server->closed) {
        jt_request_answer_err(r, JT_ERR_STOPPING);
    } else if (find_route(r, head)) {
        enum jt_problem_type problem = judge_body(r, head);
        if (problem != JT_PROBLEM_NONE) {
            jt_request_answer_problem(r, problem);
        } else if (r->route->permission != 0 &&
                   bearer(head->authorization, &r->credential) != JT_OK) {
            refuse_login(r);
        }
    }
    if (r->status == 0 && r->route->permission != 0) {
        ask(r);
    } else {
        proceed(r);
    }
    return true;
}

void jt_request_free(struct jt_request *r)
{
    if (r == NULL) {
        return;
    }
    if (r->state_free != NULL) {
        r->state_free(r->state);
    }
    jt_charge_release(&r->charge);
    json_decref(r->json);
    jt_buf_clear(&r->body);
    jt_buf_clear(&r->reply);
    jt_wipe(&r->credential, sizeof r->credential);
    free(r);
}

/* --- the body and the answer --- */

void jt_request_body(struct jt_request *r, const char *data, size_t len)
{
    jt_buf_put(&r->body, data, len);
}

/* The body against the route's rule, parsed. */
static enum jt_problem_type take_body(struct jt_request *r)
{
    if (jt_buf_status(&r->body) != JT_OK) {
        return JT_PROBLEM_UNAVAILABLE;
    }
    if (r->body.len == 0 && r->route->body != JT_BODY_OBJECT) {
        return JT_PROBLEM_NONE;
    }
    enum jt_problem_type problem = JT_PROBLEM_NONE;
    r->json = jt_json_parse_object(r->body.data, r->body.len, &problem);
    jt_buf_clear(&r->body);
    return problem;
}

void jt_request_start(struct jt_request *r)
{
    if (r->server->closed) {
        jt_request_answer_err(r, JT_ERR_STOPPING);
        return;
    }
    enum jt_problem_type problem = take_body(r);
    if (problem != JT_PROBLEM_NONE) {
        jt_request_answer_problem(r, problem);
        return;
    }
    r->route->handler(r);
}

/* A 503 of another kind is for a person to look at, and says nothing of when to repeat it. */
static bool passes_by_itself(enum jt_problem_type problem)
{
    return problem != JT_PROBLEM_OUTCOME_UNKNOWN && problem != JT_PROBLEM_NO_ACTIVE_GENERATION &&
           problem != JT_PROBLEM_KEY_MISSING;
}

static void add_headers(struct jt_request *r, struct MHD_Response *response)
{
    if (r->status != 204) {
        bool good = r->problem == JT_PROBLEM_NONE;
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                good ? "application/json" : "application/problem+json");
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (r->status == 503 && passes_by_itself(r->problem)) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    } else if (r->status == 401) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    } else if (r->status == 405 || r->status == 204) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
    } else if (r->problem == JT_PROBLEM_CONTENT_ENCODING) {
        /* RFC 9110 section 12.5.3 */
        MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_ENCODING, "identity");
    }
}

enum MHD_Result jt_request_send(struct jt_request *r, struct MHD_Connection *connection)
{
    /*
     * Copied: the response may outlive the request. Both copies are wiped, this one when
     * libmicrohttpd frees it.
     */
    size_t len = r->status == 204 ? 0 : r->reply.len + 1;
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return MHD_NO;
    }
    if (len > 0) {
        memcpy(copy, r->reply.data, len - 1);
        copy[len - 1] = '\n'; /* for people with curl */
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(len, copy, jt_wipe_free);
    if (response == NULL) {
        jt_wipe_free(copy);
        return MHD_NO;
    }
    add_headers(r, response);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return result;
}
