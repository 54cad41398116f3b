/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb NAME: the tokens of rows, by which operators are told of rows that nothing can be done with.
 * IDENTIFY the other way round. Numeric tokens stand in their rows: there is nothing to ask.
 */
#ifndef JETON_WIRE_NAME_H
#define JETON_WIRE_NAME_H

#include "base/buf.h"
#include "wire/limits.h"

struct jt_name_item {
    uint32_t field;
    uint64_t id;
};

struct jt_name_result {
    enum jt_err err;      /* JT_ERR_NO_TOKEN: no such field, one of numeric tokens, or no id */
    const uint8_t *token; /* JT_TOKEN_LEN */
};

struct jt_name_reply {
    size_t n;
    struct jt_name_result *results;
};

void jt_name_request_encode(const struct jt_name_item *items, size_t n, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_ITEMS. */
enum jt_err jt_name_request_decode(struct jt_reader *in, struct jt_name_item *items,
                                   size_t *n) JT_CHECKED;
void jt_name_reply_encode(const struct jt_name_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_name_reply_decode(struct jt_reader *in, size_t n,
                                 struct jt_name_reply *reply) JT_CHECKED;

#endif
