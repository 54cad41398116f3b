/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How keys reach this node and go on to others, as a background duty: once a second, and when there
 * is news (vault/news.h).
 *
 *   - The keeper says which keys of generations that are not destroyed it lacks. For each the
 *     keeper's request is posted in the database; a keeper that has only a master key asks for the
 *     service root the same way. What other nodes answer is handed to the keeper.
 *   - Requests of other nodes are answered by this node's keeper, if it holds the key.
 *   - Questions of nodes that want to activate a generation are answered with the keeper's proof
 *     that it holds the key (vault/adoption.h).
 *   - Keys of generations that were abandoned are erased here too, and those that custodians let
 *     be destroyed (vault/destroyer.h).
 *
 * Keepers check everything; this duty carries bytes. What cannot be answered is passed over, and
 * never stands in the way of what can: of requests and questions so many are looked at in a step,
 * and the next step goes on behind them.
 *
 * While keys of live generations are missing the node is not ready, and the log says which.
 */
#ifndef JETON_VAULT_DELIVERY_H
#define JETON_VAULT_DELIVERY_H

#include "vault/workers.h"

struct jt_delivery;

/* What jt_work_ctx_init says; then *out is to be stopped too. */
enum jt_err jt_delivery_start(struct jt_vault *vault, struct jt_delivery **out) JT_CHECKED;

/* NULL is accepted. */
void jt_delivery_stop(struct jt_delivery *d);

/* There is news: the next step comes now. Any thread. */
void jt_delivery_nudge(struct jt_vault *vault);

#endif
