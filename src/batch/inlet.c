/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/inlet.h"

#include "base/secmem.h"
#include "batch/trouble.h"
#include "batch/utf8.h"

#include <string.h>
#include <unistd.h>

/* Two bytes of UTF-16 become three of UTF-8 at most. */
#define WINDOW_MAX (JT_RECORD_MAX + 4 * JT_INLET_CHUNK)

void jt_inlet_init(struct jt_inlet *in, int fd)
{
    *in = (struct jt_inlet){ .fd = fd };
    jt_buf_init(&in->window, WINDOW_MAX);
    jt_buf_init(&in->halves, JT_INLET_CHUNK + 4);
}

void jt_inlet_clear(struct jt_inlet *in)
{
    jt_buf_clear(&in->window);
    jt_buf_clear(&in->halves);
}

/* EINTR is not repeated: a signal that the program catches is meant to end a wait for input. */
static enum jt_err read_into(struct jt_inlet *in, struct jt_buf *out)
{
    enum jt_err err = jt_buf_reserve(out, JT_INLET_CHUNK);
    if (err != JT_OK) {
        return err;
    }
    ssize_t n = read(in->fd, out->data + out->len, JT_INLET_CHUNK);
    if (n < 0) {
        return JT_ERR_IO;
    }
    out->len += (size_t)n;
    in->end_of_file = n == 0;
    return JT_OK;
}

static uint32_t unit_at(const struct jt_inlet *in, size_t i)
{
    const uint8_t *p = in->halves.data + i;
    return in->form == JT_INLET_UTF16_BE ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* Turns what is complete: a first half of a pair waits for its second, if more may come. */
static enum jt_err turn_halves(struct jt_inlet *in)
{
    size_t i = 0;
    while (i + 2 <= in->halves.len) {
        uint32_t c = unit_at(in, i);
        size_t used = 2;
        if ((c & 0xfc00) == 0xd800) {
            if (i + 4 > in->halves.len && !in->end_of_file) {
                break;
            }
            uint32_t next = i + 4 <= in->halves.len ? unit_at(in, i + 2) : 0;
            if ((next & 0xfc00) == 0xdc00) {
                c = 0x10000 + ((c & 0x3ff) << 10) + (next & 0x3ff);
                used = 4;
            }
        }
        jt_utf8_put(&in->window, c);
        i += used;
    }
    jt_buf_consume(&in->halves, i);
    return jt_buf_status(&in->window);
}

enum jt_err jt_inlet_more(struct jt_inlet *in, struct jt_trouble *trouble)
{
    jt_buf_consume(&in->window, in->at);
    in->at = 0;
    if (in->form == JT_INLET_BYTES) {
        return read_into(in, &in->window);
    }
    enum jt_err err = read_into(in, &in->halves);
    if (err == JT_OK) {
        err = turn_halves(in);
    }
    if (err == JT_OK && in->end_of_file && in->halves.len > 0) {
        err = jt_trouble_set(trouble, JT_MSG_UTF16_ODD, 0, 0, "%s", "");
    }
    return err;
}

enum jt_err jt_inlet_find_form(struct jt_inlet *in)
{
    while (in->window.len < 2 && !in->end_of_file) {
        enum jt_err err = read_into(in, &in->window);
        if (err != JT_OK) {
            return err;
        }
    }
    if (in->form != JT_INLET_BYTES || in->window.len < 2) {
        return JT_OK;
    }
    if (memcmp(in->window.data, "\xff\xfe", 2) == 0) {
        in->form = JT_INLET_UTF16_LE;
    } else if (memcmp(in->window.data, "\xfe\xff", 2) == 0) {
        in->form = JT_INLET_UTF16_BE;
    } else {
        return JT_OK;
    }
    jt_buf_put(&in->halves, in->window.data, in->window.len);
    jt_buf_reset(&in->window);
    enum jt_err err = jt_buf_status(&in->halves);
    if (err == JT_OK) {
        err = turn_halves(in);
    }
    return err;
}

uint64_t jt_inlet_size(const struct jt_inlet *in, const void *data, size_t len)
{
    if (in->form == JT_INLET_BYTES) {
        return len;
    }
    const uint8_t *p = data;
    uint64_t size = 0;
    for (size_t i = 0; i < len; i++) {
        size += ((p[i] & 0xc0) != 0x80 ? 2u : 0u) + (p[i] >= 0xf0 ? 2u : 0u);
    }
    return size;
}

static void put_unit(const struct jt_inlet *in, uint32_t unit, struct jt_buf *out)
{
    bool big = in->form == JT_INLET_UTF16_BE;
    jt_buf_u8(out, (uint8_t)(big ? unit >> 8 : unit));
    jt_buf_u8(out, (uint8_t)(big ? unit : unit >> 8));
}

enum jt_err jt_inlet_put_back(const struct jt_inlet *in, const void *data, size_t len,
                              struct jt_buf *out)
{
    if (in->form == JT_INLET_BYTES) {
        jt_buf_put(out, data, len);
        return jt_buf_status(out);
    }
    const char *text = data;
    for (size_t i = 0, used; i < len; i += used) {
        uint32_t c = jt_utf8_get(text + i, len - i, &used);
        if (c == UINT32_MAX) {
            return JT_ERR_INVALID;
        }
        if (c >= 0x10000) {
            put_unit(in, 0xd800 | (c - 0x10000) >> 10, out);
            put_unit(in, 0xdc00 | ((c - 0x10000) & 0x3ff), out);
        } else {
            put_unit(in, c, out);
        }
    }
    return jt_buf_status(out);
}
