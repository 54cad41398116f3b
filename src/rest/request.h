/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request, from its head to its answer.
 *
 * Life: jt_request_begin when the head is in; it decides what can be decided without the body,
 * and authenticates, now or later; then the door lets the body come or, when the answer is known
 * already, does not. jt_request_body for each piece of the body; jt_request_start once it is
 * complete, which parses it and calls the route's handler. The handler answers at once or later,
 * exactly once, through one of the jt_request_answer functions; the answer goes out after the
 * round (jt_request_send, called by libmicrohttpd). Where the client is gone before, the request
 * lives on until its handler has answered.
 *
 * Everything happens in the thread of the server's event loop. A request holds PANs in its body
 * and reply: both are wiped when freed.
 */
#ifndef JETON_REST_REQUEST_H
#define JETON_REST_REQUEST_H

#include "http/door.h"
#include "rest/json.h"
#include "rest/problem.h"
#include "rest/routes.h"
#include "rest/server.h"
#include "vault/credential.h"

#include <jansson.h>
#include <microhttpd.h>

struct jt_request {
    struct jt_charge charge; /* first: the door knows a request by it */
    struct jt_server *server;
    /* of those that have been answered in this round, or wait for a look-up */
    struct jt_request *next;
    const struct jt_route *route;
    struct jt_route_params params;
    char allow[48]; /* methods of the path, for 405 and OPTIONS */
    struct jt_buf body;
    struct jt_credential credential;   /* as presented, unchecked */
    char client[JT_CLIENT_ID_MAX + 1]; /* who asks, once authenticated */
    json_t *json;                      /* the body, or NULL for a route that takes none */

    bool working;                 /* the body is taken: the answer goes out by itself */
    int status;                   /* 0: not answered yet */
    enum jt_problem_type problem; /* of the answer */
    struct jt_buf reply;

    void *state; /* the handler's own */
    void (*state_free)(void *state);
};

/* False when out of memory. The request may be gone already when it returns. */
bool jt_request_begin(struct jt_server *server, struct jt_conn *conn, const struct jt_head *head);
void jt_request_free(struct jt_request *r);

void jt_request_body(struct jt_request *r, const char *data, size_t len);
void jt_request_start(struct jt_request *r);

/* Hands the finished answer to libmicrohttpd. */
enum MHD_Result jt_request_send(struct jt_request *r, struct MHD_Connection *connection);

/* --- for handlers --- */

void jt_request_answer_problem(struct jt_request *r, enum jt_problem_type problem);
/* The same with more members, which `members` writes (RFC 9457 section 3.2). */
void jt_request_answer_problem_with(struct jt_request *r, enum jt_problem_type problem,
                                    void (*members)(const void *arg, struct jt_buf *out),
                                    const void *arg);
/* The same with a detail of its own instead of the problem's. */
void jt_request_answer_detail(struct jt_request *r, enum jt_problem_type problem,
                              const char *detail);
/* The problem of `err`, with what it is about as its member `subject`. */
void jt_request_answer_fault(struct jt_request *r, enum jt_err err, const char *subject);
/* The problem of `err`. */
void jt_request_answer_err(struct jt_request *r, enum jt_err err);
/* What stands in r->reply. */
void jt_request_answer_reply(struct jt_request *r, int status);
/* Takes over the reference to `body`; NULL (out of memory while building) answers 500. */
void jt_request_answer_json(struct jt_request *r, int status, json_t *body);

#endif
