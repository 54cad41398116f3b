/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the keeper protocol (docs/keeper-protocol.md), and what every message has in common:
 * how a request ended.
 *
 * Request: u32 length of what follows, u8 verb, payload. Reply: u32 length, u8 verb of the request,
 * u8 class and u8 reason (both 0: done), payload; the payload is empty unless it is done. Lengths
 * run from 1 (a reply: 3) to JT_WIRE_MAX_FRAME.
 *
 * Both sides build a frame in place at the end of a buffer: begin, encode the payload, end. A
 * payload that did not fit makes jt_frame_end take the whole frame back, so that a buffer never
 * holds half of one.
 *
 * Decoders of single objects (rows, specs, facts) leave what follows unread, so that messages can
 * be put together from them; whoever decodes a whole message ends with jt_wire_end. Malformed bytes
 * are JT_ERR_PROTOCOL; well-formed ones with a value that policy refuses are not the decoder's
 * business.
 */
#ifndef JETON_WIRE_FRAME_H
#define JETON_WIRE_FRAME_H

#include "base/buf.h"
#include "wire/limits.h"
#include "wire/verb.h"

#define JT_FRAME_LENGTH_BYTES 4
#define JT_FRAME_REPLY_HEAD   (JT_FRAME_LENGTH_BYTES + 3)

/* A frame inside somebody else's buffer, after its length field. */
struct jt_frame {
    uint8_t verb;
    const uint8_t *payload; /* of a reply: begins with class and reason */
    size_t payload_len;
};

/*
 * Looks for a frame at the start of `len` bytes. *used is the whole frame's size, or 0 when more
 * bytes are needed. JT_ERR_PROTOCOL for a length out of bounds: the stream cannot be followed any
 * further.
 */
enum jt_err jt_frame_next(const uint8_t *data, size_t len, struct jt_frame *frame,
                          size_t *used) JT_CHECKED;

/* Start a frame at the end of `out`; the return value is for the calls that follow. */
size_t jt_frame_begin_request(struct jt_buf *out, enum jt_verb verb);
size_t jt_frame_begin_reply(struct jt_buf *out, uint8_t verb);

/*
 * Fills in the length. On failure (the buffer's own, or JT_ERR_LIMIT for too long a frame) the
 * frame is taken back.
 */
enum jt_err jt_frame_end(struct jt_buf *out, size_t mark) JT_CHECKED;

/* Takes back everything since `mark`, wiped, with any failure of the buffer. */
void jt_frame_cancel(struct jt_buf *out, size_t mark);

/* A reply without payload. */
void jt_frame_put_refusal(struct jt_buf *out, uint8_t verb, enum jt_err err);

/*
 * How a request ended: its class and its reason, both numbers of base/reasons.def, which never
 * change. Unknown ones, or a class that is not the reason's, are JT_ERR_PROTOCOL.
 */
void jt_wire_outcome_encode(enum jt_err err, struct jt_buf *out);
enum jt_err jt_wire_outcome_decode(struct jt_reader *in, enum jt_err *err) JT_CHECKED;

/* The reason alone, one byte: items of a batch have it. */
enum jt_err jt_wire_reason_decode(struct jt_reader *in, enum jt_err *err) JT_CHECKED;

/* JT_OK when the message was well-formed and ends here, else JT_ERR_PROTOCOL. */
enum jt_err jt_wire_end(const struct jt_reader *in) JT_CHECKED;

#endif
