/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/csvcell.h"

#include <stdbool.h>
#include <string.h>

static bool is_quoted(const char *cell, size_t len)
{
    return len >= 2 && cell[0] == '"' && cell[len - 1] == '"';
}

void jt_csvcell_read(const char *cell, size_t len, struct jt_buf *room, const char **text,
                     size_t *text_len)
{
    bool quoted = is_quoted(cell, len);
    *text = cell + quoted;
    *text_len = len - (quoted ? 2 : 0);
    if (!quoted || memchr(*text, '"', *text_len) == NULL) {
        return;
    }
    const char *rest = *text, *end = *text + *text_len, *quote;
    size_t before = room->len;
    while ((quote = memchr(rest, '"', (size_t)(end - rest))) != NULL) {
        jt_buf_put(room, rest, (size_t)(quote - rest) + 1);
        /* the second of a doubled quote; of a single one, which is malformed, there is none */
        rest = quote + 1 < end && quote[1] == '"' ? quote + 2 : quote + 1;
    }
    jt_buf_put(room, rest, (size_t)(end - rest));
    *text = (const char *)room->data + before;
    *text_len = room->len - before;
}

enum jt_err jt_csvcell_put(const char *old, size_t old_len, char delimiter, const char *text,
                           size_t len, struct jt_buf *out)
{
    if (!is_quoted(old, old_len)) {
        bool plain =
            len == 0 || (text[0] != '"' && memchr(text, delimiter, len) == NULL &&
                         memchr(text, '\n', len) == NULL && memchr(text, '\r', len) == NULL);
        if (!plain) {
            return JT_ERR_INVALID;
        }
        jt_buf_put(out, text, len);
        return jt_buf_status(out);
    }
    jt_buf_u8(out, '"');
    for (size_t i = 0; i < len; i++) {
        jt_buf_put(out, text[i] == '"' ? "\"\"" : text + i, text[i] == '"' ? 2 : 1);
    }
    jt_buf_u8(out, '"');
    return jt_buf_status(out);
}
