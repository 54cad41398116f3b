/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include <string.h>
#include <strings.h>

bool jt_head_is_token_char(char c)
{
    bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alnum || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct jt_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!jt_head_is_token_char(s.p[i])) {
            return false;
        }
    }
    return s.len > 0;
}

static bool is(struct jt_slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.p, text, s.len) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110 section 5.6.3: optional white space around. */
static struct jt_slice trim(struct jt_slice s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* Cuts off what stands before the first `c`, and `c`; false when there is none. */
static bool cut(struct jt_slice *s, char c, struct jt_slice *before)
{
    const char *at = s->len == 0 ? NULL : memchr(s->p, c, s->len);
    if (at == NULL) {
        return false;
    }
    *before = (struct jt_slice){ s->p, (size_t)(at - s->p) };
    s->len -= before->len + 1;
    s->p = at + 1;
    return true;
}

/* The next member of a comma-separated list (RFC 9110 section 5.6.1), empty ones skipped. */
static bool next_member(struct jt_slice *list, struct jt_slice *member)
{
    while (list->len > 0) {
        if (!cut(list, ',', member)) {
            *member = *list;
            list->len = 0;
        }
        *member = trim(*member);
        if (member->len > 0) {
            return true;
        }
    }
    return false;
}

enum jt_head_fault jt_head_scan(const char *p, size_t len, size_t *scanned, size_t *head_len)
{
    /* RFC 8446 section 5.1: a handshake record, its version's first byte */
    if (len >= 1 && p[0] == 0x16) {
        return len == 1 ? JT_HEAD_MORE : p[1] == 0x03 ? JT_HEAD_TLS : JT_HEAD_MALFORMED;
    }
    for (size_t i = *scanned; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        bool after_cr = i > 0 && p[i - 1] == '\r';
        if (after_cr != (c == '\n') || (c < ' ' && c != '\r' && c != '\n' && c != '\t') ||
            c == 0x7f) {
            return JT_HEAD_MALFORMED; /* RFC 9112 section 2.2; RFC 9110 section 5.5 */
        }
        if (c == '\n' && i >= 3 && p[i - 2] == '\n') {
            *head_len = i + 1;
            return i < JT_HEAD_MAX ? JT_HEAD_GOOD : JT_HEAD_LARGE;
        }
        *scanned = i + 1;
    }
    /* The longest line, whose own end is still to come, is not too long. */
    if (len >= JT_HEAD_LINE_MAX + 2 && memchr(p, '\n', JT_HEAD_LINE_MAX + 2) == NULL) {
        return JT_HEAD_LINE_LONG;
    }
    return len >= JT_HEAD_MAX ? JT_HEAD_LARGE : JT_HEAD_MORE;
}

/*
 * Visible ASCII without what a path has no use for here: escapes, a fragment, a backslash, empty
 * and dotted segments.
 */
static bool path_good(struct jt_slice path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.p[i];
        if (c <= ' ' || c > '~' || c == '%' || c == '#' || c == '\\') {
            return false;
        }
        if (c == '/' && i + 1 < path.len && (path.p[i + 1] == '/' || path.p[i + 1] == '.')) {
            return false;
        }
    }
    return path.len > 0 && path.p[0] == '/';
}

static bool query_good(struct jt_slice query)
{
    for (size_t i = 0; i < query.len; i++) {
        if (query.p[i] <= ' ' || query.p[i] > '~' || query.p[i] == '#') {
            return false;
        }
    }
    return true;
}

/* RFC 9112 section 3.2.2: a server MUST accept the absolute form, and its host counts. */
static bool take_authority(struct jt_slice *target, struct jt_head *out)
{
    size_t scheme = target->len >= 7 && strncasecmp(target->p, "http://", 7) == 0    ? 7
                    : target->len >= 8 && strncasecmp(target->p, "https://", 8) == 0 ? 8
                                                                                     : 0;
    if (scheme == 0) {
        return false;
    }
    target->p += scheme;
    target->len -= scheme;
    size_t len = 0;
    while (len < target->len && target->p[len] != '/' && target->p[len] != '?') {
        len++;
    }
    out->host = (struct jt_slice){ target->p, len };
    target->p += len;
    target->len -= len;
    return jt_host_valid(out->host); /* userinfo is no host: RFC 9110 section 4.2.4 */
}

static bool take_target(struct jt_slice target, struct jt_head *out)
{
    if (is(target, "*")) {
        out->path = target;
        return out->method.len == 7 && memcmp(out->method.p, "OPTIONS", 7) == 0; /* section 3.2.4 */
    }
    bool absolute = target.len > 0 && target.p[0] != '/';
    if (absolute && !take_authority(&target, out)) {
        return false;
    }
    if (cut(&target, '?', &out->path)) {
        out->query = target;
    } else {
        out->path = target;
    }
    if (absolute && out->path.len == 0) {
        out->path = (struct jt_slice){ "/", 1 };
    }
    return path_good(out->path) && query_good(out->query);
}

/* RFC 9112 section 2.3: HTTP-name is case-sensitive, one digit on each side. */
static enum jt_head_fault take_version(struct jt_slice v, struct jt_head *out)
{
    if (v.len != 8 || memcmp(v.p, "HTTP/", 5) != 0 || v.p[6] != '.' || !is_digit(v.p[5]) ||
        !is_digit(v.p[7])) {
        return JT_HEAD_MALFORMED;
    }
    out->http10 = v.p[7] == '0';
    out->close = out->http10;
    return v.p[5] == '1' ? JT_HEAD_GOOD : JT_HEAD_VERSION;
}

/* RFC 9112 section 3: method SP request-target SP HTTP-version, one space each. */
static enum jt_head_fault take_request_line(struct jt_slice line, struct jt_head *out)
{
    struct jt_slice target;
    if (line.len > JT_HEAD_LINE_MAX) {
        return JT_HEAD_LINE_LONG;
    }
    if (!cut(&line, ' ', &out->method) || !is_token(out->method) || !cut(&line, ' ', &target)) {
        return JT_HEAD_MALFORMED;
    }
    enum jt_head_fault fault = take_version(line, out);
    if (fault != JT_HEAD_GOOD) {
        return fault;
    }
    return take_target(target, out) ? JT_HEAD_GOOD : JT_HEAD_MALFORMED;
}

/* What is counted while the fields are read. */
struct seen {
    int host, authorization, content_type, content_length, transfer_encoding, traceparent,
        idempotency_key;
    struct jt_slice host_value;
};

/* RFC 9110 section 8.6: digits only; no sign, no list. */
static bool take_length(struct jt_slice v, struct jt_head *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (!is_digit(v.p[i])) {
            return false;
        }
        n = n > UINT64_MAX / 10 - 1 ? UINT64_MAX : n * 10 + (uint64_t)(v.p[i] - '0');
    }
    out->content_length = n;
    return v.len > 0;
}

/*
 * RFC 9112 section 6.1: chunked comes last and once; anything before or beside it is a coding that
 * we do not know. Empty members of the list are among it: RFC 9110 section 5.6.1 would have them
 * skipped, but who stands before us may read them otherwise, and no client sends them.
 */
static enum jt_head_fault take_codings(struct jt_slice list, struct jt_head *out)
{
    struct jt_slice member;
    bool other = !is(list, "chunked");
    while (next_member(&list, &member)) {
        if (out->chunked) {
            return JT_HEAD_MALFORMED;
        }
        out->chunked = is(member, "chunked");
    }
    return !out->chunked ? JT_HEAD_MALFORMED : other ? JT_HEAD_CODING : JT_HEAD_GOOD;
}

static void take_connection(struct jt_slice list, struct jt_head *out)
{
    struct jt_slice member;
    while (next_member(&list, &member)) {
        out->close |= is(member, "close");
    }
}

/* RFC 9110 section 10.1.1. An HTTP/1.0 client cannot understand an interim answer. */
static enum jt_head_fault take_expect(struct jt_slice list, struct jt_head *out)
{
    struct jt_slice member;
    while (!out->http10 && next_member(&list, &member)) {
        if (!is(member, "100-continue")) {
            return JT_HEAD_EXPECTATION;
        }
        out->expects_continue = true;
    }
    return JT_HEAD_GOOD;
}

static enum jt_head_fault take_value(struct jt_slice name, struct jt_slice v, struct seen *seen,
                                     struct jt_head *out)
{
    switch (name.len) { /* most fields are none of ours: one comparison tells */
    case 4:
        if (is(name, "Host")) {
            seen->host++;
            seen->host_value = v;
        }
        break;
    case 6: return is(name, "Expect") ? take_expect(v, out) : JT_HEAD_GOOD;
    case 10:
        if (is(name, "Connection")) {
            take_connection(v, out);
        }
        break;
    case 11:
        if (is(name, "traceparent")) {
            out->traceparent = seen->traceparent++ == 0 ? v : (struct jt_slice){ NULL, 0 };
        }
        break;
    case 12:
        if (is(name, "Content-Type")) {
            seen->content_type++;
            out->content_type = v;
        }
        break;
    case 13:
        if (is(name, "Authorization")) {
            seen->authorization++;
            out->authorization = v;
        } else if (is(name, "If-None-Match")) {
            out->if_none_match = v;
        }
        break;
    case 14:
        if (is(name, "Content-Length")) {
            seen->content_length++;
            return take_length(v, out) ? JT_HEAD_GOOD : JT_HEAD_MALFORMED;
        }
        break;
    case 15:
        if (is(name, "X-Forwarded-For")) {
            out->forwarded_for = v;
        } else if (is(name, "Idempotency-Key")) {
            seen->idempotency_key++;
            out->idempotency_key = v;
        }
        break;
    case 16: out->encoded |= is(name, "Content-Encoding") && v.len > 0 && !is(v, "identity"); break;
    case 17:
        if (is(name, "Transfer-Encoding")) {
            seen->transfer_encoding++;
            return take_codings(v, out);
        }
        break;
    default: break;
    }
    return JT_HEAD_GOOD;
}

/*
 * RFC 9112 section 5: name ":" OWS value OWS. A line that begins with a blank is a folded one
 * (5.2), and no name.
 */
static enum jt_head_fault take_field(struct jt_slice line, struct seen *seen, struct jt_head *out)
{
    struct jt_slice name;
    if (!cut(&line, ':', &name) || !is_token(name)) {
        return JT_HEAD_MALFORMED;
    }
    return take_value(name, trim(line), seen, out);
}

/* What holds between fields. */
static bool agree(const struct seen *seen, struct jt_head *out)
{
    if (seen->host > 1 || seen->authorization > 1 || seen->content_type > 1 ||
        seen->content_length > 1 || seen->transfer_encoding > 1 || seen->idempotency_key > 1) {
        return false;
    }
    if (seen->transfer_encoding > 0 && (seen->content_length > 0 || out->http10)) {
        return false; /* RFC 9112 section 6.1 */
    }
    if (seen->host == 0 ? !out->http10 : !jt_host_valid(seen->host_value)) {
        return false; /* RFC 9112 section 3.2 */
    }
    if (out->host.p == NULL && seen->host == 1) {
        out->host = seen->host_value;
    }
    return true;
}

enum jt_head_fault jt_head_parse(const char *p, size_t len, struct jt_head *out)
{
    *out = (struct jt_head){ 0 };
    struct seen seen = { 0 };
    struct jt_slice left = { p, len }, line;
    int n_fields = 0;
    /*
     * A fault that only limits us must not hide one that makes the head ambiguous: the first such
     * is kept, the rest still read.
     */
    enum jt_head_fault kept = JT_HEAD_GOOD;
    while (cut(&left, '\n', &line) && line.len > 1) {
        line.len--; /* the CR, which jt_head_scan has seen */
        enum jt_head_fault fault =
            line.p == p ? take_request_line(line, out) : take_field(line, &seen, out);
        if (fault == JT_HEAD_MALFORMED || fault == JT_HEAD_VERSION || fault == JT_HEAD_LINE_LONG) {
            return fault;
        }
        kept = kept == JT_HEAD_GOOD ? fault : kept;
        if (++n_fields > JT_HEAD_FIELDS_MAX + 1) {
            return JT_HEAD_LARGE;
        }
    }
    if (out->method.p == NULL || !agree(&seen, out)) {
        return JT_HEAD_MALFORMED;
    }
    return kept;
}
