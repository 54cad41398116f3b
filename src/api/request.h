/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of the API, from its head to its answer.
 *
 * Life, as of every exchange (http/exchange.h): when the head is in, the route is found and
 * whoever asks is looked up, now or later (api/login.h); when the body is there it is parsed and
 * the route's handler called. The handler answers at once or later, exactly once, through one of
 * the jt_request_answer functions; the answer goes out after the round. Where the client is gone
 * before, the request lives on until its handler has answered.
 *
 * Everything happens in the thread of its event loop: no other may look at a request. A request
 * holds PANs in its body and answer: both are wiped when freed.
 */
#ifndef JETON_API_REQUEST_H
#define JETON_API_REQUEST_H

#include "api/json.h"
#include "api/problem.h"
#include "api/routes.h"
#include "base/fault.h"
#include "http/exchange.h"
#include "model/network.h"
#include "model/origin.h"
#include "vault/credential.h"
#include "vault/failures.h"

#include <jansson.h>

struct jt_api;
struct jt_request_budget;
struct jt_request_once;

struct jt_request {
    struct jt_exchange http;
    struct jt_api *api;
    struct jt_request *next; /* of those that wait for a look-up, to be read, or for a budget */
    const struct jt_route *route;
    struct jt_route_params params;
    char if_none_match[80];            /* as it was sent; empty: absent or too long */
    bool query;                        /* the one that its operation takes was given */
    char allow[48];                    /* methods of the path, for 405 and OPTIONS */
    char retry_after[24];              /* seconds, where the client is locked out */
    struct jt_source source;           /* who asks, as the connection or a trusted proxy says */
    struct jt_origin origin;           /* its id stands in the answer as text as well */
    struct jt_credential credential;   /* as presented, unchecked */
    char client[JT_CLIENT_ID_MAX + 1]; /* who asks, once authenticated */
    bool audited;                      /* the lane that has it writes its audit row */
    /* what it may do in the field of the path, and what has no field: enum jt_permission */
    uint32_t may;
    uint32_t bounded;                 /* of these: what it has a budget for */
    bool large;                       /* its body is: it waits in line for each step */
    struct jt_request_once *once;     /* api/once.h; NULL: it came without Idempotency-Key */
    struct jt_request_budget *budget; /* of the client for this (api/budget.h); NULL: it has none */
    json_t *json;                     /* the body, or NULL for a route that takes none */

    int64_t began_us; /* its head was complete */
    void *state;      /* the handler's own */
    void (*state_free)(void *state);
};

/* For one whose client is gone before it was admitted. */
void jt_request_free(struct jt_request *r);

/* The next step of a large one: jt_operation_serve, when its turn comes. */
void jt_request_line_up(struct jt_request *r);

/* Notes for the audit trail that `client`, whose key is good, is refused. */
void jt_request_note_refusal(struct jt_request *r, const char *client,
                             enum jt_problem_type problem);
/*
 * Notes that a login was; `known`: its key was good. `cause` is in a few words of this program's
 * what the problem does not tell.
 */
void jt_request_note_login(struct jt_request *r, enum jt_problem_type problem, const char *cause,
                           bool known);

/* --- for handlers --- */

/* Whether the client is still there: what has not begun need not, where it is not. */
bool jt_request_wanted(const struct jt_request *r);

void jt_request_answer_problem(struct jt_request *r, enum jt_problem_type problem);
/* After an answer: the seconds after which it is worth another attempt. */
void jt_request_retry_after(struct jt_request *r, int64_t seconds);
/* The same with more members, which `members` writes (RFC 9457 section 3.2). */
void jt_request_answer_problem_with(struct jt_request *r, enum jt_problem_type problem,
                                    void (*members)(const void *arg, struct jt_buf *out),
                                    const void *arg);
/* The same with a detail of its own instead of the problem's. */
void jt_request_answer_detail(struct jt_request *r, enum jt_problem_type problem,
                              const char *detail);
/* The same, and what is at fault: a JSON pointer as a URI fragment (api/problem.h). */
void jt_request_answer_at(struct jt_request *r, enum jt_problem_type problem, const char *detail,
                          const char *pointer);
/* The problem of `err`, with what it is about as its member `subject`. */
void jt_request_answer_fault(struct jt_request *r, enum jt_err err, const char *subject);
/* The same with more members, which `members` (NULL: none) writes. */
void jt_request_answer_fault_with(struct jt_request *r, enum jt_err err, const char *subject,
                                  void (*members)(const void *arg, struct jt_buf *out),
                                  const void *arg);
/* The problem of `err`. */
void jt_request_answer_err(struct jt_request *r, enum jt_err err);
/* What stands in r->http.answer.body. */
void jt_request_answer_reply(struct jt_request *r, int status);
/* The same as text for people. */
void jt_request_answer_text(struct jt_request *r, int status);
/* Takes over the reference to `body`; NULL: it could not be built, which is impossible. */
void jt_request_answer_json(struct jt_request *r, int status, json_t *body);

/*
 * What cannot happen has: a fault of Jeton's, not of the caller's or of anything that passes. The
 * log has one line with the place.
 */
void jt_request_answer_impossible(struct jt_request *r, const char *place);
#define jt_impossible(r) jt_request_answer_impossible((r), JT_FAULT_PLACE)

#endif
