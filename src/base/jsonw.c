/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsonw.h"

#include <inttypes.h>
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

static void begin_member(struct jt_buf *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{') {
        jt_buf_u8(out, ',');
    }
    jt_buf_u8(out, '"');
    put(out, name);
    put(out, "\":");
}

void jt_jsonw_open(struct jt_buf *out)
{
    jt_buf_u8(out, '{');
}

void jt_jsonw_close(struct jt_buf *out)
{
    jt_buf_u8(out, '}');
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
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRId64, value);
    begin_member(out, name);
    put(out, digits);
}

void jt_jsonw_bool(struct jt_buf *out, const char *name, bool value)
{
    begin_member(out, name);
    put(out, value ? "true" : "false");
}
