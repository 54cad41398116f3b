/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb RESEAL: envelopes of draining generations into envelopes of the active one. The PAN never
 * leaves the keeper. The request is that of OPEN (wire/open.h).
 */
#ifndef JETON_WIRE_RESEAL_H
#define JETON_WIRE_RESEAL_H

#include "base/buf.h"
#include "model/keyref.h"
#include "wire/limits.h"
#include "wire/open.h"

struct jt_reseal_result {
    /*
     * JT_ERR_DECRYPT; JT_ERR_RING_MOVED: the key id names no live generation;
     * JT_ERR_ACTIVE_ALREADY: it is under the active one; JT_ERR_NO_FIELD
     */
    enum jt_err err;
    uint64_t from; /* the draining generation it came from */
    const uint8_t *fingerprint;
    const uint8_t *envelope;
    uint16_t envelope_len;
};

struct jt_reseal_reply {
    uint64_t epoch;
    struct jt_keyref active; /* key_id 0: none, no results */
    size_t n;
    struct jt_reseal_result *results;
};

void jt_reseal_reply_encode(const struct jt_reseal_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_reseal_reply_decode(struct jt_reader *in, size_t n,
                                   struct jt_reseal_reply *reply) JT_CHECKED;

#endif
