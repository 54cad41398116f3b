/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "base/secmem.h"

/* The status byte is the index. */
static const enum jt_err statuses[] = {
    JT_OK,           JT_ERR_NOMEM,  JT_ERR_INVALID,  JT_ERR_LIMIT, JT_ERR_NOT_FOUND,
    JT_ERR_CONFLICT, JT_ERR_DENIED, JT_ERR_DECRYPT,  JT_ERR_STALE, JT_ERR_UNAVAILABLE,
    JT_ERR_IO,       JT_ERR_CRYPTO, JT_ERR_PROTOCOL,
};
#define N_STATUSES (sizeof statuses / sizeof statuses[0])

uint8_t jt_wire_status(enum jt_err err)
{
    for (uint8_t i = 0; i < N_STATUSES; i++) {
        if (statuses[i] == err) {
            return i;
        }
    }
    return jt_wire_status(JT_ERR_PROTOCOL);
}

enum jt_err jt_wire_status_decode(uint8_t status, enum jt_err *err)
{
    *err = JT_ERR_PROTOCOL;
    if (status >= N_STATUSES) {
        return JT_ERR_PROTOCOL;
    }
    *err = statuses[status];
    return JT_OK;
}

enum jt_err jt_wire_end(const struct jt_reader *in)
{
    return jt_reader_done(in) ? JT_OK : JT_ERR_PROTOCOL;
}

enum jt_err jt_frame_next(const uint8_t *data, size_t len, struct jt_frame *frame, size_t *used)
{
    *frame = (struct jt_frame){ 0 };
    *used = 0;
    if (len < JT_FRAME_LENGTH_BYTES) {
        return JT_OK;
    }
    uint32_t length = jt_get_u32(data);
    if (length == 0 || length > JT_WIRE_MAX_FRAME) {
        return JT_ERR_PROTOCOL;
    }
    if (len - JT_FRAME_LENGTH_BYTES < length) {
        return JT_OK;
    }
    *frame = (struct jt_frame){
        .verb = data[JT_FRAME_LENGTH_BYTES],
        .payload = data + JT_FRAME_LENGTH_BYTES + 1,
        .payload_len = length - 1,
    };
    *used = JT_FRAME_LENGTH_BYTES + length;
    return JT_OK;
}

size_t jt_frame_begin_request(struct jt_buf *out, enum jt_verb verb)
{
    size_t mark = out->len;
    jt_buf_u32(out, 0);
    jt_buf_u8(out, (uint8_t)verb);
    return mark;
}

size_t jt_frame_begin_reply(struct jt_buf *out, uint8_t verb)
{
    size_t mark = out->len;
    jt_buf_u32(out, 0);
    jt_buf_u8(out, verb);
    jt_buf_u8(out, jt_wire_status(JT_OK));
    return mark;
}

void jt_frame_cancel(struct jt_buf *out, size_t mark)
{
    if (out->len > mark) {
        jt_wipe(out->data + mark, out->len - mark);
        out->len = mark;
    }
    out->err = JT_OK;
}

enum jt_err jt_frame_end(struct jt_buf *out, size_t mark)
{
    enum jt_err err = jt_buf_status(out);
    size_t length = 0;
    if (err == JT_OK) {
        length = out->len - mark - JT_FRAME_LENGTH_BYTES;
        err = length <= JT_WIRE_MAX_FRAME ? JT_OK : JT_ERR_LIMIT;
    }
    if (err != JT_OK) {
        jt_frame_cancel(out, mark);
        return err;
    }
    jt_buf_set_u32(out, mark, (uint32_t)length);
    return JT_OK;
}

void jt_frame_put_refusal(struct jt_buf *out, uint8_t verb, enum jt_err err)
{
    jt_buf_u32(out, 2);
    jt_buf_u8(out, verb);
    jt_buf_u8(out, jt_wire_status(err));
}
