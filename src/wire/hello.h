/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb HELLO: the first message of every connection, and the only one before it is answered. A
 * keeper of another version answers with the status of JT_ERR_PROTOCOL and closes. The layout of
 * HELLO itself never changes.
 */
#ifndef JETON_WIRE_HELLO_H
#define JETON_WIRE_HELLO_H

#include "base/buf.h"
#include "wire/limits.h"

struct jt_hello_reply {
    uint16_t version;
    uint8_t incarnation[JT_INCARNATION_LEN]; /* random at each start of the keeper */
    uint32_t max_frame; /* bytes after the length field that the keeper takes */
};

void jt_hello_encode(uint16_t version, struct jt_buf *out);
/* JT_ERR_PROTOCOL unless the message is a hello and nothing else. */
enum jt_err jt_hello_decode(struct jt_reader *in, uint16_t *version) JT_CHECKED;
void jt_hello_reply_encode(const struct jt_hello_reply *reply, struct jt_buf *out);
enum jt_err jt_hello_reply_decode(struct jt_reader *in, struct jt_hello_reply *reply) JT_CHECKED;

#endif
