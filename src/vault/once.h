/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are done once: claimed before anything is done for them, and released when they
 * have been answered (store/claims.h). A verb of a lane (vault/lane.h), so that the claims of many
 * requests go as one keeper call and one transaction.
 *
 * A batch has claims and releases. The keeper MACs what the claims are for; then one transaction
 * does both. Nothing here is audited: the requests themselves are.
 */
#ifndef JETON_VAULT_ONCE_H
#define JETON_VAULT_ONCE_H

#include "store/claims.h"
#include "vault/lane.h"

struct jt_once {
    struct jt_claim claim; /* key and client are the caller's; the rest comes with the claim */
    uint8_t digest[JT_ONCE_DIGEST_LEN]; /* of the request */
    bool release;                       /* false: it is claimed */
    /* claimed: what was done for it before; released: what else is to be remembered */
    struct jt_claim_card *cards; /* malloc'ed, the caller's to free */
    size_t n_cards;
    /* as struct jt_claim_result has it; what may pass, by its class */
    enum jt_err err;
};

/* What is asked for: texts without NUL, and the body as it came. */
struct jt_once_what {
    const char *method, *path; /* the path's pattern; what stands in it: */
    const char *field, *client;
    uint64_t number;
    const void *body;
    size_t body_len;
};

/* Fills the digest, from `what` and from key and client of the claim. */
enum jt_err jt_once_name(struct jt_once *once, const struct jt_once_what *what) JT_CHECKED;

/* Owned by the caller, who keeps it alive until `done`, as in vault/tokenize.h. */
struct jt_once_request {
    struct jt_once *once;
    void (*done)(struct jt_once_request *request);
    void *arg;

    struct jt_lane_request lane; /* the lane's own */
};

extern const struct jt_lane_verb jt_verb_once;

bool jt_once_submit(struct jt_lane *lane, struct jt_once_request *request);

#endif
