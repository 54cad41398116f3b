/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb RESEAL: envelopes of draining generations into envelopes of the active one. The PAN never
 * leaves the keeper. An item that is under the active generation already gets JT_ERR_CONFLICT.
 */
#ifndef JETON_WIRE_RESEAL_H
#define JETON_WIRE_RESEAL_H

#include "base/buf.h"
#include "model/keyref.h"
#include "wire/limits.h"

struct jt_reseal_item {
    uint32_t field;
    bool dedup;
    uint64_t id;
    const uint8_t *fingerprint; /* JT_FINGERPRINT_LEN, as stored */
    const uint8_t *envelope;
    uint16_t envelope_len;
};

struct jt_reseal_result {
    /*
     * JT_OK; JT_ERR_DECRYPT; JT_ERR_STALE: not a live generation; JT_ERR_CONFLICT: active already
     *
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

void jt_reseal_request_encode(const struct jt_reseal_item *items, size_t n, struct jt_buf *out);
enum jt_err jt_reseal_request_decode(struct jt_reader *in, struct jt_reseal_item *items,
                                     size_t *n) JT_CHECKED;
void jt_reseal_reply_encode(const struct jt_reseal_reply *reply, struct jt_buf *out);
enum jt_err jt_reseal_reply_decode(struct jt_reader *in, size_t n,
                                   struct jt_reseal_reply *reply) JT_CHECKED;

#endif
