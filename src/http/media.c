/* SPDX-License-Identifier: Apache-2.0 */
#include "http/media.h"

#include <string.h>
#include <strings.h>

static void skip_blanks(struct jt_slice *s)
{
    while (s->len > 0 && (s->p[0] == ' ' || s->p[0] == '\t')) {
        s->p++;
        s->len--;
    }
}

/* RFC 9110 section 5.6.2. */
static bool skip_token(struct jt_slice *s)
{
    size_t n = 0;
    while (n < s->len && s->p[n] > ' ' && s->p[n] < 0x7f &&
           strchr("\"(),/:;<=>?@[\\]{}", s->p[n]) == NULL) {
        n++;
    }
    s->p += n;
    s->len -= n;
    return n > 0;
}

/* RFC 9110 section 5.6.4; at its opening quote. */
static bool skip_quoted(struct jt_slice *s)
{
    size_t n = 1;
    while (n < s->len && s->p[n] != '"') {
        n += s->p[n] == '\\' ? 2 : 1;
    }
    if (n >= s->len) {
        return false;
    }
    s->p += n + 1;
    s->len -= n + 1;
    return true;
}

/* *( OWS ";" OWS [ parameter ] ) */
static bool parameters_good(struct jt_slice s)
{
    for (;;) {
        skip_blanks(&s);
        if (s.len == 0) {
            return true;
        }
        if (s.p[0] != ';') {
            return false;
        }
        s.p++;
        s.len--;
        skip_blanks(&s);
        if (s.len == 0 || s.p[0] == ';') {
            continue;
        }
        if (!skip_token(&s) || s.len < 2 || s.p[0] != '=') {
            return false;
        }
        s.p++;
        s.len--;
        if (s.p[0] == '"' ? !skip_quoted(&s) : !skip_token(&s)) {
            return false;
        }
    }
}

bool jt_media_is_json(struct jt_slice value)
{
    static const char json[] = "application/json";
    size_t len = sizeof json - 1;
    if (value.len < len || strncasecmp(value.p, json, len) != 0) {
        return false;
    }
    return parameters_good((struct jt_slice){ value.p + len, value.len - len });
}
