/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detokenize: tokens in, cards out. A verb of a lane (vault/lane.h).
 *
 * A batch goes through four steps: the keeper turns tokens into ids (and knows those that were made
 * up), the rows are read under every live key id, the keeper opens them, one audit row for each
 * request is committed. Only after the commit do the PANs go to their requests: no audit, no
 * detokenize. "Not found" counts only where the ring had not moved between the keeper's answer and
 * the read; a row that moved to another generation between two steps is read again. Rows found
 * under a draining generation are handed to re-encryption behind the reply.
 */
#ifndef JETON_VAULT_DETOKENIZE_H
#define JETON_VAULT_DETOKENIZE_H

#include "pan/pan.h"
#include "pan/token.h"
#include "vault/lane.h"

struct jt_detokenize_item {
    uint8_t token[JT_TOKEN_LEN];
    uint64_t id; /* the lane's own */
    /*
     * JT_OK; JT_ERR_NO_TOKEN; JT_ERR_DECRYPT: the row does not open, or there are two;
     * JT_ERR_STRANDED: it stands under a key id of no live generation; what may pass;
     * JT_ERR_DB_FAULT and its like: the database does not give rows or does not record that they
     * are read, and that does not pass by itself.
     */
    enum jt_err err;
    char pan[JT_PAN_MAX_DIGITS + 1]; /* set with JT_OK only; the caller wipes it */
};

/* Owned by the caller, who keeps it alive until `done`, as in vault/tokenize.h. */
struct jt_detokenize_request {
    const char *client;
    const struct jt_origin *origin; /* for the audit trail */
    uint32_t field;
    struct jt_detokenize_item *items;
    size_t n_items; /* at least 1 */
    void (*done)(struct jt_detokenize_request *request);
    void *arg;

    struct jt_lane_request lane; /* the lane's own */
};

extern const struct jt_lane_verb jt_verb_detokenize;

/* Rows found under a draining generation are offered to this lane, whose verb re-encrypts. */
void jt_detokenize_offer_to(struct jt_lane *detokenize, struct jt_lane *reencrypt);

void jt_detokenize_submit(struct jt_lane *lane, struct jt_detokenize_request *request);

#endif
