/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookup: cards in, the tokens of those that are known out. A verb of a lane (vault/lane.h).
 * Nothing is stored and no id is minted.
 *
 * A batch goes through four steps: the keeper gives the fingerprints under every live generation,
 * the rows that have one of them are read, the keeper opens them and finds the card in each
 * (wire/match.h), one audit row for each request is committed. Then the tokens go out. "Not found"
 * counts only where the ring had not moved between the keeper's answer and the read: a card that
 * is moved from one generation to another stands under one of them in any snapshot.
 */
#ifndef JETON_VAULT_LOOKUP_H
#define JETON_VAULT_LOOKUP_H

#include "pan/pan.h"
#include "pan/token.h"
#include "vault/lane.h"

struct jt_lookup_item {
    struct jt_pan pan; /* wiped when the request is done */
    uint8_t token[JT_TOKEN_LEN];
    uint64_t id; /* the lane's own */
    /*
     * JT_OK; JT_ERR_NO_CARD; JT_ERR_GUESS_BRAKE; JT_ERR_NOT_LINKED; JT_ERR_DECRYPT: the row that
     * has the card's fingerprint is not that card's, or there are two; JT_ERR_STRANDED: its row
     * stands under a retired key id; what may pass, by its class.
     */
    enum jt_err err;
};

/* Owned by the caller, who keeps it alive until `done`, as in vault/tokenize.h. */
struct jt_lookup_request {
    const char *client;
    const struct jt_origin *origin;
    uint32_t field;
    uint8_t kind; /* enum jt_field_kind: the field's */
    struct jt_lookup_item *items;
    size_t n_items; /* at least 1 */
    void (*done)(struct jt_lookup_request *request);
    void *arg;

    struct jt_lane_request lane; /* the lane's own */
};

extern const struct jt_lane_verb jt_verb_lookup;

bool jt_lookup_submit(struct jt_lane *lane, struct jt_lookup_request *request);

#endif
