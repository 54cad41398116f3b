/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All nodes of a database: who has a row, how its lease stands, and the last rows of numbers that
 * were given up. The MACs are not checked here: keepers do that.
 */
#ifndef JETON_STORE_NODE_LIST_H
#define JETON_STORE_NODE_LIST_H

#include "store/audit.h"
#include "model/node.h"

#define JT_NODES_MAX 255 /* as many as numbers */

struct jt_node_info {
    struct jt_node_row row;
    bool lives; /* its lease runs, by the server's clock */
    char started_at[JT_TIME_LEN], lease_until[JT_TIME_LEN], renewed_at[JT_TIME_LEN];
};

typedef void jt_node_fn(void *arg, const struct jt_node_info *info);

/* Calls `each` ascending by number. */
enum jt_err jt_nodes_list(struct jt_db *db, jt_node_fn *each, void *arg) JT_CHECKED;

/*
 * The rows of `node` and then of `node_number`, at most JT_NODES_MAX of each; *n_live: how many of
 * the former have a lease that runs.
 */
struct jt_node_rows {
    struct jt_node_row nodes[JT_NODES_MAX], given_up[JT_NODES_MAX];
    size_t n_nodes, n_given_up, n_live;
};
enum jt_err jt_nodes_read(struct jt_db *db, struct jt_node_rows *out) JT_CHECKED;

/*
 * Removes a node whose lease ran out, under the exclusive ring lock and with the audit row of the
 * act; its number rests from now on. JT_ERR_NO_NODE; JT_ERR_NODE_LIVES: its lease runs. *busy and
 * JT_ERR_DB_PASSING: writers hold the ring lock; come again.
 */
enum jt_err jt_node_remove(struct jt_db *db, const char *name, const struct jt_act *act,
                           bool *busy) JT_CHECKED;

#endif
