/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body in chunks. The first byte of an input says in which pieces the rest arrives.
 *
 * The verdict, the data and the end do not depend on the pieces. What was taken, written anew as
 * one plain chunk, is read as the same data, and what is read lies inside the input.
 */
#include "fuzz.h"

#include "http/chunks.h"

#define INPUT_MAX 65536

struct verdict {
    enum jt_chunks_step step;
    size_t used;
    struct jt_buf data;
};

static struct verdict read_body(const char *text, size_t len, size_t piece)
{
    struct verdict v = { .step = JT_CHUNKS_MORE };
    struct jt_chunks k = { 0 };
    jt_buf_init(&v.data, 2 * INPUT_MAX);
    for (size_t at = 0; at < len && v.step == JT_CHUNKS_MORE; at += piece) {
        size_t n = len - at < piece ? len - at : piece, used = 0, before = 0;
        struct jt_slice data;
        while ((v.step = jt_chunks_read(&k, text + at, n, &used, &data)) == JT_CHUNKS_GIVE) {
            MUST(used > before && used <= n);
            MUST(data.len == 0 || (data.p >= text + at && data.p + data.len == text + at + used));
            MUST(data.len > 0 || k.left > 0);
            jt_buf_put(&v.data, data.p, data.len);
            before = used;
        }
        MUST(used <= n && (v.step != JT_CHUNKS_MORE || used == n));
        v.used += used;
    }
    MUST(jt_buf_status(&v.data) == JT_OK);
    return v;
}

static void check_again(const struct verdict *v)
{
    struct jt_buf out;
    char size[20];
    jt_buf_init(&out, 2 * INPUT_MAX);
    if (v->data.len > 0) {
        int n = snprintf(size, sizeof size, "%zx\r\n", v->data.len);
        jt_buf_put(&out, size, (size_t)n);
        jt_buf_put(&out, v->data.data, v->data.len);
        jt_buf_put(&out, "\r\n", 2);
    }
    jt_buf_put(&out, "0\r\n\r\n", 5);
    struct verdict again = read_body((const char *)out.data, out.len, out.len);
    MUST(again.step == JT_CHUNKS_END && again.used == out.len);
    MUST(fuzz_same(again.data.data, again.data.len, v->data.data, v->data.len));
    jt_buf_clear(&again.data);
    jt_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1 || len > INPUT_MAX) {
        return -1;
    }
    char *text = fuzz_copy(data + 1, len - 1);
    struct verdict whole = read_body(text, len - 1, len);
    struct verdict pieces = read_body(text, len - 1, data[0] + 1u);
    MUST(pieces.step == whole.step && pieces.used == whole.used);
    MUST(fuzz_same(pieces.data.data, pieces.data.len, whole.data.data, whole.data.len));
    if (whole.step == JT_CHUNKS_END) {
        MUST(whole.used >= 5 && memcmp(text + whole.used - 4, "\r\n\r\n", 4) == 0);
        check_again(&whole);
    }
    jt_buf_clear(&pieces.data);
    jt_buf_clear(&whole.data);
    free(text);
    return 0;
}
