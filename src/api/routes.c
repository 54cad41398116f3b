/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "vault/client_check.h"

#include <stdio.h>
#include <string.h>

static const struct jt_route routes[] = {
#define JT_ROUTE(method, path, permission, name) \
    { #method, path, permission, &jt_operation_##name, #name },
#include "api/routes.def"
#undef JT_ROUTE
};

#define N_ROUTES (sizeof routes / sizeof routes[0])

const struct jt_route *jt_routes_all(size_t *n)
{
    *n = N_ROUTES;
    return routes;
}

/* 1 to 18 digits without a leading zero: a generation number in its canonical form. */
static bool parse_number(const char *s, size_t n, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return false;
        }
        *out = *out * 10 + (uint64_t)(s[i] - '0');
    }
    return n > 0 && n <= 18 && s[0] != '0';
}

static bool parse_digest(const char *s, size_t n, char *out, size_t size)
{
    if (n != size - 1 || strspn(s, "0123456789abcdef") < n) {
        return false;
    }
    memcpy(out, s, n);
    out[n] = '\0';
    return true;
}

static bool take_param(const char *pattern, size_t pattern_len, const char *segment, size_t len,
                       struct jt_route_params *params)
{
    if (pattern_len == 8 && memcmp(pattern, "{number}", 8) == 0) {
        return parse_number(segment, len, &params->number);
    }
    if (pattern_len == 7 && memcmp(pattern, "{field}", 7) == 0 && len > 0 &&
        len <= JT_FIELD_NAME_MAX) {
        memcpy(params->field, segment, len);
        params->field[len] = '\0';
        return true;
    }
    if (pattern_len == 8 && memcmp(pattern, "{client}", 8) == 0 && len > 0 &&
        len <= JT_CLIENT_ID_MAX) {
        memcpy(params->client, segment, len);
        params->client[len] = '\0';
        return true;
    }
    if (pattern_len == 6 && memcmp(pattern, "{node}", 6) == 0 && len > 0 &&
        len <= JT_NODE_NAME_MAX) {
        memcpy(params->node, segment, len);
        params->node[len] = '\0';
        return true;
    }
    if (pattern_len == 8 && memcmp(pattern, "{digest}", 8) == 0) {
        return parse_digest(segment, len, params->digest, sizeof params->digest);
    }
    if (pattern_len == 7 && memcmp(pattern, "{token}", 7) == 0 && len > 0) {
        bool fits = len <= JT_TOKEN_TEXT_LEN;
        memcpy(params->token, segment, fits ? len : 0);
        params->token[fits ? len : 0] = '\0';
        return true;
    }
    return false;
}

static bool match(const char *pattern, const char *path, struct jt_route_params *params)
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t pattern_len = strcspn(pattern, "/");
        size_t len = strcspn(path, "/");
        bool same = *pattern == '{' ? take_param(pattern, pattern_len, path, len, params)
                                    : pattern_len == len && memcmp(pattern, path, len) == 0;
        if (!same) {
            return false;
        }
        pattern += pattern_len;
        path += len;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct jt_route *jt_routes_find(const char *method, const char *path,
                                      struct jt_route_params *params, bool *path_known, char *allow,
                                      size_t allow_len)
{
    /* RFC 9110 section 9.3.2: as GET, and the body is left out on its way */
    bool head = strcmp(method, "HEAD") == 0;
    *path_known = false;
    size_t used = 0;
    allow[0] = '\0';
    for (size_t i = 0; i < N_ROUTES; i++) {
        *params = (struct jt_route_params){ 0 };
        if (!match(routes[i].path, path, params)) {
            continue;
        }
        bool get = strcmp(routes[i].method, "GET") == 0;
        if (strcmp(routes[i].method, method) == 0 || (get && head)) {
            return &routes[i];
        }
        *path_known = true;
        int n = snprintf(allow + used, allow_len - used, "%s%s",
                         get ? "GET, HEAD" : routes[i].method, ", ");
        used = n > 0 && used + (size_t)n < allow_len ? used + (size_t)n : used;
    }
    if (*path_known) {
        snprintf(allow + used, allow_len - used, "OPTIONS");
    }
    return NULL;
}
