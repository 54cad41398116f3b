/*
 * One HTTP request, from its headers to its answer.
 *
 * Life: jt_request_new when the headers are in; jt_request_body for each piece of the body; jt_request_start once it is complete, which
 * authenticates, checks the permission, parses the body and calls the route's handler. The handler answers at once or later, exactly once, through one of the
 * jt_request_answer functions; while it has not, the connection is suspended. jt_request_free when the connection lets go of it.
 *
 * Everything happens in the thread of the server's event loop. A request holds PANs in its body and reply: both are wiped when freed.
 */
#ifndef JETON_REST_REQUEST_H
#define JETON_REST_REQUEST_H

#include "rest/json.h"
#include "rest/problem.h"
#include "rest/routes.h"
#include "rest/server.h"
#include "vault/credential.h"

#include <jansson.h>
#include <microhttpd.h>

struct jt_request {
    struct jt_server *server;
    struct MHD_Connection *connection;
    const struct jt_route *route;
    struct jt_route_params params;
    char allow[32]; /* methods of the path, for 405 */
    enum jt_problem refused; /* decided before the body: answered once it has been read */
    struct jt_buf body;
    size_t body_reserved; /* bytes of the server's budget that the body has taken */
    struct jt_credential credential; /* as presented, unchecked */
    char client[JT_CLIENT_ID_MAX + 1]; /* who asks, once authenticated */
    json_t *json; /* the body, or NULL for a route that takes none */

    bool started, suspended;
    int status; /* 0: not answered yet */
    enum jt_problem problem; /* of the answer */
    struct jt_buf reply;

    void *state; /* the handler's own */
    void (*state_free)(void *state);
};

/* NULL when out of memory. `target_ok`: the target as sent passed jt_strict_target_ok. */
struct jt_request *jt_request_new(struct jt_server *server, struct MHD_Connection *connection, const char *method, const char *path,
                                  bool target_ok);
void jt_request_free(struct jt_request *r);

/* Whether the answer goes out before the body is read. */
bool jt_request_refuses_body(const struct jt_request *r);

void jt_request_body(struct jt_request *r, const char *data, size_t len);
void jt_request_start(struct jt_request *r);

/* Hands the finished answer to libmicrohttpd. */
enum MHD_Result jt_request_send(struct jt_request *r);

/* --- for handlers --- */

void jt_request_answer_problem(struct jt_request *r, enum jt_problem problem);
/* The same with more members: `members` begins with a comma and ends with the closing brace. */
void jt_request_answer_problem_with(struct jt_request *r, enum jt_problem problem, const char *members, size_t len);
/* The same with a detail of its own instead of the problem's. */
void jt_request_answer_detail(struct jt_request *r, enum jt_problem problem, const char *detail);
/* The problem of `err`. */
void jt_request_answer_err(struct jt_request *r, enum jt_err err);
/* What stands in r->reply. */
void jt_request_answer_reply(struct jt_request *r, int status);
/* Takes over the reference to `body`; NULL (out of memory while building) answers 500. */
void jt_request_answer_json(struct jt_request *r, int status, json_t *body);

#endif
