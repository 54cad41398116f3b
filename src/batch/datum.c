/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/datum.h"

#include "base/secmem.h"
#include "batch/datum_number.h"

#include <string.h>

static bool all(const uint8_t *bytes, size_t len, uint8_t byte)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != byte) {
            return false;
        }
    }
    return true;
}

/* Where a value of characters lies between its padding. */
struct padded {
    size_t lead, len, trail;
};

static struct padded find_padding(const struct jt_codepage *cp, const uint8_t *bytes, size_t len)
{
    struct padded p = { 0 };
    while (p.lead < len && (bytes[p.lead] == cp->space || bytes[p.lead] == 0)) {
        p.lead++;
    }
    while (p.trail < len - p.lead &&
           (bytes[len - 1 - p.trail] == cp->space || bytes[len - 1 - p.trail] == 0)) {
        p.trail++;
    }
    p.len = len - p.lead - p.trail;
    return p;
}

enum jt_message jt_datum_read(const struct jt_datum *d, const struct jt_codepage *cp,
                              const uint8_t *bytes, struct jt_buf *text)
{
    if (d->kind != JT_DATUM_CHAR) {
        bool spaces = d->kind != JT_DATUM_BINARY && all(bytes, d->len, cp->space);
        if (spaces || all(bytes, d->len, 0)) {
            return JT_MSG_NONE;
        }
        return jt_number_read(d, cp, bytes, text);
    }
    size_t before = text->len;
    struct padded p = find_padding(cp, bytes, d->len);
    if (jt_codepage_decode(cp, bytes + p.lead, p.len, text) == JT_OK) {
        return JT_MSG_NONE;
    }
    if (text->len > before) {
        jt_wipe(text->data + before, text->len - before);
        text->len = before;
    }
    return JT_MSG_CHAR_BAD;
}

static void put_fill(struct jt_buf *out, uint8_t byte, size_t n)
{
    uint8_t *p = jt_buf_append(out, n);
    if (p != NULL) {
        memset(p, byte, n);
    }
}

/*
 * How a value that grows or shrinks changes the padding beside it: `keep` bytes of the run stay,
 * counted from its outer end, and `more` of `fill` come between them and the value.
 *
 * To be undone, a change must leave the padding as it would be made again. What is given back is
 * what stands next to the value, so the bytes that are taken must be like the one that then does;
 * where none is left, like what is made from nothing: blanks behind.
 */
struct change {
    size_t keep, more;
    uint8_t fill;
};

static enum jt_err change_padding(const uint8_t *inner, ptrdiff_t outward, size_t n, size_t old_len,
                                  size_t new_len, bool from_nothing, uint8_t space,
                                  struct change *out)
{
    *out = (struct change){ .keep = n, .fill = n > 0 ? *inner : space };
    if (new_len <= old_len) {
        out->more = old_len - new_len;
        return JT_OK;
    }
    size_t taken = new_len - old_len;
    if (taken > n || (taken == n && (!from_nothing || out->fill != space))) {
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < taken + (taken < n); i++) {
        if (inner[(ptrdiff_t)i * outward] != out->fill) {
            return JT_ERR_LIMIT;
        }
    }
    out->keep = n - taken;
    return JT_OK;
}

static enum jt_err put_chars(const struct jt_datum *d, const struct jt_codepage *cp,
                             const uint8_t *old, const char *text, size_t text_len,
                             struct jt_buf *out)
{
    struct jt_buf value;
    struct padded p = find_padding(cp, old, d->len);
    jt_buf_init(&value, d->len);
    enum jt_err err = jt_codepage_encode(cp, text, text_len, &value);
    /* Blanks at its ends could not be told from padding. */
    if (err == JT_OK && value.len > 0 && find_padding(cp, value.data, value.len).len != value.len) {
        err = JT_ERR_INVALID;
    }
    const uint8_t *behind = old + d->len - p.trail;
    bool at_end = p.trail > 0 || p.lead == 0;
    struct change c = { .keep = at_end ? p.trail : p.lead };
    if (err == JT_OK && value.len != p.len) {
        err = at_end
                  ? change_padding(behind, 1, p.trail, p.len, value.len, p.lead == 0, cp->space, &c)
                  : change_padding(old + p.lead - 1, -1, p.lead, p.len, value.len, false, cp->space,
                                   &c);
    }
    if (err == JT_OK) {
        jt_buf_put(out, old, at_end ? p.lead : c.keep);
        put_fill(out, c.fill, at_end ? 0 : c.more);
        jt_buf_put(out, value.data, value.len);
        put_fill(out, c.fill, at_end ? c.more : 0);
        jt_buf_put(out, old + d->len - (at_end ? c.keep : p.trail), at_end ? c.keep : p.trail);
        err = jt_buf_status(out);
    }
    jt_buf_clear(&value);
    return err;
}

enum jt_err jt_datum_put(const struct jt_datum *d, const struct jt_codepage *cp, const uint8_t *old,
                         const char *text, size_t text_len, struct jt_buf *out)
{
    return d->kind == JT_DATUM_CHAR ? put_chars(d, cp, old, text, text_len, out)
                                    : jt_number_put(d, cp, old, text, text_len, out);
}
