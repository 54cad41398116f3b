/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/hello.h"

#include "wire/frame.h"

#include <string.h>

/* Tells a stray client of some other protocol from one of ours. */
static const char magic[8] = { 'j', 'e', 't', 'o', 'n', '-', 'k', 'p' };

void jt_hello_encode(uint16_t version, struct jt_buf *out)
{
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u16(out, version);
}

enum jt_err jt_hello_decode(struct jt_reader *in, uint16_t *version)
{
    const uint8_t *m = jt_reader_bytes(in, sizeof magic);
    *version = jt_reader_u16(in);
    if (m == NULL || memcmp(m, magic, sizeof magic) != 0) {
        in->bad = true;
    }
    return jt_wire_end(in);
}

void jt_hello_reply_encode(const struct jt_hello_reply *reply, struct jt_buf *out)
{
    jt_buf_u16(out, reply->version);
    jt_buf_put(out, reply->incarnation, sizeof reply->incarnation);
    jt_buf_u32(out, reply->max_frame);
}

enum jt_err jt_hello_reply_decode(struct jt_reader *in, struct jt_hello_reply *reply)
{
    reply->version = jt_reader_u16(in);
    jt_reader_copy(in, reply->incarnation, sizeof reply->incarnation);
    reply->max_frame = jt_reader_u32(in);
    return jt_wire_end(in);
}
