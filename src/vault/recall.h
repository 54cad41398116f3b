/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recall: the tokens of cards that an earlier request stored, for the same request when it is
 * repeated (store/claims.h). A verb of a lane (vault/lane.h).
 *
 * What is remembered are ids, and who can write to the database can write others there. So a token
 * is given only after the keeper has opened the row and found the card of the request in it
 * (wire/match.h), as for every known card. A card that was deleted meanwhile stays deleted: its
 * token is unknown, and no other is made.
 */
#ifndef JETON_VAULT_RECALL_H
#define JETON_VAULT_RECALL_H

#include "pan/pan.h"
#include "vault/locate.h"

struct jt_recall_item {
    struct jt_located located; /* its id, and how it ended; JT_OK: its token */
    struct jt_pan pan;         /* wiped when the request is done */
};

/* Owned by the caller, who keeps it alive until `done`, as in vault/tokenize.h. */
struct jt_recall_request {
    const char *client;
    const struct jt_origin *origin;
    uint32_t field;
    uint8_t kind; /* enum jt_field_kind: the field's */
    struct jt_recall_item *items;
    size_t n_items; /* at least 1 */
    void (*done)(struct jt_recall_request *request);
    void *arg;

    struct jt_lane_request lane; /* the lane's own */
};

extern const struct jt_lane_verb jt_verb_recall;

bool jt_recall_submit(struct jt_lane *lane, struct jt_recall_request *request);

#endif
