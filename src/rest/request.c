#include "rest/request.h"

#include "base/secmem.h"
#include "rest/strict.h"
#include "vault/credential.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REPLY_MAX (64u << 20)
#define BODY_BUDGET (256u << 20) /* bytes of bodies that one event loop holds at a time */

static void finish(struct jt_request *r, int status, enum jt_problem problem)
{
    r->status = status;
    r->problem = problem;
    if (r->suspended) {
        r->suspended = false;
        jt_server_resume(r->server, r->connection);
    }
}

void jt_request_answer_problem_with(struct jt_request *r, enum jt_problem problem, const char *members, size_t len)
{
    if (jt_problem_status(problem) == 503) {
        jt_count(&r->server->vault->counters.unavailable, 1);
    }
    jt_buf_reset(&r->reply);
    jt_problem_write(problem, &r->reply);
    if (len > 0) {
        r->reply.len--; /* the closing brace, which `members` brings again */
        jt_buf_put(&r->reply, members, len);
    }
    finish(r, jt_problem_status(problem), problem);
}

void jt_request_answer_problem(struct jt_request *r, enum jt_problem problem)
{
    jt_request_answer_problem_with(r, problem, NULL, 0);
}

void jt_request_answer_detail(struct jt_request *r, enum jt_problem problem, const char *detail)
{
    jt_buf_reset(&r->reply);
    jt_problem_write_detail(problem, detail, &r->reply);
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

static enum jt_err bearer(struct MHD_Connection *connection, struct jt_credential *out)
{
    static const char scheme[] = "Bearer ";
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (value == NULL || strncasecmp(value, scheme, sizeof scheme - 1) != 0) {
        return JT_ERR_DENIED;
    }
    return jt_credential_parse(value + sizeof scheme - 1, out);
}

/*
 * What can be said before the body: nobody may make us hold bytes for a request that cannot succeed. An API key that has the right form is
 * checked afterwards.
 */
static enum jt_problem judge_headers(struct jt_request *r, const char *method, const char *path, bool target_ok)
{
    size_t max_body = (size_t)r->server->vault->conf->front_max_body, body_len = 0;
    bool path_known;
    r->route = jt_routes_find(method, path, &r->params, &path_known, r->allow, sizeof r->allow);
    enum jt_problem problem =
        target_ok ? jt_strict_headers(r->connection, method, path, max_body, &body_len) : JT_PROBLEM_MALFORMED_REQUEST;
    if (problem != JT_PROBLEM_NONE) {
        return problem;
    }
    if (r->route == NULL) {
        return path_known ? JT_PROBLEM_METHOD_NOT_ALLOWED : JT_PROBLEM_NOT_FOUND;
    }
    if (r->route->permission != 0 && bearer(r->connection, &r->credential) != JT_OK) {
        return JT_PROBLEM_UNAUTHORIZED;
    }
    if (body_len > 0 && r->route->body == JT_BODY_NONE) {
        return JT_PROBLEM_MALFORMED_REQUEST; /* health needs no key: a stranger's body must not take from the budget either */
    }
    if (body_len > BODY_BUDGET - r->server->body_bytes) {
        return JT_PROBLEM_UNAVAILABLE;
    }
    r->server->body_bytes += body_len;
    r->body_reserved = body_len;
    return jt_buf_reserve(&r->body, body_len) == JT_OK ? JT_PROBLEM_NONE : JT_PROBLEM_UNAVAILABLE;
}

struct jt_request *jt_request_new(struct jt_server *server, struct MHD_Connection *connection, const char *method, const char *path,
                                  bool target_ok)
{
    struct jt_request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->server = server;
    r->connection = connection;
    jt_buf_init(&r->body, (size_t)server->vault->conf->front_max_body);
    jt_buf_init(&r->reply, REPLY_MAX);
    r->refused = judge_headers(r, method, path, target_ok);
    return r;
}

void jt_request_free(struct jt_request *r)
{
    if (r == NULL) {
        return;
    }
    if (r->state_free != NULL) {
        r->state_free(r->state);
    }
    r->server->body_bytes -= r->body_reserved;
    json_decref(r->json);
    jt_buf_clear(&r->body);
    jt_buf_clear(&r->reply);
    jt_wipe(&r->credential, sizeof r->credential);
    free(r);
}

bool jt_request_refuses_body(const struct jt_request *r)
{
    /* A small body of a wrong path is read and dropped, so that the connection can be used again. */
    return r->refused != JT_PROBLEM_NONE && r->refused != JT_PROBLEM_NOT_FOUND && r->refused != JT_PROBLEM_METHOD_NOT_ALLOWED;
}

void jt_request_body(struct jt_request *r, const char *data, size_t len)
{
    if (r->refused == JT_PROBLEM_NONE) {
        jt_buf_put(&r->body, data, len);
    }
}

/* The body against the route's rule, parsed. */
static enum jt_problem take_body(struct jt_request *r)
{
    if (jt_buf_status(&r->body) != JT_OK) {
        return jt_buf_status(&r->body) == JT_ERR_LIMIT ? JT_PROBLEM_BODY_TOO_LARGE : JT_PROBLEM_UNAVAILABLE;
    }
    if (r->body.len == 0 && r->route->body != JT_BODY_OBJECT) {
        return JT_PROBLEM_NONE;
    }
    if (!jt_strict_content_type_json(r->connection)) {
        return JT_PROBLEM_CONTENT_TYPE;
    }
    enum jt_problem problem = JT_PROBLEM_NONE;
    r->json = jt_json_parse_object(r->body.data, r->body.len, &problem);
    jt_buf_clear(&r->body);
    return problem;
}

static void handle(struct jt_request *r)
{
    enum jt_problem problem = take_body(r);
    if (problem != JT_PROBLEM_NONE) {
        jt_request_answer_problem(r, problem);
        return;
    }
    r->route->handler(r);
}

static void on_client(void *arg, enum jt_err err, uint32_t permissions)
{
    struct jt_request *r = arg;
    if (err == JT_ERR_DENIED) {
        jt_request_answer_problem(r, JT_PROBLEM_UNAUTHORIZED);
    } else if (err == JT_ERR_PROTOCOL && !r->server->closed) {
        jt_request_answer_problem(r, JT_PROBLEM_BACKEND_FAULT);
    } else if (err != JT_OK || r->server->closed) {
        jt_request_answer_problem(r, JT_PROBLEM_UNAVAILABLE);
    } else if ((permissions & r->route->permission) == 0) {
        jt_request_answer_problem(r, JT_PROBLEM_FORBIDDEN);
    } else {
        handle(r);
    }
}

void jt_request_start(struct jt_request *r)
{
    r->started = true;
    if (r->server->closed) {
        jt_request_answer_problem(r, JT_PROBLEM_UNAVAILABLE);
        return;
    }
    if (r->refused != JT_PROBLEM_NONE) {
        jt_request_answer_problem(r, r->refused);
        return;
    }
    if (r->route->permission == 0) {
        handle(r);
        return;
    }
    memcpy(r->client, r->credential.id, sizeof r->client);
    jt_directory_client(r->server->lanes.directory, &r->credential, on_client, r);
}

enum MHD_Result jt_request_send(struct jt_request *r)
{
    /* Copied: the response may outlive the request. Both copies are wiped, this one when libmicrohttpd frees it. */
    size_t len = r->reply.len + 1;
    char *copy = malloc(len);
    if (copy == NULL) {
        return MHD_NO;
    }
    memcpy(copy, r->reply.data, len - 1);
    copy[len - 1] = '\n'; /* for people with curl */
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(len, copy, jt_wipe_free);
    if (response == NULL) {
        jt_wipe_free(copy);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            r->problem == JT_PROBLEM_NONE ? "application/json" : "application/problem+json");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (r->status == 503 && r->problem != JT_PROBLEM_OUTCOME_UNKNOWN) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    } else if (r->status == 401) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    } else if (r->status == 405) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
    }
    if (r->problem == JT_PROBLEM_MALFORMED_REQUEST || r->server->stop_by_ms != 0) {
        /* After an ambiguous request nobody can say where the next one begins; and a server that stops sends its clients elsewhere. */
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    enum MHD_Result result = MHD_queue_response(r->connection, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return result;
}
