/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators do about nodes: see all of them, and remove one that is gone. Blocking; on a
 * worker.
 *
 * A node that is gone keeps its row, and with it generations from becoming active, until somebody
 * says that it will not come back: nobody can tell a dead node from one that cannot be heard. One
 * that comes back after all registers anew.
 */
#ifndef JETON_VAULT_NODE_ACTS_H
#define JETON_VAULT_NODE_ACTS_H

#include "store/acks.h"
#include "store/node_list.h"
#include "vault/workers.h"

/*
 * All nodes, ascending by number, and then for each future or live generation and each node whether
 * it has acknowledged the key: the database's word.
 */
enum jt_err jt_nodes_inspect(struct jt_work_ctx *ctx, jt_node_fn *each,
                             jt_ack_standing_fn *standing, void *arg) JT_CHECKED;

/*
 * An act; it may come again (jt_work_again). JT_ERR_NO_NODE; JT_ERR_NODE_LIVES: its lease runs; the
 * class REPEAT.
 */
enum jt_err jt_nodes_remove(struct jt_work_ctx *ctx, const char *name,
                            const char *actor) JT_CHECKED;

#endif
