/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/audit: the rows of the audit trail, with all that their verification needs;
 * GET /v1/audit/starts; POST /v1/audit/verify: whether the keeper made these heads.
 */
#include "api/operation.h"
#include "base/hex.h"
#include "vault/audit_read.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIMIT_MAX     1000
#define LIMIT_DEFAULT 100
#define CURSOR_MAX    80
#define NUMBER_MAX    8
#define TIME_TEXT_MAX 40
#define ACTION_MAX    32
#define CLAIMS_MAX    1000
#define AT_TEXT       40

struct listing {
    char client[JT_CLIENT_ID_MAX + 1], action[ACTION_MAX + 1], field[JT_FIELD_NAME_MAX + 1];
    char since[TIME_TEXT_MAX], until[TIME_TEXT_MAX], request[JT_REQUEST_ID_TEXT];
    char cursor[CURSOR_MAX], ids[NUMBER_MAX];
    uint32_t limit;
    json_t *rows;
    bool with_ids, failed;
    struct jt_audit_seen seen;
};

/* --- texts --- */

static bool cursor_parse(const char *text, struct jt_audit_cursor *out)
{
    int end = 0;
    *out = (struct jt_audit_cursor){ .at_us = 0 };
    return *text == '\0' ||
           (sscanf(text, "%20" SCNu64 ".%11" SCNd64 ".%5" SCNu16 ".%20" SCNu64 ".%5" SCNu16 "%n",
                   &out->at_us, &out->start, &out->connection, &out->link, &out->place,
                   &end) == 5 &&
            text[end] == '\0' && out->at_us <= INT64_MAX && out->link <= INT64_MAX &&
            out->connection <= INT16_MAX && out->place <= INT16_MAX);
}

static bool cursor_valid(const char *text)
{
    struct jt_audit_cursor ignored;
    return cursor_parse(text, &ignored);
}

static void cursor_write(const struct jt_audit_cursor *at, char out[static CURSOR_MAX])
{
    snprintf(out, CURSOR_MAX, "%" PRIu64 ".%" PRId64 ".%u.%" PRIu64 ".%u", at->at_us, at->start,
             at->connection, at->link, at->place);
}

static bool action_valid(const char *text)
{
    return jt_audit_action_of(text) != 0;
}

static bool request_valid(const char *text)
{
    return strlen(text) == 2 * JT_REQUEST_ID_LEN &&
           strspn(text, "0123456789abcdef") == 2 * JT_REQUEST_ID_LEN;
}

static bool yes_or_no(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}

static void time_write(uint64_t us, char out[static AT_TEXT])
{
    time_t s = (time_t)(us / 1000000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, AT_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, AT_TEXT - n, ".%06uZ", (unsigned)(us % 1000000));
}

/* --- rows --- */

static const struct jt_member list_members[] = {
    { "client", &jt_member_text, JT_MEMBER_AT(struct listing, client), .must = "a client's id" },
    { "action", &jt_member_text, JT_MEMBER_AT(struct listing, action), .valid = action_valid,
      .must = "an action as in the answers" },
    { "field", &jt_member_text, JT_MEMBER_AT(struct listing, field),
      .must = "the name of a field" },
    { "since", &jt_member_text, JT_MEMBER_AT(struct listing, since),
      .valid = jt_text_is_time_or_empty, .must = JT_TIME_MUST },
    { "until", &jt_member_text, JT_MEMBER_AT(struct listing, until),
      .valid = jt_text_is_time_or_empty, .must = JT_TIME_MUST },
    { "request", &jt_member_text, JT_MEMBER_AT(struct listing, request), .valid = request_valid,
      .must = "an X-Request-Id: 32 lower-case hexadecimal digits" },
    { "cursor", &jt_member_text, JT_MEMBER_AT(struct listing, cursor), .valid = cursor_valid,
      .must = "a cursor of an answer" },
    { "limit", &jt_member_limit, JT_MEMBER_AT(struct listing, limit), .must = JT_LIMIT_MUST },
    { "ids", &jt_member_text, JT_MEMBER_AT(struct listing, ids), .valid = yes_or_no,
      .must = "true or false" },
};

static json_t *hex_json(const void *p, size_t len)
{
    char text[2 * JT_AUDIT_DIGEST_LEN + 1];
    jt_hex_encode(p, len, text);
    return json_string(text);
}

static json_t *source_json(const struct jt_origin *origin)
{
    char text[INET6_ADDRSTRLEN];
    int family = origin->source_len == sizeof(struct in_addr) ? AF_INET : AF_INET6;
    return origin->source_len == 0 || inet_ntop(family, origin->source, text, sizeof text) == NULL
               ? json_null()
               : json_string(text);
}

static json_t *ids_json(const struct jt_audit_row *row)
{
    json_t *list = json_array();
    for (size_t i = 0; i < row->n_ids; i++) {
        uint8_t id[JT_ROW_ID_LEN];
        jt_put_u64(id, row->ids[i]);
        if (json_array_append_new(list, hex_json(id, sizeof id)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Of a refused request the result is the status, and its object says why. */
static json_t *reason_json(const struct jt_audit_row *row)
{
    bool status = row->action == JT_AUDIT_REFUSED || row->action == JT_AUDIT_LOGIN_REFUSED;
    return status || row->result == JT_OK ? json_null() : json_string(jt_err_str(row->result));
}

static json_t *row_json(const struct jt_audit_view *v, const char *cursor)
{
    char at[AT_TEXT], number[16];
    uint8_t digest[JT_AUDIT_DIGEST_LEN];
    const char *action = jt_audit_action_name(v->row.action);
    time_write(v->at.at_us, at);
    snprintf(number, sizeof number, "%d", (int)v->row.action);
    if (jt_audit_read_ids_digest(&v->row, digest) != JT_OK) {
        return NULL;
    }
    return json_pack(
        "{ss,ss,sI,sI,si,sI,si,so,ss,si,si,so,ss,so,sI,sI,sI,sI,so,ss,so,so,ss}", "cursor", cursor,
        "at", at, "at_us", (json_int_t)v->at.at_us, "start", (json_int_t)v->at.start, "connection",
        (int)v->at.connection, "link", (json_int_t)v->at.link, "place", (int)v->at.place, "head",
        v->has_head ? hex_json(v->head, sizeof v->head) : json_null(), "action",
        action == NULL ? number : action, "action_number", (int)v->row.action, "result",
        (int)v->row.result, "reason", reason_json(&v->row), "client", v->row.client, "field",
        v->field[0] == '\0' ? json_null() : json_string(v->field), "field_id",
        (json_int_t)v->row.field, "items", (json_int_t)v->row.n_items, "done",
        (json_int_t)v->row.n_done, "n_ids", (json_int_t)v->row.n_ids, "ids_digest",
        hex_json(digest, sizeof digest), "object", v->row.object, "source",
        source_json(v->row.origin), "request", hex_json(v->row.origin->request, JT_REQUEST_ID_LEN),
        "node", v->node);
}

static void add_row(void *arg, const struct jt_audit_view *v)
{
    struct listing *l = arg;
    char cursor[CURSOR_MAX];
    cursor_write(&v->at, cursor);
    json_t *row = row_json(v, cursor);
    if (row != NULL && l->with_ids) {
        l->failed |= json_object_set_new(row, "ids", ids_json(&v->row)) != 0;
    }
    l->failed |= json_array_append_new(l->rows, row) != 0;
}

static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct listing *l = state;
    uint8_t request[JT_REQUEST_ID_LEN];
    struct jt_audit_filter filter = { .since = l->since,
                                      .until = l->until,
                                      .client = l->client,
                                      .action = (uint32_t)jt_audit_action_of(l->action) };
    filter.max = l->limit == 0 ? LIMIT_DEFAULT : l->limit;
    l->with_ids = strcmp(l->ids, "true") == 0;
    (void)cursor_parse(l->cursor, &filter.after);
    if (l->request[0] != '\0' && jt_hex_decode(l->request, sizeof request, request) == JT_OK) {
        filter.request = request;
    }
    l->rows = json_array();
    enum jt_err err = jt_audit_read_rows(ctx, l->field, &filter, add_row, l, &l->seen);
    return err == JT_OK && l->failed ? JT_ERR_NOMEM : err;
}

/* `next` is null when there is nothing more now; a page with a next one may have no rows. */
static json_t *list_answer(const struct jt_api *api, void *state)
{
    (void)api;
    struct listing *l = state;
    char stable[AT_TEXT], next[CURSOR_MAX];
    time_write(l->seen.stable_us, stable);
    cursor_write(&l->seen.last, next);
    return json_pack("{sO,so,ss}", "rows", l->rows, "next",
                     l->seen.more ? json_string(next) : json_null(), "stable_until", stable);
}

static void list_clear(void *state)
{
    json_decref(((struct listing *)state)->rows);
}

const struct jt_operation jt_operation_audit_list = {
    .members = JT_MEMBERS(list_members),
    .state_size = sizeof(struct listing),
    .act = list,
    .status = 200,
    .answer = list_answer,
    .clear = list_clear,
};

/* --- starts --- */

struct starts {
    json_t *found, *closes;
    bool failed;
};

static json_t *end_json(const struct jt_audit_end *end)
{
    return json_pack("{si,sI,so}", "connection", (int)end->connection, "link",
                     (json_int_t)end->number, "head", hex_json(end->head, sizeof end->head));
}

static void add_start(void *arg, const struct jt_audit_start *start)
{
    struct starts *s = arg;
    char at[AT_TEXT];
    json_t *ends = json_array();
    time_write(start->at_us, at);
    for (size_t i = 0; i < start->n_ends; i++) {
        s->failed |= json_array_append_new(ends, end_json(&start->ends[i])) != 0;
    }
    json_t *json = json_pack("{sI,ss,ss,sI,so,sI,so,so}", "id", (json_int_t)start->id, "node",
                             start->node, "at", at, "at_us", (json_int_t)start->at_us,
                             "incarnation", hex_json(start->incarnation, JT_INCARNATION_LEN),
                             "predecessor", (json_int_t)start->predecessor, "ends", ends, "mac",
                             hex_json(start->mac, sizeof start->mac));
    s->failed |= json_array_append_new(s->found, json) != 0;
}

static void add_close(void *arg, const struct jt_audit_close *close)
{
    struct starts *s = arg;
    json_t *json =
        json_pack("{sI,si,sI,so,sI,so}", "start", (json_int_t)close->start, "connection",
                  (int)close->connection, "link", (json_int_t)close->number, "head",
                  hex_json(close->head, sizeof close->head), "before_us",
                  (json_int_t)close->before_us, "mac", hex_json(close->mac, sizeof close->mac));
    s->failed |= json_array_append_new(s->closes, json) != 0;
}

static enum jt_err list_starts(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct starts *s = state;
    s->found = json_array();
    s->closes = json_array();
    enum jt_err err = jt_audit_read_starts(ctx, add_start, s);
    if (err == JT_OK) {
        err = jt_audit_read_closes(ctx, add_close, s);
    }
    return err == JT_OK && s->failed ? JT_ERR_NOMEM : err;
}

static json_t *starts_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct starts *s = state;
    return json_pack("{sO,sO}", "starts", s->found, "closes", s->closes);
}

static void starts_clear(void *state)
{
    struct starts *s = state;
    json_decref(s->found);
    json_decref(s->closes);
}

const struct jt_operation jt_operation_audit_starts = {
    .state_size = sizeof(struct starts),
    .act = list_starts,
    .status = 200,
    .answer = starts_answer,
    .clear = starts_clear,
};

/* --- verify --- */

/* Claims as bytes, one behind the other. */
struct claims {
    uint8_t *bytes;
    size_t *ends; /* where each ends */
    size_t n;
};

struct verify {
    struct claims links, starts, closes;
    bool *good_links, *good_starts, *good_closes;
};

static bool take_claim(struct claims *claims, const char *text, size_t len)
{
    size_t from = claims->n == 0 ? 0 : claims->ends[claims->n - 1];
    claims->ends[claims->n++] = from + len / 2;
    return len % 2 == 0 && jt_hex_decode(text, len / 2, claims->bytes + from) == JT_OK;
}

/* An array of hexadecimal texts. */
static bool take_claims(const struct jt_member *member, json_t *value, void *at)
{
    struct claims *claims = at;
    (void)member;
    size_t i, len = 0;
    json_t *text;
    json_array_foreach(value, i, text)
    {
        len += json_string_length(text);
    }
    if (!json_is_array(value) || json_array_size(value) > CLAIMS_MAX || claims->bytes != NULL) {
        return false;
    }
    claims->bytes = calloc(1, len / 2 + 1);
    claims->ends = calloc(json_array_size(value) + 1, sizeof *claims->ends);
    bool good = claims->bytes != NULL && claims->ends != NULL;
    json_array_foreach(value, i, text)
    {
        good = good && json_is_string(text) &&
               take_claim(claims, json_string_value(text), json_string_length(text));
    }
    return good;
}

static const struct jt_member_kind claims_kind = { "array", take_claims };

static const struct jt_member verify_members[] = {
    { "links", &claims_kind, JT_MEMBER_AT(struct verify, links),
      .must = "an array of at most 1000 links, each with its head, in hexadecimal digits" },
    { "starts", &claims_kind, JT_MEMBER_AT(struct verify, starts),
      .must = "an array of at most 1000 starts, each with its MAC, in hexadecimal digits" },
    { "closes", &claims_kind, JT_MEMBER_AT(struct verify, closes),
      .must = "an array of at most 1000 closes, each with its MAC, in hexadecimal digits" },
};

static bool all_links(const struct claims *claims)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (claims->ends[i] != (i + 1) * JT_AUDIT_CLAIM_LEN) {
            return false;
        }
    }
    return true;
}

typedef enum jt_err check_fn(struct jt_work_ctx *ctx, const uint8_t *claim, size_t len, bool *good);

static enum jt_err check_each(struct jt_work_ctx *ctx, const struct claims *claims, check_fn *check,
                              bool *good)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < claims->n && err == JT_OK; i++) {
        size_t from = i == 0 ? 0 : claims->ends[i - 1];
        err = check(ctx, claims->bytes + from, claims->ends[i] - from, &good[i]);
    }
    return err;
}

static enum jt_err verify(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct verify *v = state;
    v->good_links = calloc(v->links.n + 1, sizeof *v->good_links);
    v->good_starts = calloc(v->starts.n + 1, sizeof *v->good_starts);
    v->good_closes = calloc(v->closes.n + 1, sizeof *v->good_closes);
    if (v->good_links == NULL || v->good_starts == NULL || v->good_closes == NULL) {
        return JT_ERR_NOMEM;
    }
    if (!all_links(&v->links)) {
        return JT_ERR_NOT_LINKS;
    }
    enum jt_err err = jt_audit_check_links(ctx, v->links.bytes, v->links.n, v->good_links);
    if (err == JT_OK) {
        err = check_each(ctx, &v->starts, jt_audit_check_start, v->good_starts);
    }
    return err == JT_OK ? check_each(ctx, &v->closes, jt_audit_check_close, v->good_closes) : err;
}

static json_t *flags_json(const bool *flags, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        (void)json_array_append_new(list, json_boolean(flags[i]));
    }
    return list;
}

static json_t *verify_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct verify *v = state;
    return json_pack("{so,so,so}", "links", flags_json(v->good_links, v->links.n), "starts",
                     flags_json(v->good_starts, v->starts.n), "closes",
                     flags_json(v->good_closes, v->closes.n));
}

static void verify_clear(void *state)
{
    struct verify *v = state;
    free(v->links.bytes);
    free(v->links.ends);
    free(v->starts.bytes);
    free(v->starts.ends);
    free(v->closes.bytes);
    free(v->closes.ends);
    free(v->good_links);
    free(v->good_starts);
    free(v->good_closes);
}

const struct jt_operation jt_operation_audit_verify = {
    .once = JT_ONCE_IGNORED,
    .members = JT_MEMBERS(verify_members),
    .state_size = sizeof(struct verify),
    .act = verify,
    .status = 200,
    .answer = verify_answer,
    .clear = verify_clear,
};
