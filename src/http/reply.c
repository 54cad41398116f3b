/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reply.h"

#include <string.h>
#include <strings.h>

static bool take_length(const char *p, size_t len, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9' || *out > UINT64_MAX / 10 - 1) {
            return false;
        }
        *out = *out * 10 + (uint64_t)(p[i] - '0');
    }
    return len > 0;
}

/* A field without its CRLF. `n_lengths` counts Content-Length. */
static bool take_field(const char *p, size_t len, struct jt_reply_head *out, int *n_lengths)
{
    static const char length[] = "Content-Length: ", connection[] = "Connection: ",
                      coding[] = "Transfer-Encoding:";
    if (len >= sizeof length - 1 && strncasecmp(p, length, sizeof length - 1) == 0) {
        ++*n_lengths;
        return take_length(p + sizeof length - 1, len - (sizeof length - 1), &out->body_len);
    }
    if (len >= sizeof connection - 1 && strncasecmp(p, connection, sizeof connection - 1) == 0) {
        out->close |= len == sizeof connection - 1 + 5 && strncasecmp(p + len - 5, "close", 5) == 0;
    }
    return len < sizeof coding - 1 || strncasecmp(p, coding, sizeof coding - 1) != 0;
}

enum jt_err jt_reply_parse(const char *p, size_t len, bool to_head, struct jt_reply_head *out)
{
    *out = (struct jt_reply_head){ 0 };
    static const char version[] = "HTTP/1.1 ";
    const char *end = memmem(p, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return JT_ERR_NO_HEAD;
    }
    out->head_len = (size_t)(end - p) + 4;
    if (out->head_len < sizeof version + 4 || memcmp(p, version, sizeof version - 1) != 0) {
        return JT_ERR_PROTOCOL;
    }
    for (int i = 0; i < 3; i++) {
        char c = p[sizeof version - 1 + (size_t)i];
        if (c < '0' || c > '9') {
            return JT_ERR_PROTOCOL;
        }
        out->status = out->status * 10 + (c - '0');
    }
    const char *line = (const char *)memmem(p, out->head_len, "\r\n", 2) + 2;
    out->line_len = (size_t)(line - p);
    int n_lengths = 0;
    while (line < end) {
        const char *next = memmem(line, out->head_len - (size_t)(line - p), "\r\n", 2);
        if (!take_field(line, (size_t)(next - line), out, &n_lengths)) {
            return JT_ERR_PROTOCOL;
        }
        line = next + 2;
    }
    if (to_head || out->status == 204 || out->status == 304) {
        out->body_len = 0;
    } else if (n_lengths != 1) {
        return JT_ERR_PROTOCOL;
    }
    return out->status < 200 ? JT_ERR_PROTOCOL : JT_OK;
}
