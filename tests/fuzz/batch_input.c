/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_input.h"

#include <unistd.h>

#define FED_FD (-7) /* no file: what is read from it comes from `feed` */

static struct feed {
    const uint8_t *p;
    size_t left, piece; /* 0: as much as there is room for */
} feed;

ssize_t __real_read(int fd, void *out, size_t room);
ssize_t __wrap_read(int fd, void *out, size_t room);

ssize_t __wrap_read(int fd, void *out, size_t room)
{
    if (fd != FED_FD) {
        return __real_read(fd, out, room);
    }
    size_t n = feed.left < room ? feed.left : room;
    n = feed.piece != 0 && feed.piece < n ? feed.piece : n;
    if (n > 0) {
        memcpy(out, feed.p, n);
        feed.p += n;
    }
    feed.left -= n;
    return (ssize_t)n;
}

/* What came out of a file. */
struct listing {
    struct jt_buf told;   /* of each record what must be the same again */
    struct jt_buf bytes;  /* records as the input has them */
    struct jt_buf turned; /* the same with the digits of values turned */
    enum jt_err end;
};

static void init_listing(struct listing *l)
{
    *l = (struct listing){ 0 };
    jt_buf_init(&l->told, 400 * BATCH_MAX_FILE);
    jt_buf_init(&l->bytes, 8 * BATCH_MAX_FILE);
    jt_buf_init(&l->turned, 8 * BATCH_MAX_FILE);
}

static void clear_listing(struct listing *l)
{
    jt_buf_clear(&l->told);
    jt_buf_clear(&l->bytes);
    jt_buf_clear(&l->turned);
}

static void list_values(struct listing *l, const struct jt_record *r)
{
    size_t at = 0;
    jt_buf_u8(&l->told, (uint8_t)r->kind);
    jt_buf_u64(&l->told, r->number);
    jt_buf_u64(&l->told, r->line);
    jt_buf_u64(&l->told, r->end);
    jt_buf_u32(&l->told, (uint32_t)r->fault);
    MUST(r->n_values <= JT_RECORD_MAX_VALUES);
    MUST(r->kind == JT_RECORD_DATA || r->n_values == 0);
    for (size_t i = 0; i < r->n_values; i++) {
        const struct jt_record_value *v = &r->values[i];
        MUST(v->at >= at && v->at <= r->raw_len && v->len <= r->raw_len - v->at);
        MUST(v->fault == JT_MSG_NONE || v->text_len == 0);
        at = v->at + v->len;
        jt_buf_u64(&l->told, v->at);
        jt_buf_u64(&l->told, v->len);
        jt_buf_u8(&l->told, v->place);
        jt_buf_u32(&l->told, (uint32_t)v->fault);
        jt_buf_put(&l->told, v->text, v->text_len);
    }
}

static void turn(const struct jt_format *format, const struct jt_record *r, struct jt_buf *out)
{
    size_t at = 0;
    for (size_t i = 0; i < r->n_values; i++) {
        const struct jt_record_value *v = &r->values[i];
        char *text = fuzz_copy(v->text, v->text_len);
        for (size_t c = 0; c < v->text_len; c++) {
            text[c] = text[c] >= '1' && text[c] <= '9' ? (char)('1' + '9' - text[c]) : text[c];
        }
        jt_buf_put(out, r->raw + at, v->at - at);
        at = v->at;
        size_t before = out->len;
        if (v->text_len > 0 && jt_format_put(format, v->place, r->raw + v->at, v->len, text,
                                             v->text_len, out) == JT_OK) {
            at = v->at + v->len;
        } else {
            MUST(out->len == before && jt_buf_status(out) == JT_OK);
        }
        free(text);
    }
    jt_buf_put(out, r->raw + at, r->raw_len - at);
    MUST(jt_buf_status(out) == JT_OK);
}

static void list_record(struct listing *l, const struct jt_format *format,
                        const struct jt_record_source *source, const struct jt_record *r)
{
    struct jt_buf turned;
    MUST(r->kind != JT_RECORD_TOO_LONG && r->raw_len > 0);
    list_values(l, r);
    MUST(jt_source_put(source, r->raw, r->raw_len, &l->bytes) == JT_OK);
    MUST(l->bytes.len == r->end);
    jt_buf_init(&turned, 8 * BATCH_MAX_FILE);
    turn(format, r, &turned);
    MUST(jt_source_put(source, turned.data, turned.len, &l->turned) == JT_OK);
    jt_buf_clear(&turned);
}

/* False: the format or the file's beginning is refused. */
static bool list(const struct jt_format_spec *spec, const void *file, size_t len, size_t piece,
                 struct listing *l)
{
    struct jt_format *format = NULL;
    struct jt_record_source *source = NULL;
    struct jt_record record;
    struct jt_trouble trouble = { 0 };
    feed = (struct feed){ .p = file, .left = len, .piece = piece };
    l->end = jt_format_open(spec, &format, &trouble);
    if (l->end == JT_OK) {
        MUST(jt_source_open(format, FED_FD, &source) == JT_OK);
        l->end = jt_source_begin(source, &trouble);
    }
    bool begun = l->end == JT_OK;
    while (begun && (l->end = jt_source_next(source, &record, &trouble)) == JT_OK) {
        list_record(l, format, source, &record);
    }
    MUST(l->end == JT_ERR_NO_RECORD || l->end == JT_ERR_INVALID);
    if (l->end == JT_ERR_INVALID) {
        MUST(trouble.message != JT_MSG_NONE && jt_message_severity(trouble.message) == 'E');
        jt_buf_u32(&l->told, (uint32_t)trouble.message);
        jt_buf_u64(&l->told, trouble.line);
        jt_buf_put(&l->told, trouble.detail, strlen(trouble.detail));
    }
    MUST(jt_buf_status(&l->told) == JT_OK && jt_buf_status(&l->turned) == JT_OK);
    jt_source_free(source);
    jt_format_free(format);
    return begun;
}

/* Reads what came of turning a file's digits, turned once more. */
static void turn_again(const struct jt_format_spec *spec, struct jt_buf *file)
{
    struct listing l;
    init_listing(&l);
    MUST(list(spec, file->data, file->len, 0, &l));
    jt_buf_reset(file);
    jt_buf_put(file, l.turned.data, l.turned.len);
    clear_listing(&l);
}

void batch_input_check(const struct jt_format_spec *spec, const void *file, size_t len,
                       size_t piece, bool loose)
{
    struct listing whole, parts;
    init_listing(&whole);
    init_listing(&parts);
    bool begun = list(spec, file, len, 0, &whole);
    MUST(list(spec, file, len, piece, &parts) == begun && whole.end == parts.end);
    MUST(fuzz_same(whole.told.data, whole.told.len, parts.told.data, parts.told.len));
    MUST(whole.bytes.len <= len);
    MUST(fuzz_same(whole.bytes.data, whole.bytes.len, file, whole.bytes.len));
    MUST(!begun || whole.end != JT_ERR_NO_RECORD || whole.bytes.len == len);
    if (begun && whole.end == JT_ERR_NO_RECORD) {
        struct jt_buf expected;
        jt_buf_init(&expected, 8 * BATCH_MAX_FILE);
        jt_buf_put(&expected, loose ? whole.turned.data : whole.bytes.data,
                   loose ? whole.turned.len : whole.bytes.len);
        turn_again(spec, &whole.turned);
        if (loose) {
            turn_again(spec, &whole.turned);
        }
        MUST(fuzz_same(whole.turned.data, whole.turned.len, expected.data, expected.len));
        jt_buf_clear(&expected);
    }
    clear_listing(&whole);
    clear_listing(&parts);
}
