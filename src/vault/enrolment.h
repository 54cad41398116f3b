/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a node takes its place, in order:
 *
 *   1. Its keeper accepts the ring, for which it must hold every live generation's key: those that
 *      it lacks come from other nodes meanwhile (vault/delivery.h).
 *   2. The keeper sees the rows of all nodes, so that it knows up to which time ids may have been
 *      minted under any number (vault/neighbours.h).
 *   3. A number: the one under which it minted before, or a free one that has rested
 * (store/nodes.h).
 *   4. The keeper joins: it sees the newest cards, mints beyond all of that from now on, and MACs
 *      the node's row.
 *   5. The row is put into the database under the exclusive ring lock, if the ring is still that of
 *      step 1. So every generation that became active before is held here, and whoever activates
 *      one afterwards finds this node and waits for its acknowledgement.
 */
#ifndef JETON_VAULT_ENROLMENT_H
#define JETON_VAULT_ENROLMENT_H

#include "vault/neighbours.h"
#include "vault/workers.h"

/*
 * All of it; `row` is the one that stands then. *busy: the ring lock or a number is somebody's for
 * a moment, or the ring moved meanwhile; come again. Errors as of jt_ring_refresh and
 * jt_refresh_join; JT_ERR_NODE_NUMBERS.
 */
enum jt_err jt_enrolment_run(struct jt_neighbours *neighbours, struct jt_work_ctx *ctx,
                             struct jt_node_row *row, bool *busy) JT_CHECKED;

/*
 * All but the last step, on an operator's word that ids may lie far ahead of the clock. The
 * membership does the rest.
 */
enum jt_err jt_enrolment_accept_ahead(struct jt_work_ctx *ctx,
                                      struct jt_node_joined *out) JT_CHECKED;

#endif
