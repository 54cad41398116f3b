/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb FINGERPRINT: how known cards are found. For each item it gives the fingerprints of the value
 * under every live generation, and under the retired ones that were asked for, as SEAL does; but no
 * id is minted, nothing is sealed, and no token is given: that takes a row in which the keeper
 * finds the card (wire/match.h).
 *
 * The request is that of SEAL (wire/seal.h).
 */
#ifndef JETON_WIRE_FINGERPRINT_H
#define JETON_WIRE_FINGERPRINT_H

#include "wire/seal.h"

struct jt_fingerprint_result {
    /*
     * JT_ERR_INVALID: no value of the field; JT_ERR_NO_FIELD; JT_ERR_NOT_LINKED: the field does not
     * link equal cards, so that a fingerprint covers an id as well
     */
    enum jt_err err;
    /* JT_FINGERPRINT_LEN for each generation, in the reply's order */
    const uint8_t *fingerprints;
};

struct jt_fingerprint_reply {
    uint64_t epoch;
    uint8_t n_probed;
    struct jt_seal_probed probed[JT_WIRE_MAX_PROBED]; /* all live ones first */
    size_t n;
    struct jt_fingerprint_result *results;
};

void jt_fingerprint_reply_encode(const struct jt_fingerprint_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_fingerprint_reply_decode(struct jt_reader *in, size_t n,
                                        struct jt_fingerprint_reply *reply) JT_CHECKED;

#endif
