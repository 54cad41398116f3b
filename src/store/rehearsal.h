/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rehearsal: the transactions of the request path, written with made-up rows and rolled back. It
 * tells whether cards can be stored and reads recorded, without waiting for a request to fail: when
 * a node starts, and while it is out of service because transactions failed, when nobody sends it
 * any.
 */
#ifndef JETON_STORE_REHEARSAL_H
#define JETON_STORE_REHEARSAL_H

#include "store/db.h"
#include "model/keyref.h"
#include "model/node.h"

/*
 * `active` is the active generation, or 0: then only the audit is tried. Its made-up card has an id
 * that no keeper mints. the class REPEAT: may pass; JT_ERR_RING_MOVED: the ring or the node's row
 * moved on, try again; anything else: this node cannot serve, and jt_db_fault says why.
 */
enum jt_err jt_rehearse(struct jt_db *db, const struct jt_node_spec *node, uint64_t epoch,
                        const struct jt_keyref *active) JT_CHECKED;

#endif
