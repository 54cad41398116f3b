/* SPDX-License-Identifier: Apache-2.0 */
#include "http/chunks.h"

#include "http/head.h"

#define DIGITS_MAX 16 /* of a 64-bit size, which cannot overflow then */

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* What may stand in an extension or in the value of a field: RFC 9110 section 5.5. */
static bool is_text(char c)
{
    unsigned char u = (unsigned char)c;
    return (u >= ' ' && u != 0x7f) || u == '\t';
}

static bool count_extra(struct jt_chunks *k)
{
    return ++k->n_extra <= JT_CHUNKS_EXTRA_MAX;
}

/* `c` leads to `next` if it is `expected`. */
static bool pass(struct jt_chunks *k, char c, char expected, enum jt_chunks_place next)
{
    k->place = next;
    return c == expected;
}

static bool take_size(struct jt_chunks *k, char c)
{
    int value = hex_value(c);
    if (value >= 0) {
        k->left = k->left << 4 | (uint64_t)value;
        return ++k->n_digits <= DIGITS_MAX;
    }
    if (k->n_digits == 0) {
        return false;
    }
    if (c == '\r') {
        k->place = JT_CHUNKS_SIZE_LF;
        return true;
    }
    k->place = c == ';' ? JT_CHUNKS_EXTENSION : JT_CHUNKS_BEFORE_EXTENSION;
    return count_extra(k) && (c == ';' || c == ' ' || c == '\t');
}

/* RFC 9112 section 7.1.1: blanks may stand before the semicolon, and nowhere else alone. */
static bool take_extension(struct jt_chunks *k, char c)
{
    if (k->place == JT_CHUNKS_EXTENSION && c == '\r') {
        k->place = JT_CHUNKS_SIZE_LF;
        return true;
    }
    if (k->place == JT_CHUNKS_BEFORE_EXTENSION && c != ' ' && c != '\t') {
        k->place = JT_CHUNKS_EXTENSION;
        return c == ';' && count_extra(k);
    }
    return is_text(c) && count_extra(k);
}

/* The end of a size line: of the last one, whose size is 0, trailer fields follow. */
static bool end_size(struct jt_chunks *k, char c)
{
    k->n_digits = 0;
    return pass(k, c, '\n', k->left == 0 ? JT_CHUNKS_TRAILER : JT_CHUNKS_DATA);
}

/* RFC 9112 section 7.1.2: fields as in a head, so a line that is folded is none. */
static bool take_trailer(struct jt_chunks *k, char c)
{
    if (c == '\r' && k->place != JT_CHUNKS_TRAILER_NAME) {
        k->place = k->place == JT_CHUNKS_TRAILER ? JT_CHUNKS_LAST_LF : JT_CHUNKS_TRAILER_LF;
        return true;
    }
    if (k->place == JT_CHUNKS_TRAILER_VALUE) {
        return is_text(c) && count_extra(k);
    }
    bool ends = k->place == JT_CHUNKS_TRAILER_NAME && c == ':';
    k->place = ends ? JT_CHUNKS_TRAILER_VALUE : JT_CHUNKS_TRAILER_NAME;
    return (ends || jt_head_is_token_char(c)) && count_extra(k);
}

/* A byte that is none of the data. */
static bool take(struct jt_chunks *k, char c)
{
    switch (k->place) {
    case JT_CHUNKS_SIZE: return take_size(k, c);
    case JT_CHUNKS_BEFORE_EXTENSION:
    case JT_CHUNKS_EXTENSION: return take_extension(k, c);
    case JT_CHUNKS_SIZE_LF: return end_size(k, c);
    case JT_CHUNKS_DATA_CR: return pass(k, c, '\r', JT_CHUNKS_DATA_LF);
    case JT_CHUNKS_DATA_LF: return pass(k, c, '\n', JT_CHUNKS_SIZE);
    case JT_CHUNKS_TRAILER:
    case JT_CHUNKS_TRAILER_NAME:
    case JT_CHUNKS_TRAILER_VALUE: return take_trailer(k, c);
    case JT_CHUNKS_TRAILER_LF: return pass(k, c, '\n', JT_CHUNKS_TRAILER);
    case JT_CHUNKS_LAST_LF: return pass(k, c, '\n', JT_CHUNKS_OVER);
    default: return false;
    }
}

enum jt_chunks_step jt_chunks_read(struct jt_chunks *chunks, const char *p, size_t len,
                                   size_t *used, struct jt_slice *data)
{
    struct jt_chunks *k = chunks;
    *data = (struct jt_slice){ 0 };
    while (*used < len) {
        if (k->place == JT_CHUNKS_DATA) {
            size_t n = len - *used;
            n = n < k->left ? n : (size_t)k->left;
            *data = (struct jt_slice){ p + *used, n };
            *used += n;
            k->left -= n;
            k->place = k->left == 0 ? JT_CHUNKS_DATA_CR : JT_CHUNKS_DATA;
            return JT_CHUNKS_GIVE;
        }
        if (!take(k, p[(*used)++])) {
            return JT_CHUNKS_BAD;
        }
        if (k->place == JT_CHUNKS_OVER) {
            return JT_CHUNKS_END;
        }
        if (k->place == JT_CHUNKS_DATA) {
            return JT_CHUNKS_GIVE;
        }
    }
    return JT_CHUNKS_MORE;
}
