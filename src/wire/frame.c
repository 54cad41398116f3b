/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "base/secmem.h"

enum jt_err jt_wire_reason_decode(struct jt_reader *in, enum jt_err *err)
{
    uint8_t number = jt_reader_u8(in);
    bool known = !in->bad && jt_err_known(number);
    *err = known ? (enum jt_err)number : JT_ERR_PROTOCOL;
    return known ? JT_OK : JT_ERR_PROTOCOL;
}

void jt_wire_outcome_encode(enum jt_err err, struct jt_buf *out)
{
    jt_buf_u8(out, (uint8_t)jt_err_class(err));
    jt_buf_u8(out, (uint8_t)err);
}

enum jt_err jt_wire_outcome_decode(struct jt_reader *in, enum jt_err *err)
{
    uint8_t class = jt_reader_u8(in);
    bool good = jt_wire_reason_decode(in, err) == JT_OK && class == jt_err_class(*err);
    if (!good) {
        *err = JT_ERR_PROTOCOL;
    }
    return good ? JT_OK : JT_ERR_PROTOCOL;
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
    jt_wire_outcome_encode(JT_OK, out);
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
    jt_buf_u32(out, JT_FRAME_REPLY_HEAD - JT_FRAME_LENGTH_BYTES);
    jt_buf_u8(out, verb);
    jt_wire_outcome_encode(err, out);
}
