/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delete: cards leave the vault, and their tokens are unknown from then on, as if they had never
 * been. A verb of a lane (vault/lane.h).
 *
 * A batch goes through three steps: the rows of the tokens are located (vault/locate.h); the rows
 * are deleted, the tally and the audit written, in one statement under the ring rule
 * (store/cards.h). The statement deletes all of them or none: where a row was moved to another
 * generation or deleted by somebody else meanwhile, they are located again. So the audit rows,
 * which are made before, say exactly what was done.
 *
 * Of equal tokens in one batch the first deletes, and the others are unknown.
 */
#ifndef JETON_VAULT_DELETE_H
#define JETON_VAULT_DELETE_H

#include "vault/locate.h"

struct jt_delete_item {
    struct jt_located located; /* how it ended */
    uint32_t place;            /* in the body: with a claim only */
};

/* Owned by the caller, who keeps it alive until `done`, as in vault/tokenize.h. */
struct jt_delete_request {
    const char *client;
    const struct jt_origin *origin;
    uint32_t field;
    const struct jt_claim *claim; /* for which its cards are remembered; NULL: for none */
    struct jt_delete_item *items;
    size_t n_items; /* at least 1 */
    void (*done)(struct jt_delete_request *request);
    void *arg;

    struct jt_lane_request lane; /* the lane's own */
};

extern const struct jt_lane_verb jt_verb_delete;

bool jt_delete_submit(struct jt_lane *lane, struct jt_delete_request *request);

#endif
