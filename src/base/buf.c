/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/secmem.h"

#include <stdlib.h>
#include <string.h>

/* Where zero bytes stand when there is no memory to point into. */
static uint8_t nothing[1];

const uint8_t *jt_reader_bytes(struct jt_reader *r, size_t len)
{
    if (r->bad || len > r->left) {
        r->bad = true;
        return NULL;
    }
    if (len == 0) {
        return r->p != NULL ? r->p : nothing; /* never NULL: that means failure */
    }
    const uint8_t *p = r->p;
    r->p += len;
    r->left -= len;
    return p;
}

void jt_reader_copy(struct jt_reader *r, void *out, size_t len)
{
    const uint8_t *p = jt_reader_bytes(r, len);
    if (len == 0) {
        return; /* `out` may be NULL then */
    }
    if (p == NULL) {
        memset(out, 0, len);
    } else {
        memcpy(out, p, len);
    }
}

uint8_t jt_reader_u8(struct jt_reader *r)
{
    const uint8_t *p = jt_reader_bytes(r, 1);
    return p == NULL ? 0 : p[0];
}

uint16_t jt_reader_u16(struct jt_reader *r)
{
    const uint8_t *p = jt_reader_bytes(r, 2);
    return p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t jt_reader_u32(struct jt_reader *r)
{
    const uint8_t *p = jt_reader_bytes(r, 4);
    return p == NULL ? 0 : jt_get_u32(p);
}

uint64_t jt_reader_u64(struct jt_reader *r)
{
    const uint8_t *p = jt_reader_bytes(r, 8);
    return p == NULL ? 0 : jt_get_u64(p);
}

bool jt_reader_done(const struct jt_reader *r)
{
    return !r->bad && r->left == 0;
}

void jt_buf_init(struct jt_buf *b, size_t max)
{
    *b = (struct jt_buf){ .max = max };
}

void jt_buf_clear(struct jt_buf *b)
{
    if (b->data != NULL) {
        jt_wipe(b->data, b->cap);
        free(b->data);
    }
    jt_buf_init(b, b->max);
}

void jt_buf_reset(struct jt_buf *b)
{
    jt_wipe(b->data, b->len);
    b->len = 0;
    b->err = JT_OK;
}

enum jt_err jt_buf_reserve(struct jt_buf *b, size_t len)
{
    if (len > b->max || b->len > b->max - len) {
        return JT_ERR_LIMIT;
    }
    if (b->len + len <= b->cap) {
        return JT_OK;
    }
    size_t cap = b->cap == 0 ? 64 : b->cap;
    while (cap < b->len + len) {
        cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
    }
    cap = cap > b->max ? b->max : cap;
    uint8_t *grown = malloc(cap);
    if (grown == NULL) {
        return JT_ERR_NOMEM;
    }
    if (b->data != NULL) {
        memcpy(grown, b->data, b->len);
        jt_wipe(b->data, b->len);
        free(b->data);
    }
    b->data = grown;
    b->cap = cap;
    return JT_OK;
}

uint8_t *jt_buf_append(struct jt_buf *b, size_t len)
{
    if (b->err == JT_OK) {
        b->err = jt_buf_reserve(b, len);
    }
    if (b->err != JT_OK) {
        return NULL;
    }
    if (b->data == NULL) {
        return nothing; /* no byte was asked for */
    }
    uint8_t *p = b->data + b->len;
    b->len += len;
    return p;
}

void jt_buf_put(struct jt_buf *b, const void *p, size_t len)
{
    if (len == 0) {
        return;
    }
    uint8_t *out = jt_buf_append(b, len);
    if (out != NULL) {
        memcpy(out, p, len);
    }
}

void jt_buf_u8(struct jt_buf *b, uint8_t v)
{
    jt_buf_put(b, &v, 1);
}

void jt_buf_u16(struct jt_buf *b, uint16_t v)
{
    uint8_t be[2];
    jt_put_u16(be, v);
    jt_buf_put(b, be, sizeof be);
}

void jt_buf_u32(struct jt_buf *b, uint32_t v)
{
    uint8_t be[4];
    jt_put_u32(be, v);
    jt_buf_put(b, be, sizeof be);
}

void jt_buf_u64(struct jt_buf *b, uint64_t v)
{
    uint8_t be[8];
    jt_put_u64(be, v);
    jt_buf_put(b, be, sizeof be);
}

void jt_buf_set_u32(struct jt_buf *b, size_t at, uint32_t v)
{
    if (b->err == JT_OK && at <= b->len && b->len - at >= 4) {
        jt_put_u32(b->data + at, v);
    }
}

void jt_buf_consume(struct jt_buf *b, size_t len)
{
    if (len > b->len) {
        len = b->len;
    }
    if (len == 0) {
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    jt_wipe(b->data + b->len - len, len);
    b->len -= len;
}

enum jt_err jt_buf_status(const struct jt_buf *b)
{
    return b->err;
}
