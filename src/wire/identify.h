/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb IDENTIFY: tokens to the ids of their rows, and the key ids under which those rows may lie. A
 * token that was made up, or is of another field, is known here, without asking the database.
 */
#ifndef JETON_WIRE_IDENTIFY_H
#define JETON_WIRE_IDENTIFY_H

#include "base/buf.h"
#include "model/ring.h"
#include "wire/limits.h"

struct jt_identify_item {
    uint32_t field;
    const uint8_t *token; /* JT_TOKEN_LEN: of a field with numeric ones as in pan/numeric.h */
};

struct jt_identify_result {
    enum jt_err err;    /* JT_ERR_NO_TOKEN: no token of this field */
    uint64_t id;        /* 0: the token is numeric, and its row is found by `tok` */
    const uint8_t *tok; /* then JT_TOK_LEN */
};

struct jt_identify_reply {
    uint64_t epoch; /* of the keeper's ring */
    uint8_t n_live;
    uint8_t live[JT_RING_MAX_LIVE]; /* key ids of its live generations */
    size_t n;
    struct jt_identify_result *results;
};

void jt_identify_request_encode(const struct jt_identify_item *items, size_t n, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_ITEMS; pointers stay inside the frame. */
enum jt_err jt_identify_request_decode(struct jt_reader *in, struct jt_identify_item *items,
                                       size_t *n) JT_CHECKED;
void jt_identify_reply_encode(const struct jt_identify_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_identify_reply_decode(struct jt_reader *in, size_t n,
                                     struct jt_identify_reply *reply) JT_CHECKED;

#endif
