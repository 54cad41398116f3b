/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsonw.h"

#include <stdio.h>
#include <string.h>

static void put(struct jt_buf *out, const char *text)
{
    jt_buf_put(out, text, strlen(text));
}

/* RFC 8259 section 7. Runs of ordinary bytes go in one piece. */
static void put_escaped(struct jt_buf *out, const char *text)
{
    while (*text != '\0') {
        size_t run = 0;
        while ((unsigned char)text[run] >= ' ' && text[run] != '"' && text[run] != '\\') {
            run++;
        }
        jt_buf_put(out, text, run);
        text += run;
        if (*text == '"' || *text == '\\') {
            jt_buf_u8(out, '\\');
            jt_buf_u8(out, (uint8_t)*text++);
        } else if (*text != '\0') {
            char escape[8];
            (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*text++);
            put(out, escape);
        }
    }
}

/* A comma unless this is the first of its object or array. */
static bool follows(const struct jt_buf *out)
{
    uint8_t last = out->len == 0 ? '{' : out->data[out->len - 1];
    return last != '{' && last != '[';
}

static void begin_member(struct jt_buf *out, const char *name)
{
    size_t len = strlen(name), comma = follows(out);
    uint8_t *p = jt_buf_append(out, comma + len + 3);
    if (p == NULL) {
        return;
    }
    p[0] = ',';
    p += comma;
    p[0] = '"';
    memcpy(p + 1, name, len);
    p[len + 1] = '"';
    p[len + 2] = ':';
}

void jt_jsonw_open(struct jt_buf *out)
{
    if (follows(out)) {
        jt_buf_u8(out, ',');
    }
    jt_buf_u8(out, '{');
}

void jt_jsonw_close(struct jt_buf *out)
{
    jt_buf_u8(out, '}');
}

void jt_jsonw_array(struct jt_buf *out, const char *name)
{
    begin_member(out, name);
    jt_buf_u8(out, '[');
}

void jt_jsonw_array_end(struct jt_buf *out)
{
    jt_buf_u8(out, ']');
}

void jt_jsonw_array_text(struct jt_buf *out, const char *text)
{
    if (follows(out)) {
        jt_buf_u8(out, ',');
    }
    jt_buf_u8(out, '"');
    put_escaped(out, text);
    jt_buf_u8(out, '"');
}

void jt_jsonw_text2(struct jt_buf *out, const char *name, const char *first, const char *second)
{
    begin_member(out, name);
    jt_buf_u8(out, '"');
    put_escaped(out, first);
    put_escaped(out, second);
    jt_buf_u8(out, '"');
}

void jt_jsonw_text(struct jt_buf *out, const char *name, const char *text)
{
    jt_jsonw_text2(out, name, text, "");
}

void jt_jsonw_int(struct jt_buf *out, const char *name, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    begin_member(out, name);
    if (value < 0) {
        jt_buf_u8(out, '-');
    }
    jt_buf_put(out, digits + at, sizeof digits - at);
}

void jt_jsonw_bool(struct jt_buf *out, const char *name, bool value)
{
    begin_member(out, name);
    put(out, value ? "true" : "false");
}

void jt_jsonw_null(struct jt_buf *out, const char *name)
{
    begin_member(out, name);
    put(out, "null");
}
