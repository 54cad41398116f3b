/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether every node holds a generation's key: asked of all by the node that is about to activate
 * it (I3).
 *
 * The asker's keeper gives a fresh challenge, which is posted; every node's keeper answers it with
 * a proof that it holds the key (vault/delivery.h); and the asker's keeper checks each answer with
 * the MACed row of the node that is said to have given it. So nobody is believed, and nothing that
 * somebody kept from before counts. All rows of nodes count, also those whose lease ran out: a node
 * that is gone is removed by an operator, and not by the passing of time.
 *
 * What was found goes into the change of the ring, which happens only if no other node stands there
 * then (store/ring_change.c).
 */
#ifndef JETON_VAULT_ADOPTION_H
#define JETON_VAULT_ADOPTION_H

#include "store/node_list.h"
#include "vault/workers.h"

/* Names of nodes. */
struct jt_missing_nodes {
    size_t n;
    char names[JT_NODES_MAX][JT_NODE_NAME_MAX + 1];
};

struct jt_adopters {
    size_t n;
    struct jt_node_row all[JT_NODES_MAX]; /* that have proved it */
    size_t n_holders;                     /* different keepers among them */
};

/*
 * An act, on a worker, or a step of a duty: asks unless it has `asked` already, and looks at the
 * answers. A new question voids the answers to the one before. JT_ERR_NODES_MISSING: not all are
 * there yet, and `missing` says of whom. JT_ERR_KEY_MISSING, JT_ERR_KEY_WRONG, JT_ERR_FORGED: of
 * this node's own keeper; the class REPEAT.
 */
enum jt_err jt_adoption_look(struct jt_work_ctx *ctx, const struct jt_generation_row *generation,
                             bool asked, struct jt_adopters *adopters,
                             struct jt_missing_nodes *missing) JT_CHECKED;

#endif
