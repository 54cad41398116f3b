/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detokenize: tokens in, cards out, in the clear or masked. A verb of a lane (vault/lane.h).
 *
 * A batch goes through these steps: the rows of the tokens are located (vault/locate.h), the keeper
 * opens them, one audit row for each request is committed. Only after the commit do the PANs go to
 * their requests: no audit, no detokenize. A row that moved to another generation between two steps
 * is read again. Rows found under a draining generation are handed to re-encryption behind the
 * reply.
 *
 * Where a request wants masked ones, the keeper makes the mask: the whole number never comes here.
 */
#ifndef JETON_VAULT_DETOKENIZE_H
#define JETON_VAULT_DETOKENIZE_H

#include "pan/pan.h"
#include "pan/token.h"
#include "vault/locate.h"

struct jt_detokenize_item {
    struct jt_located located; /* how it ended */
    /* set with JT_OK only; the caller wipes it. Masked: digits and stars */
    char pan[JT_PAN_MAX_DIGITS + 1];
    uint64_t generation; /* masked only: under which its row stands */
    uint64_t expires_us; /* the same: until when it lives; model/lifetime.h */
};

/* Owned by the caller, who keeps it alive until `done`, as in vault/tokenize.h. */
struct jt_detokenize_request {
    const char *client;
    const struct jt_origin *origin; /* for the audit trail */
    uint32_t field;
    bool masked;
    struct jt_detokenize_item *items;
    size_t n_items; /* at least 1 */
    void (*done)(struct jt_detokenize_request *request);
    /* whether anybody waits for it; asked before its items are taken up. NULL: somebody does */
    bool (*wanted)(void *arg);
    void *arg;

    struct jt_lane_request lane; /* the lane's own */
};

extern const struct jt_lane_verb jt_verb_detokenize;

/* Rows found under a draining generation are offered to this lane, whose verb re-encrypts. */
void jt_detokenize_offer_to(struct jt_lane *detokenize, struct jt_lane *reencrypt);

/* False: its client has its share of a full queue already, and the request is the caller's. */
bool jt_detokenize_submit(struct jt_lane *lane, struct jt_detokenize_request *request);

#endif
