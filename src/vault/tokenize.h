/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokenize: cards in, tokens out. A verb of a lane (vault/lane.h).
 *
 * A round is one keeper call, which mints an id for each card and seals it, then one pipelined
 * transaction. Commit first, answer second: a token is given out only after the server confirmed
 * the commit.
 *
 * A card that has a row already gets its token only after the keeper has opened that row and found
 * the card in it (wire/match.h): so its answer comes one keeper call later than that of a new card.
 *
 * The ring rule is enforced in the transaction (store/cards.h): when the ring moved between sealing
 * and writing, nothing is written, the keeper is brought up to date and the batch is sealed again.
 */
#ifndef JETON_VAULT_TOKENIZE_H
#define JETON_VAULT_TOKENIZE_H

#include "pan/pan.h"
#include "pan/token.h"
#include "store/claims.h"
#include "vault/lane.h"

struct jt_tokenize_item {
    struct jt_pan pan; /* wiped when the request is done */
    uint8_t token[JT_TOKEN_LEN];
    uint64_t expires_us; /* model/lifetime.h; its row keeps a later one */
    uint64_t id;         /* of its row, for whoever remembers it; never shown */
    uint32_t place;      /* in the body: with a claim only */
    bool kept;           /* remembered for the claim already */
    bool is_new;         /* with JT_OK: this item stored the card, and not one before it */
    /*
     * JT_OK; what may pass, by its class; JT_ERR_GUESS_BRAKE; JT_ERR_NOT_STORED: the database does
     * not store the card, however often it is told to; JT_ERR_NO_ACTIVE; JT_ERR_DECRYPT: the row
     * that has the card's fingerprint is not that card's; JT_ERR_STRANDED: its row stands under a
     * retired key id; JT_ERR_TOKEN_SPACE, JT_ERR_TOKENS_SPENT, JT_ERR_CARD_IS_TOKEN,
     * JT_ERR_NUMERIC_WAITS: no numeric token can be given.
     */
    enum jt_err err;
};

/*
 * Owned by the caller, who keeps it alive until `done`, which comes later from the loop, or at once
 * when the lane is down.
 */
struct jt_tokenize_request {
    const char *client;
    const struct jt_origin *origin; /* for the audit trail */
    uint32_t field;
    uint8_t kind; /* enum jt_field_kind: the field's */
    bool dedup;
    uint8_t token_form;           /* the field's */
    const struct jt_claim *claim; /* for which its cards are remembered; NULL: for none */
    struct jt_tokenize_item *items;
    size_t n_items; /* at least 1 */
    void (*done)(struct jt_tokenize_request *request);
    /* whether anybody waits for it; asked before its items are taken up. NULL: somebody does */
    bool (*wanted)(void *arg);
    void *arg;

    struct jt_lane_request lane; /* the lane's own */
};

extern const struct jt_lane_verb jt_verb_tokenize;

/* False: its client has its share of a full queue already, and the request is the caller's. */
bool jt_tokenize_submit(struct jt_lane *lane, struct jt_tokenize_request *request);

#endif
