/* SPDX-License-Identifier: Apache-2.0 */
#include "http/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 255

static bool is_name(const char *s, size_t len)
{
    bool any = false; /* dots alone are no name */
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && c != '-' && c != '.' && c != '_' && c != '~') {
            return false;
        }
        if (c == '.' && i + 1 < len && s[i + 1] == '.') {
            return false;
        }
        any |= alnum;
    }
    return any && len <= HOST_MAX && s[0] != '.';
}

static bool is_ipv6(const char *s, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    if (len >= sizeof text || memchr(s, '\0', len) != NULL) {
        return false;
    }
    memcpy(text, s, len);
    text[len] = '\0';
    return inet_pton(AF_INET6, text, &ignored) == 1;
}

/* The length of the host without its port, or 0 when it is none. */
static size_t host_len(struct jt_slice t)
{
    const char *colon;
    size_t len;
    if (t.len > 0 && t.p[0] == '[') {
        const char *end = memchr(t.p, ']', t.len);
        if (end == NULL || !is_ipv6(t.p + 1, (size_t)(end - t.p - 1))) {
            return 0;
        }
        len = (size_t)(end - t.p) + 1;
        colon = len < t.len ? end + 1 : NULL;
        return colon == NULL || *colon == ':' ? len : 0;
    }
    colon = t.len == 0 ? NULL : memchr(t.p, ':', t.len);
    len = colon == NULL ? t.len : (size_t)(colon - t.p);
    return is_name(t.p, len) ? len : 0;
}

bool jt_host_valid(struct jt_slice text)
{
    size_t at = host_len(text);
    unsigned port = 0;
    if (at == 0) {
        return false;
    }
    /* past the colon; RFC 3986 section 3.2.3 allows an empty port */
    for (at++; at < text.len; at++) {
        if (text.p[at] < '0' || text.p[at] > '9') {
            return false;
        }
        port = port * 10 + (unsigned)(text.p[at] - '0');
        if (port > 65535) {
            return false;
        }
    }
    return true;
}

/* The next entry of the list, blanks around it left out; false at the end. */
static bool next_name(const char **at, struct jt_slice *out)
{
    const char *p = *at + strspn(*at, " \t");
    if (*p == '\0') {
        return false;
    }
    size_t len = strcspn(p, ",");
    *at = p + len + (p[len] == ',');
    while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t')) {
        len--;
    }
    *out = (struct jt_slice){ p, len };
    return true;
}

bool jt_host_permitted(const char *names, struct jt_slice text)
{
    size_t len = host_len(text);
    struct jt_slice name;
    bool any = false;
    while (next_name(&names, &name)) {
        any = true;
        if (name.len == len && strncasecmp(name.p, text.p, len) == 0) {
            return true;
        }
    }
    return !any;
}

bool jt_host_list_valid(const char *names)
{
    struct jt_slice name;
    while (next_name(&names, &name)) {
        if (host_len(name) == 0 || host_len(name) != name.len) {
            return false;
        }
    }
    return true;
}
