/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb MATCH: whether a stored row is that of a card, and if so the row's token. It is asked before
 * the token of a known card is given out: who can write to the database can make a row answer for
 * another card's fingerprint, but cannot make its envelope open as that card. No PAN leaves.
 */
#ifndef JETON_WIRE_MATCH_H
#define JETON_WIRE_MATCH_H

#include "base/buf.h"
#include "model/digits.h"
#include "wire/limits.h"
#include "wire/value.h"

struct jt_match_item {
    uint32_t field;
    uint64_t id;
    const uint8_t *fingerprint; /* JT_FINGERPRINT_LEN, as stored */
    struct jt_value value;      /* that was asked about */
    const uint8_t *envelope;    /* as stored */
    uint16_t envelope_len;
    struct jt_digits digits; /* as stored */
};

struct jt_match_result {
    /*
     * JT_ERR_DECRYPT: the row does not open, or is another card's; JT_ERR_RING_MOVED: the key id
     * names no live generation of the keeper's ring
     */
    enum jt_err err;
    const uint8_t *token; /* JT_TOKEN_LEN: of a field with numeric ones as in pan/numeric.h */
};

struct jt_match_reply {
    uint64_t epoch;
    size_t n;
    struct jt_match_result *results;
};

void jt_match_request_encode(const struct jt_match_item *items, size_t n, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_ITEMS; pointers stay inside the frame. */
enum jt_err jt_match_request_decode(struct jt_reader *in, struct jt_match_item *items,
                                    size_t *n) JT_CHECKED;
void jt_match_reply_encode(const struct jt_match_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_match_reply_decode(struct jt_reader *in, size_t n,
                                  struct jt_match_reply *reply) JT_CHECKED;

#endif
