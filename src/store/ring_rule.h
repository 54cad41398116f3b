/* SPDX-License-Identifier: Apache-2.0 */
/* What every transaction on a card shares (docs/architecture.md, "The ring rule"). */
#ifndef JETON_STORE_RING_RULE_H
#define JETON_STORE_RING_RULE_H

#include "store/cards.h"
#include "store/row.h"
#include "store/txn.h"

/* Appends begin and ring lock; the guarded statement follows. */
void jt_ring_rule_begin(struct jt_txn *txn);

/* Appends $1 to $5 of a guarded statement. */
void jt_ring_rule_guard(struct jt_params *p, const struct jt_node_spec *node, uint64_t epoch,
                        const struct jt_keyref *active);

/*
 * Reads what a guarded statement found, from three columns: epoch, whether the node stands, whether
 * the generations are in the states that the statement needs. JT_ERR_RING_CONTRADICTED when the
 * ring is the caller's, yet the generation rows contradict it: no honest writer leaves that behind,
 * and the statement wrote nothing.
 */
enum jt_err jt_ring_rule_take(struct jt_row *row, int column, uint64_t epoch,
                              struct jt_ring_check *out) JT_CHECKED;

/* Whether the guarded writes of the transaction were carried out. */
bool jt_ring_rule_held(const struct jt_ring_check *check, uint64_t epoch);

#endif
