/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are done once: the table `idempotency` (schema/0009_idempotency.sql).
 *
 * A request is claimed in a transaction of its own before anything is done for it, and released
 * when it has been answered. What is stored or deleted for it is remembered in the transaction
 * that does so (struct jt_claim_mark). That transaction holds the claim and finds its own attempt
 * there, or comes to nothing (JT_ERR_ONCE_LOST): so a claim can be taken over at any time, from a
 * front that is gone or a connection whose COMMIT nobody has heard of. What that one had done is
 * remembered by then, and what it had not can no longer be done.
 */
#ifndef JETON_STORE_CLAIMS_H
#define JETON_STORE_CLAIMS_H

#include "store/db.h"
#include "store/pipe.h"

/* Claims of one client that stand; some more may, while several fronts claim at once. */
#define JT_CLAIMS_MAX 1000000
/* So long a request is taken for being worked on, unless its front is gone. */
#define JT_CLAIM_BUSY "60 seconds"
#define JT_CLAIM_KEPT "24 hours"

/* A claim that somebody has. */
struct jt_claim {
    const char *client, *key;
    uint8_t mac[JT_ROW_MAC_LEN];
    uint32_t attempt;
};

/* A card that was stored or deleted for a claim. */
struct jt_claim_card {
    uint32_t place; /* of its item in the body */
    uint64_t id;
    bool known; /* it was there before the request; said only where the request asked for that */
};
struct jt_claim_mark {
    const struct jt_claim *claim; /* marks of one claim are neighbours */
    struct jt_claim_card card;
};

struct jt_claim_release {
    const struct jt_claim *claim;
    const struct jt_claim_card *cards; /* to be remembered as well */
    size_t n_cards;
};

struct jt_claim_txn {
    const struct jt_claim *const *claims; /* to be had; their attempts do not count */
    size_t n_claims;
    const struct jt_claim_release *releases;
    size_t n_releases;
    uint32_t writer; /* the caller's row of the count, for each client */
};

struct jt_claim_result {
    /*
     * JT_OK: it is the caller's; JT_ERR_ONCE_RUNNING; JT_ERR_ONCE_OTHER: its key was used for
     * another request; JT_ERR_ONCE_FULL
     */
    enum jt_err err;
    uint32_t attempt;
    struct jt_claim_card *cards; /* what is remembered; the callback may take it and leave NULL */
    size_t n_cards;
};

/* `results` are those of the claims, in their order. */
typedef void jt_claims_fn(void *arg, enum jt_err err, struct jt_claim_result *results, size_t n);

/* Errors as of the verbs on cards (store/cards.h). */
enum jt_err jt_claims_run(struct jt_pipe *pipe, const struct jt_claim_txn *in, jt_claims_fn *done,
                          void *arg) JT_CHECKED;

/* Adds what a statement needs to remember `marks`, n of them; see JT_SQL_ONCE_CARDS. */
struct jt_params;
void jt_claims_params(struct jt_params *p, const struct jt_claim_mark *marks, size_t n);

/*
 * From here on what this connection does is done for the claim, which outlives that; NULL: for
 * none.
 */
void jt_db_claim(struct jt_db *db, const struct jt_claim *claim);

/*
 * Inside the open transaction that does something for the claim of the connection: remembers that
 * it was done, as a card of place 0, whose id is `what`, 1 or more. Nothing without a claim.
 * JT_ERR_ONCE_LOST.
 */
enum jt_err jt_db_remember(struct jt_db *db, uint64_t what) JT_CHECKED;

/* Removes claims whose time is over, at most `max`; how many. Blocks. */
enum jt_err jt_claims_expire(struct jt_db *db, size_t max, uint64_t *n) JT_CHECKED;

#endif
