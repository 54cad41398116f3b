/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokenize: cards in, tokens out. One tokenizer an event loop.
 *
 * Requests gather while a batch is under way; the next batch takes what has gathered: one keeper
 * call, then one pipelined transaction. Nothing waits when the lane is idle. Items share a batch
 * but not a fate: what fails for one fails for no other, except when the whole transaction fails,
 * which writes nothing. Commit first, answer second: a token is given out only after the server
 * confirmed the commit.
 *
 * A card that has a row already gets its token only after the keeper has opened that row and found
 * the card in it (wire/match.h): so its answer comes one keeper call later than that of a new card.
 *
 * The ring rule is enforced in the transaction (store/cards.h): when the ring moved between sealing
 * and writing, nothing is written, the keeper is brought up to date and the batch is sealed again.
 */
#ifndef JETON_VAULT_TOKENIZE_H
#define JETON_VAULT_TOKENIZE_H

#include "base/loop.h"
#include "keyclient/keyclient.h"
#include "pan/pan.h"
#include "pan/token.h"
#include "store/cards.h"
#include "vault/refresh.h"

struct jt_tokenize_item {
    struct jt_pan pan; /* wiped when the request is done */
    uint8_t token[JT_TOKEN_LEN];
    /*
     * JT_OK; what may pass, by its class; JT_ERR_NOT_STORED: the database does not store the card,
     * however often it is told to; JT_ERR_NO_ACTIVE; JT_ERR_DECRYPT: the row that has the card's
     * fingerprint is not that card's; JT_ERR_STRANDED: its row stands under a retired key id.
     */
    enum jt_err err;
};

/*
 * Owned by the caller, who keeps it alive until `done`, which comes later from the loop, or at once
 * when the lane is down.
 */
struct jt_tokenize_request {
    const char *client;
    uint32_t field;
    uint8_t kind; /* enum jt_field_kind: the field's */
    bool dedup;
    struct jt_tokenize_item *items;
    size_t n_items; /* at least 1 */
    void (*done)(struct jt_tokenize_request *request);
    void *arg;

    /* the lane's own */
    struct jt_tokenize_request *next;
    size_t n_taken, n_open;
};

struct jt_tokenizer;

enum jt_err jt_tokenizer_new(struct jt_vault *vault, struct jt_loop *loop,
                             struct jt_keyclient *keeper, struct jt_refresher *refresher,
                             uint16_t writer, struct jt_tokenizer **out) JT_CHECKED;

/* Ends every request with JT_ERR_STOPPING. NULL is accepted. */
void jt_tokenizer_free(struct jt_tokenizer *t);

void jt_tokenizer_submit(struct jt_tokenizer *t, struct jt_tokenize_request *request);

/* Items that are not answered yet. */
size_t jt_tokenizer_waiting(const struct jt_tokenizer *t);

/*
 * Starts the next batch if the lane is idle and something has gathered: called after each round of
 * the loop.
 */
void jt_tokenizer_pump(struct jt_tokenizer *t);

/* Whether it can serve now: keeper and database connected. */
bool jt_tokenizer_up(const struct jt_tokenizer *t);

/* Whether its database connection stands. */
bool jt_tokenizer_connected(const struct jt_tokenizer *t);

/* Why the database cannot be reached, for the log. */
const struct jt_fault *jt_tokenizer_fault(const struct jt_tokenizer *t);

#endif
