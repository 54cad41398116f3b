/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Up to which time ids may have been minted under each node number, whoever had it. So a number
 * that changes hands never mints an old id again, also where the database has lost its newest rows:
 * whoever takes it begins above the highest mark that any keeper has told of it.
 *
 * Marks come from node rows (model/node.h), which a keeper has MACed; a database writer can hold
 * them back or show old ones, and neither lowers what was remembered.
 *
 * A keeper's own number is a case of its own. Its mark runs ahead of its ids (keeper/idmint.h), and
 * is set back by a clean end; the row in the database still has the one that ran ahead. What the
 * keeper has told itself is no news to it, or each restart would begin a minute later than the one
 * before. A mark of its own number above all that it has told is news: somebody else has minted
 * under it, or this directory has lived on and was restored from a copy.
 */
#ifndef JETON_KEEPER_NODEMARKS_H
#define JETON_KEEPER_NODEMARKS_H

#include "keeper/state.h"

/* Ids of the number up to this time may have been minted; 0: none are known of. */
uint64_t jt_nodemarks_known(const struct jt_keeper_state *state, uint8_t number);

/*
 * Notes an authentic mark. Returns whether it was news. Where the number is the keeper's own, news
 * moves id_mark too: ids must go on above it.
 */
bool jt_nodemarks_note(struct jt_keeper_state *state, uint8_t number, uint64_t mark);

/*
 * The keeper mints under `number` from now on; id_mark moves above what is known of it. What was
 * minted under the number before, if it was another one, stays known.
 */
void jt_nodemarks_take(struct jt_keeper_state *state, uint8_t number);

/* The clean end: no id after `used_ms` was minted, but the mark that ran ahead has been told. */
void jt_nodemarks_settle(struct jt_keeper_state *state, uint64_t used_ms);

#endif
