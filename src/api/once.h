/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a request that is repeated with the
 * same key is done once. See store/claims.h for how, and docs/api.md for what clients are told.
 *
 * Life: the key is read with the head; a digest is made of who asks for what and of the body as it
 * came; before the operation's handler runs, the request is claimed, and the handler finds what
 * was done for it before. The handler releases it before it answers; where it answers without
 * (an error), it is released when the request is freed. A request without the header costs nothing.
 *
 * Everything happens in the loop's thread.
 */
#ifndef JETON_API_ONCE_H
#define JETON_API_ONCE_H

#include "api/request.h"
#include "vault/once.h"

#define JT_ONCE_KEY_MAX 64

struct jt_head;

/*
 * What an operation with the method POST makes of the header; other methods ignore it. Each POST
 * says one: who relies on the header must not find out later that it did not hold.
 */
enum jt_once_rule {
    JT_ONCE_UNSAID,
    JT_ONCE_IGNORED, /* it changes nothing */
    JT_ONCE_TAKEN,
};

/* Reads the header, after the route is known. NONE: it is good or there is none. */
enum jt_problem_type jt_once_read(struct jt_request *r, const struct jt_head *head);

/* Digests the request, whose body this is. False: answered. */
bool jt_once_digest(struct jt_request *r, const void *body, size_t len);

/* Claims the request and calls `serve`, or answers it. */
void jt_once_claim(struct jt_request *r, void (*serve)(struct jt_request *r));

/* The claim that the request has; NULL: it came without a key. */
const struct jt_claim *jt_once_claimed(const struct jt_request *r);

/* Whether something was done for it before. */
bool jt_once_repeated(const struct jt_request *r);

/*
 * What was done for it before, by the place in the body: an array of `n` that is the caller's to
 * free, with the id 0 where nothing is remembered. False: no memory.
 */
bool jt_once_known(const struct jt_request *r, size_t n, struct jt_claim_card **cards);

/* What is remembered of an act that was done for it before: the newest; 0: nothing. */
uint64_t jt_once_done(const struct jt_request *r);

/* jt_once_release for such an act. */
void jt_once_release_done(struct jt_request *r, uint64_t what, void (*then)(struct jt_request *r));

/*
 * Releases the claim and calls `then`. `cards` are remembered as well: malloc'ed, and taken over;
 * whether they could be is not told, because what was done stands.
 */
void jt_once_release(struct jt_request *r, struct jt_claim_card *cards, size_t n,
                     void (*then)(struct jt_request *r));

/* The request goes: its claim is released if it is not. */
void jt_once_free(struct jt_request *r);

#endif
