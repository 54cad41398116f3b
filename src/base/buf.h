/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded byte buffers: the only byte parser and the only byte builder in Jeton.
 *
 * A struct jt_reader walks over bytes it does not own. Every read checks the bound; the first that
 * fails sets `bad` and every later one returns zero or NULL, so that a decoder reads straight
 * through and asks jt_reader_done() once at its end.
 *
 * A struct jt_buf grows up to `max` bytes and remembers the first failure in the same manner
 * (`err`): an encoder writes straight through and checks once. Contents are treated as secret:
 * growth copies and wipes the old block (never realloc, which would leave a copy behind), and
 * clearing wipes.
 *
 * All integers are big-endian.
 */
#ifndef JETON_BASE_BUF_H
#define JETON_BASE_BUF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jt_reader {
    const uint8_t *p;
    size_t left;
    bool bad;
};

static inline struct jt_reader jt_reader_init(const void *p, size_t len)
{
    return (struct jt_reader){ .p = p, .left = len, .bad = false };
}

uint8_t jt_reader_u8(struct jt_reader *r);
uint16_t jt_reader_u16(struct jt_reader *r);
uint32_t jt_reader_u32(struct jt_reader *r);
uint64_t jt_reader_u64(struct jt_reader *r);

/*
 * The next `len` bytes in place, or NULL when fewer are left (never NULL for 0 bytes of a good
 * reader). They stay owned by whoever owns the input.
 */
const uint8_t *jt_reader_bytes(struct jt_reader *r, size_t len);

/* Copies the next `len` bytes to `out`; zeroes `out` when fewer are left. */
void jt_reader_copy(struct jt_reader *r, void *out, size_t len);

/*
 * True when nothing failed and nothing is left over: trailing bytes are an error in every Jeton
 * format.
 */
bool jt_reader_done(const struct jt_reader *r);

struct jt_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max;
    enum jt_err err;
};

/* An empty buffer that will hold at most `max` bytes. Allocates nothing. */
void jt_buf_init(struct jt_buf *b, size_t max);

/* Wipes and frees the contents; the buffer is as after jt_buf_init. */
void jt_buf_clear(struct jt_buf *b);

/* Wipes the contents but keeps the memory for the next use; forgets an earlier failure. */
void jt_buf_reset(struct jt_buf *b);

/* Room for `len` more bytes without another allocation. JT_ERR_LIMIT beyond max, JT_ERR_NOMEM. */
enum jt_err jt_buf_reserve(struct jt_buf *b, size_t len) JT_CHECKED;

void jt_buf_u8(struct jt_buf *b, uint8_t v);
void jt_buf_u16(struct jt_buf *b, uint16_t v);
void jt_buf_u32(struct jt_buf *b, uint32_t v);
void jt_buf_u64(struct jt_buf *b, uint64_t v);
/* `p` must not point into the buffer itself: growth frees what it points to. */
void jt_buf_put(struct jt_buf *b, const void *p, size_t len);

/*
 * `len` writable bytes at the end, counted as contents already, or NULL (then `err` is set). Valid
 * until the next growth.
 */
uint8_t *jt_buf_append(struct jt_buf *b, size_t len);

/*
 * Overwrites four bytes at `at`, which must be inside the contents: for lengths known only
 * afterwards.
 */
void jt_buf_set_u32(struct jt_buf *b, size_t at, uint32_t v);

/* Removes `len` bytes (at most the contents) from the front and wipes what moved. */
void jt_buf_consume(struct jt_buf *b, size_t len);

/*
 * JT_OK, or why the first failed write failed: JT_ERR_LIMIT when the bound was met, JT_ERR_NOMEM.
 */
enum jt_err jt_buf_status(const struct jt_buf *b) JT_CHECKED;

/* Big-endian stores into fixed structures. */
static inline void jt_put_u16(uint8_t out[static 2], uint16_t v)
{
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
}

static inline void jt_put_u32(uint8_t out[static 4], uint32_t v)
{
    jt_put_u16(out, (uint16_t)(v >> 16));
    jt_put_u16(out + 2, (uint16_t)v);
}

static inline void jt_put_u64(uint8_t out[static 8], uint64_t v)
{
    jt_put_u32(out, (uint32_t)(v >> 32));
    jt_put_u32(out + 4, (uint32_t)v);
}

static inline uint32_t jt_get_u32(const uint8_t in[static 4])
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static inline uint64_t jt_get_u64(const uint8_t in[static 8])
{
    return (uint64_t)jt_get_u32(in) << 32 | jt_get_u32(in + 4);
}

#endif
