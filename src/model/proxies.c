/* SPDX-License-Identifier: Apache-2.0 */
#include "model/proxies.h"

#include <string.h>

#define BLANKS " \t"

/* The bytes from *p up to a comma or `end`, without blanks around them, as a text. */
static bool next_text(const char **p, const char *end, char out[static JT_NETWORK_TEXT_MAX + 1])
{
    const char *from = *p, *comma = memchr(from, ',', (size_t)(end - from));
    const char *to = comma == NULL ? end : comma;
    *p = comma == NULL ? end : comma + 1;
    while (from < to && strchr(BLANKS, *from) != NULL) {
        from++;
    }
    while (to > from && strchr(BLANKS, to[-1]) != NULL) {
        to--;
    }
    size_t len = (size_t)(to - from);
    if (len == 0 || len > JT_NETWORK_TEXT_MAX || memchr(from, '\0', len) != NULL) {
        return false;
    }
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

bool jt_proxies_parse(const char *list, struct jt_proxies *out)
{
    char text[JT_NETWORK_TEXT_MAX + 1];
    const char *p = list, *end = list + strlen(list);
    *out = (struct jt_proxies){ 0 };
    while (p < end) {
        if (!next_text(&p, end, text)) {
            return false;
        }
        if (strcmp(text, "unix") == 0) {
            out->local = true;
        } else if (out->n == JT_PROXIES_MAX || !jt_network_parse(text, &out->of[out->n++])) {
            return false;
        }
    }
    return p == list || p[-1] != ',';
}

static bool is_proxy(const struct jt_proxies *proxies, const struct jt_source *source)
{
    bool found = source->family == 0 && proxies->local;
    for (size_t i = 0; i < proxies->n && !found; i++) {
        found = jt_network_has(&proxies->of[i], source);
    }
    return found;
}

/* One address, as proxies write it: an IPv6 address may stand in brackets. */
static bool read_address(const char *p, const char *end, struct jt_source *out)
{
    char text[JT_NETWORK_TEXT_MAX + 1], *address = text;
    struct jt_network n;
    if (!next_text(&p, end, text)) {
        return false;
    }
    size_t len = strlen(text);
    if (text[0] == '[' && text[len - 1] == ']') {
        text[len - 1] = '\0';
        address++;
    }
    if (strchr(address, '/') != NULL || !jt_network_parse(address, &n)) {
        return false;
    }
    *out = jt_source_of(n.address, jt_network_address_len(n.family));
    return true;
}

bool jt_proxies_source(const struct jt_proxies *proxies, const struct jt_source *peer,
                       const char *forwarded_for, size_t len, struct jt_source *source)
{
    const char *end = forwarded_for + len;
    *source = *peer;
    for (bool first = true; len > 0 && is_proxy(proxies, source); first = false) {
        if (!first && end == forwarded_for) {
            return true; /* proxies all the way */
        }
        end -= first ? 0 : 1; /* the comma */
        const char *from = end;
        while (from > forwarded_for && from[-1] != ',') {
            from--;
        }
        if (!read_address(from, end, source)) {
            return false;
        }
        end = from;
    }
    return true;
}
