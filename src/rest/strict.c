#include "rest/strict.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

bool jt_strict_target_ok(const char *raw)
{
    if (raw[0] != '/') {
        return false;
    }
    for (const char *p = raw; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || *p == '%' || *p == '?' || *p == '#' || *p == '\\') {
            return false;
        }
    }
    return strstr(raw, "//") == NULL && strstr(raw, "/.") == NULL;
}

struct seen {
    int host, authorization, content_length, transfer_encoding, content_type;
    uint64_t length;
    size_t size, n_empty; /* of all headers written out as "Name: value" CRLF; how many values are empty */
    bool bad;
};

/* RFC 9110 section 5.6.2: the characters of a field name. */
static bool is_token(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return n > 0;
}

static bool is_field_value(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* RFC 9110 section 8.6: digits only; no sign, no list. */
static bool parse_length(const char *s, size_t n, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || *out > UINT64_MAX / 10 - 1) {
            return false;
        }
        *out = *out * 10 + (uint64_t)(s[i] - '0');
    }
    return n > 0;
}

static bool is(const char *name, size_t n, const char *expected)
{
    return strlen(expected) == n && strncasecmp(name, expected, n) == 0;
}

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    struct seen *seen = arg;
    value = value == NULL ? "" : value;
    seen->size += name_len + 2 + value_len + 2;
    seen->n_empty += value_len == 0;
    if (!is_token(name, name_len) || !is_field_value(value, value_len)) {
        seen->bad = true;
    } else if (is(name, name_len, "Host")) {
        seen->host++;
    } else if (is(name, name_len, "Authorization")) {
        seen->authorization++;
    } else if (is(name, name_len, "Content-Type")) {
        seen->content_type++;
    } else if (is(name, name_len, "Transfer-Encoding")) {
        seen->transfer_encoding++;
    } else if (is(name, name_len, "Content-Length")) {
        seen->content_length++;
        seen->bad |= !parse_length(value, value_len, &seen->length);
    }
    return MHD_YES;
}

/* Method, path and version with a space between, each header, the empty line. A header without value may lack its space, if all do. */
static bool size_agrees(struct MHD_Connection *connection, const char *method, const char *path, const struct seen *seen)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t usual = strlen(method) + 1 + strlen(path) + 1 + strlen("HTTP/1.1") + 2 + seen->size + 2;
    return info != NULL && (info->header_size == usual || info->header_size == usual - seen->n_empty);
}

enum jt_problem jt_strict_headers(struct MHD_Connection *connection, const char *method, const char *path, uint64_t max_body,
                                  size_t *body_len)
{
    *body_len = 0;
    struct seen seen = { 0 };
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look, &seen);
    bool twice = seen.host > 1 || seen.authorization > 1 || seen.content_type > 1 || seen.content_length > 1 || seen.transfer_encoding > 1;
    if (seen.bad || twice || !size_agrees(connection, method, path, &seen) || (seen.content_length > 0 && seen.transfer_encoding > 0)) {
        return JT_PROBLEM_MALFORMED_REQUEST;
    }
    if (seen.transfer_encoding > 0) {
        return JT_PROBLEM_LENGTH_REQUIRED;
    }
    if (seen.length > max_body) {
        return JT_PROBLEM_BODY_TOO_LARGE;
    }
    *body_len = (size_t)seen.length;
    return JT_PROBLEM_NONE;
}

bool jt_strict_content_type_json(struct MHD_Connection *connection)
{
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    static const char json[] = "application/json";
    if (type == NULL || strncasecmp(type, json, sizeof json - 1) != 0) {
        return false;
    }
    const char *rest = type + sizeof json - 1;
    rest += strspn(rest, " \t");
    if (*rest == '\0') {
        return true;
    }
    if (*rest != ';') {
        return false;
    }
    rest += 1 + strspn(rest + 1, " \t");
    return strcasecmp(rest, "charset=utf-8") == 0 || strcasecmp(rest, "charset=\"utf-8\"") == 0;
}
