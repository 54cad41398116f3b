/* SPDX-License-Identifier: Apache-2.0 */
#include "reading.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define FED_FD (-7) /* no file: what is read from it comes from `feed` */

size_t reading_piece;
unsigned reading_interruptions;

static struct {
    const uint8_t *p;
    size_t left;
} feed;

ssize_t __real_read(int fd, void *out, size_t room);
ssize_t __wrap_read(int fd, void *out, size_t room);

ssize_t __wrap_read(int fd, void *out, size_t room)
{
    if (fd != FED_FD) {
        return __real_read(fd, out, room);
    }
    if (reading_interruptions > 0) {
        reading_interruptions--;
        errno = EINTR;
        return -1;
    }
    size_t n = feed.left < room ? feed.left : room;
    n = reading_piece != 0 && reading_piece < n ? reading_piece : n;
    if (n > 0) {
        memcpy(out, feed.p, n);
    }
    feed.p += n;
    feed.left -= n;
    return (ssize_t)n;
}

enum jt_err reading_try(struct reading *r, const struct jt_format_spec *spec, const void *input,
                        size_t len)
{
    *r = (struct reading){ 0 };
    feed.p = input;
    feed.left = len;
    enum jt_err err = jt_format_open(spec, &r->format, &r->trouble);
    if (err == JT_OK) {
        err = jt_source_open(r->format, FED_FD, &r->source);
    }
    while (err == JT_OK && (err = jt_source_begin(r->source, &r->trouble)) == JT_ERR_IO &&
           errno == EINTR) {
        err = JT_OK;
    }
    return err;
}

void reading_open(struct reading *r, const struct jt_format_spec *spec, const void *input,
                  size_t len)
{
    enum jt_err err = reading_try(r, spec, input, len);
    if (err != JT_OK) {
        fail_msg("%s %s", jt_message_id(r->trouble.message), r->trouble.detail);
    }
}

void reading_close(struct reading *r)
{
    jt_source_free(r->source);
    jt_format_free(r->format);
}

static enum jt_err next(struct reading *r)
{
    enum jt_err err;
    do {
        err = jt_source_next(r->source, &r->record, &r->trouble);
    } while (err == JT_ERR_IO && errno == EINTR);
    return err;
}

const struct jt_record *reading_next(struct reading *r, enum jt_record_kind kind)
{
    enum jt_err err = next(r);
    if (err != JT_OK) {
        fail_msg("%s: %s %s", jt_err_name(err), jt_message_id(r->trouble.message),
                 r->trouble.detail);
    }
    assert_int_equal(r->record.kind, kind);
    return &r->record;
}

void reading_end(struct reading *r)
{
    assert_int_equal(next(r), JT_ERR_NO_RECORD);
}

void assert_value(const struct reading *r, size_t i, const char *expected)
{
    assert_true(i < r->record.n_values);
    const struct jt_record_value *v = &r->record.values[i];
    assert_int_equal(v->fault, JT_MSG_NONE);
    assert_int_equal(v->text_len, strlen(expected));
    assert_memory_equal(v->text, expected, v->text_len);
}

static void replace_record(const struct reading *r, replace_fn *replace, struct jt_buf *out)
{
    struct jt_buf whole;
    size_t at = 0;
    jt_buf_init(&whole, 4 * JT_RECORD_MAX);
    for (size_t i = 0; i < r->record.n_values; i++) {
        const struct jt_record_value *v = &r->record.values[i];
        char text[64];
        assert_true(v->at >= at && v->at + v->len <= r->record.raw_len);
        if (v->text_len == 0 || v->fault != JT_MSG_NONE) {
            continue;
        }
        jt_buf_put(&whole, r->record.raw + at, v->at - at);
        replace(v->text, v->text_len, text);
        assert_int_equal(jt_format_put(r->format, v->place, r->record.raw + v->at, v->len, text,
                                       strlen(text), &whole),
                         JT_OK);
        at = v->at + v->len;
    }
    jt_buf_put(&whole, r->record.raw + at, r->record.raw_len - at);
    assert_int_equal(jt_source_put(r->source, whole.data, whole.len, out), JT_OK);
    jt_buf_clear(&whole);
}

void reading_replace(const struct jt_format_spec *spec, const void *input, size_t len,
                     replace_fn *replace, struct jt_buf *out)
{
    struct reading r;
    enum jt_err err;
    uint64_t end = 0;
    reading_open(&r, spec, input, len);
    while ((err = next(&r)) == JT_OK) {
        assert_true(r.record.kind != JT_RECORD_TOO_LONG && r.record.end > end);
        end = r.record.end;
        replace_record(&r, replace, out);
    }
    assert_int_equal(err, JT_ERR_NO_RECORD);
    assert_int_equal(end, len);
    reading_close(&r);
}

void assert_trouble(const struct jt_format_spec *spec, const void *input, size_t len,
                    enum jt_message message, const char *detail)
{
    struct reading r;
    assert_int_equal(reading_try(&r, spec, input, len), JT_ERR_INVALID);
    assert_string_equal(jt_message_id(r.trouble.message), jt_message_id(message));
    if (strstr(r.trouble.detail, detail) == NULL) {
        fail_msg("\"%s\" has not \"%s\" in it", r.trouble.detail, detail);
    }
    reading_close(&r);
}

size_t unhex(const char *hex, uint8_t *out, size_t room)
{
    size_t n = 0;
    for (; *hex != '\0'; hex++) {
        unsigned byte;
        if (*hex == ' ') {
            continue;
        }
        assert_true(n < room && sscanf(hex++, "%2x", &byte) == 1);
        out[n++] = (uint8_t)byte;
    }
    return n;
}
