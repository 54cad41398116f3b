/* SPDX-License-Identifier: Apache-2.0 */
#include "api/client_members.h"

#include "api/json.h"
#include "base/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool take_permissions(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_may *out = at;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = jt_json_text(json_array_get(value, i));
        if (text == NULL || !jt_may_add(out, text)) {
            return false;
        }
    }
    return !jt_may_nothing(out);
}

/* The seconds of a text that jt_text_is_time_or_empty takes; 0 for what lies before 1970. */
static uint64_t seconds_of(const char *text)
{
    struct tm tm = { 0 };
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (p == NULL) {
        return 0;
    }
    p += *p == '.' ? 1 + strspn(p + 1, "0123456789") : 0;
    long offset_s = 0;
    if (*p == '+' || *p == '-') {
        offset_s = (strtol(p + 1, NULL, 10) * 60 + strtol(p + 4, NULL, 10)) * 60;
        offset_s = *p == '-' ? -offset_s : offset_s;
    }
    int64_t at = (int64_t)timegm(&tm) - offset_s;
    return at > 0 ? (uint64_t)at : 0;
}

static bool take_expiry(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_client_bounds *out = at;
    const char *text = jt_json_text(value);
    if (text == NULL) {
        return false;
    }
    out->has_expiry = true;
    out->expires_s = 0;
    if (strcmp(text, "never") == 0) {
        return true;
    }
    if (*text == '\0' || !jt_text_is_time_or_empty(text)) {
        return false;
    }
    out->expires_s = seconds_of(text);
    return out->expires_s > (uint64_t)time(NULL);
}

static bool take_networks(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_client_bounds *out = at;
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > JT_CLIENT_MAX_NETWORKS) {
        return false;
    }
    out->has_networks = true;
    out->n_networks = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        const char *text = jt_json_text(json_array_get(value, i));
        if (text == NULL || !jt_network_parse(text, &out->networks[i])) {
            return false;
        }
    }
    return true;
}

/* One form for one digest, as everywhere: no upper case, no colons. */
static bool take_digest(const char *text, uint8_t out[static JT_CERT_DIGEST_LEN])
{
    return text != NULL && strlen(text) == JT_CERT_DIGEST_LEN * 2 &&
           strspn(text, "0123456789abcdef") == JT_CERT_DIGEST_LEN * 2 &&
           jt_hex_decode(text, JT_CERT_DIGEST_LEN, out) == JT_OK;
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, JT_CERT_DIGEST_LEN);
}

static bool take_certs(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_client_bounds *out = at;
    struct jt_client_terms terms = { 0 };
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > JT_CLIENT_MAX_CERTS) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!take_digest(jt_json_text(json_array_get(value, i)), terms.certs[i])) {
            return false;
        }
    }
    qsort(terms.certs, n, sizeof terms.certs[0], by_digest);
    terms.n_certs = (uint8_t)n;
    out->has_certs = true;
    out->n_certs = terms.n_certs;
    memcpy(out->certs, terms.certs, sizeof out->certs);
    return jt_client_terms_valid(&terms);
}

/* An absent bound is 0: there is none. False: it is no bound. */
static bool take_bound(json_t *object, const char *name, uint32_t *out, size_t *n_members)
{
    json_t *value = json_object_get(object, name);
    if (value == NULL) {
        *out = 0;
        return true;
    }
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    *out = number < 1 || number > UINT32_MAX ? 0 : (uint32_t)number;
    (*n_members)++;
    return *out != 0;
}

static bool take_budget(json_t *object, struct jt_budget *out)
{
    const char *operation = jt_json_text(json_object_get(object, "operation"));
    uint32_t bit = operation == NULL ? 0 : jt_permission_of(operation, strlen(operation));
    size_t n_members = 1;
    for (out->operation = 0; out->operation < 31 && UINT32_C(1) << out->operation != bit;) {
        out->operation++;
    }
    return bit != 0 && take_bound(object, "per_second", &out->rate, &n_members) &&
           take_bound(object, "per_day", &out->quota, &n_members) &&
           json_object_size(object) == n_members;
}

static int by_operation(const void *a, const void *b)
{
    uint32_t x = ((const struct jt_budget *)a)->operation;
    uint32_t y = ((const struct jt_budget *)b)->operation;
    return (x > y) - (x < y);
}

static bool take_budgets(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_client_bounds *out = at;
    struct jt_client_terms terms = { 0 };
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > JT_CLIENT_MAX_BUDGETS) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!take_budget(json_array_get(value, i), &terms.budgets[i])) {
            return false;
        }
    }
    qsort(terms.budgets, n, sizeof terms.budgets[0], by_operation);
    terms.n_budgets = (uint8_t)n;
    out->has_budgets = true;
    out->n_budgets = terms.n_budgets;
    memcpy(out->budgets, terms.budgets, sizeof out->budgets);
    return jt_client_terms_valid(&terms);
}

static bool take_overlap(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_overlap *out = at;
    json_int_t seconds = json_is_integer(value) ? json_integer_value(value) : -1;
    bool good = seconds >= 0 && seconds <= JT_CLIENT_OVERLAP_MAX_S;
    *out = (struct jt_overlap){ .given = true, .s = good ? (uint32_t)seconds : 0 };
    return good;
}

const struct jt_member_kind jt_member_permissions = { "array", take_permissions },
                            jt_member_expiry = { "string", take_expiry },
                            jt_member_networks = { "array", take_networks },
                            jt_member_certs = { "array", take_certs },
                            jt_member_budgets = { "array", take_budgets },
                            jt_member_overlap = { "integer", take_overlap };

json_t *jt_json_time_or_null(uint64_t seconds)
{
    time_t at = (time_t)seconds;
    struct tm tm;
    char text[32];
    if (seconds == 0 || gmtime_r(&at, &tm) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        return json_null();
    }
    return json_string(text);
}
