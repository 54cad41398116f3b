/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper protocol's byte stream cut into frames. The same frames come out however the bytes
 * come in; a frame lies inside what has come; one made of the same verb and payload is the same
 * bytes; once a length is out of bounds, nothing behind it is believed.
 */
#include "fuzz.h"

#include "wire/frame.h"

/* No prefix of the frame that begins at `data` is taken before its end: the short ones, the last.
 */
static void check_prefixes(const uint8_t *data, size_t used)
{
    struct jt_frame frame;
    size_t none;
    for (size_t len = 0; len < used; len += len < 8 || len == used - 1 ? 1 : used - 1 - len) {
        uint8_t *copy = fuzz_copy(data, len);
        MUST(jt_frame_next(copy, len, &frame, &none) == JT_OK && none == 0);
        MUST(frame.payload == NULL && frame.payload_len == 0);
        free(copy);
    }
}

static void check_same_again(const struct jt_frame *frame, const uint8_t *bytes, size_t len)
{
    struct jt_buf again;
    jt_buf_init(&again, len + 64);
    size_t mark = jt_frame_begin_request(&again, frame->verb);
    jt_buf_put(&again, frame->payload, frame->payload_len);
    MUST(jt_frame_end(&again, mark) == JT_OK);
    MUST(fuzz_same(again.data, again.len, bytes, len));

    /* A reply begins with class and reason; a refusal is nothing else. */
    struct jt_reader in = jt_reader_init(frame->payload, frame->payload_len);
    enum jt_err outcome;
    enum jt_err err = jt_wire_outcome_decode(&in, &outcome);
    MUST(err == JT_OK || (err == JT_ERR_PROTOCOL && outcome == JT_ERR_PROTOCOL));
    if (err == JT_OK) {
        MUST(frame->payload_len - in.left == 2);
        jt_buf_reset(&again);
        jt_frame_put_refusal(&again, frame->verb, outcome);
        MUST(in.left > 0 || fuzz_same(again.data, again.len, bytes, len));
        MUST(memcmp(again.data + JT_FRAME_LENGTH_BYTES + 1, frame->payload, 2) == 0);
    }
    jt_frame_cancel(&again, 0);
    MUST(again.len == 0);
    jt_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t at = 0;
    for (;;) {
        struct jt_frame frame;
        size_t used;
        enum jt_err err = jt_frame_next(data + at, len - at, &frame, &used);
        if (err != JT_OK || used == 0) {
            MUST(frame.payload == NULL && frame.payload_len == 0 && used == 0);
            MUST(err == JT_OK || (err == JT_ERR_PROTOCOL && len - at >= JT_FRAME_LENGTH_BYTES));
            return 0;
        }
        MUST(used == JT_FRAME_LENGTH_BYTES + 1 + frame.payload_len && used <= len - at);
        MUST(frame.payload == data + at + JT_FRAME_LENGTH_BYTES + 1);
        check_prefixes(data + at, used);
        check_same_again(&frame, data + at, used);
        at += used;
    }
}
