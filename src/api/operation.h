/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind a route.
 *
 * An administrative operation is a table: the members that its body takes (api/members.h), one act
 * in the vault, and how its answer is written. All else is the same for each and done in
 * operation.c: the body is read and refused by the table, the act is done by a worker, a failure is
 * answered with the problem of its reason, which names what it is about, and the operator's log has
 * a line with the cause where it is not the caller's.
 *
 * Life: the state, zeroed, receives the members; act() finds them there and leaves what it finds
 * out; answer() makes the body of it on the loop; clear() lets go of what the state refers to, and
 * then it is wiped. A GET is a look-up for the workers; any other is an act, which may wait without
 * holding up look-ups.
 *
 * The few operations that never block have a handler instead of an act.
 */
#ifndef JETON_API_OPERATION_H
#define JETON_API_OPERATION_H

#include "api/members.h"
#include "api/once.h"
#include "api/request.h"
#include "vault/workers.h"

/*
 * What an act knows of its request: copies, because the request is its loop's alone and a worker
 * is another thread. Nothing here leads back to it.
 */
struct jt_call {
    const struct jt_route *route;
    struct jt_route_params params;
    char actor[JT_CLIENT_ID_MAX + 1]; /* who asks */
    uint32_t may, bounded;            /* what that one may, as in api/request.h */
    struct jt_credential credential;  /* with which key; wiped with the state */
    struct jt_origin origin;
    char request_id[JT_REQUEST_ID_TEXT]; /* the same for log lines */
    uint64_t done; /* a repeated request: what is remembered of the first one; else 0 */
};

struct jt_operation {
    struct jt_members members;
    bool one_of; /* exactly one of the members is given; the handler looks for itself */

    size_t state_size;
    enum jt_err (*act)(const struct jt_call *call, void *state, struct jt_work_ctx *ctx);
    /* more members of the problem that a failure is, by base/jsonw.h; NULL: none */
    void (*failure)(enum jt_err err, const void *state, struct jt_buf *out);
    int status; /* of the answer after success */
    json_t *(*answer)(const struct jt_api *api, void *state);
    void (*clear)(void *state);

    const char *query; /* what may follow a question mark, whole; NULL: nothing */

    /*
     * Idempotency-Key. An act that takes it is remembered in its own transaction (store/claims.h,
     * jt_db_remember), and `again` finds for a repeated request what the first one was answered:
     * as it stands by now, and with a fresh secret in place of one that is shown once.
     *
     * What is remembered is the database's word, and so only a hint: whoever can write there could
     * have an act taken for done that never was. `again` succeeds only where what was asked for
     * stands, as far as that can be seen; else it does it, or says JT_ERR_CHANGED_SINCE.
     */
    enum jt_once_rule once;
    enum jt_err (*again)(const struct jt_call *call, void *state, struct jt_work_ctx *ctx);
    /* after success, more to remember, 1 or more; NULL: there is no more */
    uint64_t (*mark)(const void *state);

    /* instead of all after the members: answers the request once, now or later */
    void (*handler)(struct jt_request *r);
};

/* What the route of `method` to this operation takes as a body, as its members say. */
enum jt_body_rule jt_operation_body(const char *method, const struct jt_operation *operation);

/* Serves a request whose body is there. */
void jt_operation_serve(struct jt_request *r);

#endif
