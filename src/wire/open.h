/* SPDX-License-Identifier: Apache-2.0 */
/* Verb OPEN: stored envelopes back to PANs, for generations that are live. */
#ifndef JETON_WIRE_OPEN_H
#define JETON_WIRE_OPEN_H

#include "base/buf.h"
#include "model/digits.h"
#include "model/keyref.h"
#include "wire/limits.h"
#include "wire/value.h"

struct jt_open_item {
    uint32_t field;
    uint64_t id;
    const uint8_t *fingerprint; /* JT_FINGERPRINT_LEN, as stored: authenticated with the envelope */
    const uint8_t *envelope;
    uint16_t envelope_len;
    struct jt_digits digits; /* as stored: authenticated with the envelope as well */
};

struct jt_open_result {
    /* JT_ERR_DECRYPT; JT_ERR_RING_MOVED: the key id names no live generation of the keeper's ring
     */
    enum jt_err err;
    bool draining;         /* sealed under a draining generation: due for re-encryption */
    struct jt_value value; /* checked */
    bool honey;            /* a marked card: keeper/honey.h */
};

struct jt_open_reply {
    uint64_t epoch;
    size_t n;
    struct jt_open_result *results;
};

/*
 * Items as they stand in OPEN, RESEAL and NODE_JOIN; the decoder is a jt_wire_item_fn
 * (wire/items.h) of struct jt_open_item.
 */
void jt_open_item_encode(const struct jt_open_item *item, struct jt_buf *out);
void jt_open_item_decode(struct jt_reader *in, const void *arg, void *decoded);

void jt_open_request_encode(const struct jt_open_item *items, size_t n, struct jt_buf *out);
enum jt_err jt_open_request_decode(struct jt_reader *in, struct jt_open_item *items,
                                   size_t *n) JT_CHECKED;
void jt_open_reply_encode(const struct jt_open_reply *reply, struct jt_buf *out);
enum jt_err jt_open_reply_decode(struct jt_reader *in, size_t n,
                                 struct jt_open_reply *reply) JT_CHECKED;

#endif
