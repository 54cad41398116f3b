/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb ONCE: MACs of requests that are done once. What is MACed is a digest of who asks for what
 * and with which body; the front makes it, so that no body crosses the wire twice. The digest
 * itself is never stored: a card number could be guessed from it.
 */
#ifndef JETON_WIRE_ONCE_H
#define JETON_WIRE_ONCE_H

#include "base/buf.h"
#include "model/sizes.h"
#include "wire/limits.h"

struct jt_once_item {
    const uint8_t *digest; /* JT_ONCE_DIGEST_LEN */
};

struct jt_once_result {
    uint8_t mac[JT_ROW_MAC_LEN];
};

struct jt_once_reply {
    size_t n;
    struct jt_once_result *results;
};

void jt_once_request_encode(const struct jt_once_item *items, size_t n, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_ITEMS; pointers stay inside the frame. */
enum jt_err jt_once_request_decode(struct jt_reader *in, struct jt_once_item *items,
                                   size_t *n) JT_CHECKED;
void jt_once_reply_encode(const struct jt_once_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_once_reply_decode(struct jt_reader *in, size_t n,
                                 struct jt_once_reply *reply) JT_CHECKED;

#endif
