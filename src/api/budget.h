/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of clients that have a budget for what they ask (vault/budgets.h).
 *
 * A request counts for one operation: a masked read by token for read-masked; any other for the
 * first of those that its route asks for which the client may. So a client that may detokenize
 * counts as that, and one that may read masked numbers only as that; to re-encrypt counts as to
 * encrypt for who may encrypt. What counts are the items whose text is good, once they are to be
 * begun; a request that is answered as a whole with 429 or 503 costs nothing.
 *
 * The body can change that: detokenize that asks for masked numbers counts for read-masked instead,
 * and tokenize that asks which cards are new counts for lookup besides, because it tells as much.
 *
 * Every answer to such a request has the fields RateLimit-Policy and RateLimit
 * (draft-ietf-httpapi-ratelimit-headers-10), whose unit is an item: a client sees the end coming.
 * Of two budgets they tell of the one that refused, else of the operation's own.
 *
 * Everything happens in the loop's thread. Only a reservation in the table is a worker's; who asks
 * for the same meanwhile waits for it too.
 */
#ifndef JETON_API_BUDGET_H
#define JETON_API_BUDGET_H

#include "api/request.h"
#include "vault/access.h"

/*
 * When it is known who asks: whether there is a budget. Where there is no memory for it the request
 * is answered so, and has no client.
 */
void jt_budget_find(struct jt_request *r, const struct jt_access *access);

/* Of detokenize, before anything is taken: it counts for read-masked, and not for its own. */
void jt_budget_instead(struct jt_request *r);

/* Of tokenize, before anything is taken: it counts for lookup as well. */
void jt_budget_besides(struct jt_request *r);

/*
 * Takes n items, at least 1. True: go on. False: the request is answered, or go_on follows later;
 * the request may be gone then.
 */
bool jt_budget_take(struct jt_request *r, size_t n, void (*go_on)(struct jt_request *r));

/* When it is answered: the fields of the head, and what was not served goes back. */
void jt_budget_tell(struct jt_request *r, enum jt_problem_type problem);

#endif
