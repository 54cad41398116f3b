/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of cards: items out, results in, and those that may pass once more. */
#include "client/internal.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

/* What differs between the calls. */
struct verb {
    const char *name;   /* the last part of the path */
    const char *member; /* of an item */
    const char *result; /* of a result */
    const char *beside; /* a member of the body, and its comma */
};

static const struct verb tokenize = { "tokenize", "pan", "token", "" },
                         detokenize = { "detokenize", "token", "pan", "" },
                         mask = { "detokenize", "token", "masked_pan", "\"masked\":true," };

/*
 * What is neither a token nor a card number goes out as one character that is neither: the server
 * says what is wrong with it, and nothing has to be escaped.
 */
static bool is_plain(const char *in)
{
    size_t len = in == NULL ? 0 : strnlen(in, JETON_VALUE_MAX);
    return len < JETON_VALUE_MAX &&
           (in == NULL || strspn(in, "abcdefghijklmnopqrstuvwxyz0123456789_ -") == len);
}

static void put_item(struct jeton_buffer *b, const struct verb *verb, const char *in)
{
    jeton_buffer_text(b, "{\"");
    jeton_buffer_text(b, verb->member);
    jeton_buffer_text(b, "\":\"");
    jeton_buffer_text(b, in == NULL ? "" : is_plain(in) ? in : "?");
    jeton_buffer_text(b, "\"}");
}

/* The items that have no status yet, `max` of them at most; how many, and up to where. */
static size_t put_items(struct jeton_buffer *b, const struct verb *verb,
                        const struct jeton_item *items, size_t n)
{
    size_t put = 0;
    jeton_buffer_reset(b);
    jeton_buffer_text(b, "{");
    jeton_buffer_text(b, verb->beside);
    jeton_buffer_text(b, "\"items\":[");
    for (size_t i = 0; i < n; i++) {
        if (items[i].status == 0) {
            jeton_buffer_text(b, put++ == 0 ? "" : ",");
            put_item(b, verb, items[i].in);
        }
    }
    jeton_buffer_text(b, "]}");
    return put;
}

static bool take_result(struct jeton_item *item, const struct verb *verb, const json_t *result)
{
    const char *value = json_string_value(json_object_get(result, verb->result));
    item->status = (int)json_integer_value(json_object_get(result, "status"));
    jeton_problem_name(json_string_value(json_object_get(result, "type")), item->problem);
    if (item->status != 200) {
        return item->status > 0;
    }
    size_t len = value == NULL ? 0 : strlen(value);
    if (len == 0 || len >= sizeof item->out) {
        item->status = 0;
        return false;
    }
    memcpy(item->out, value, len + 1);
    return true;
}

/* Lays the reply over the items that were sent. False: it is not what the server says it sends. */
static bool take_results(struct jeton_client *c, const struct verb *verb, struct jeton_item *items,
                         size_t n, size_t n_sent)
{
    json_t *body = json_loadb(c->reply.data == NULL ? "" : c->reply.data, c->reply.len, 0, NULL);
    const json_t *results = json_object_get(body, "results");
    bool good = json_array_size(results) == n_sent;
    size_t at = 0;
    for (size_t i = 0; i < n && good; i++) {
        if (items[i].status == 0) {
            good = take_result(&items[i], verb, json_array_get(results, at++));
        }
    }
    json_decref(body);
    jeton_buffer_reset(&c->reply);
    return good;
}

/* One that a guess brake holds passes at midnight only, and all others would wait for it. */
static bool may_pass(const struct jeton_item *item)
{
    return jeton_is_passing(item->status) && strcmp(item->problem, "guess-brake") != 0;
}

/*
 * Forgets the statuses that may pass; whether there are any. A batch that is done once is repeated
 * whole, as it was: then all of them.
 */
static bool reopen(struct jeton_item *items, size_t n, bool whole)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        any |= may_pass(&items[i]);
    }
    for (size_t i = 0; i < n && any; i++) {
        if (whole || may_pass(&items[i])) {
            items[i].status = 0;
            items[i].out[0] = '\0';
        }
    }
    return any;
}

static enum jeton_status send_batch(struct jeton_client *c, const struct verb *verb,
                                    const char *field, struct jeton_item *items, size_t n)
{
    char path[160];
    snprintf(path, sizeof path, "/v1/fields/%s/%s", field, verb->name);
    int64_t end_ms = jeton_now_ms() + (c->retry_for_ms < 0 ? 0 : c->retry_for_ms);
    jeton_name(c);
    for (;;) {
        size_t n_sent = put_items(&c->request, verb, items, n);
        enum jeton_status status = jeton_post(c, path, end_ms);
        jeton_buffer_reset(&c->request);
        if (status != JETON_OK) {
            return status;
        }
        if (!take_results(c, verb, items, n, n_sent)) {
            return jeton_fail(c, JETON_FAILED, "the answer is not one of Jeton's");
        }
        if (!reopen(items, n, c->name != NULL)) {
            return JETON_OK;
        }
        if (!jeton_wait(1000, end_ms)) {
            return jeton_fail(c, JETON_UNAVAILABLE, "some items were not answered in time");
        }
    }
}

static enum jeton_status run(struct jeton_client *c, const struct verb *verb, const char *field,
                             struct jeton_item *items, size_t n)
{
    c->problem[0] = '\0';
    c->http_status = 0;
    if (field == NULL || field[0] == '\0' ||
        strspn(field, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != strlen(field) ||
        strlen(field) > 64) {
        return jeton_fail(c, JETON_INVALID, "no name of a field");
    }
    for (size_t i = 0; i < n; i++) {
        items[i].out[0] = items[i].problem[0] = '\0';
        items[i].status = 0;
    }
    enum jeton_status status = JETON_OK;
    for (size_t from = 0; from < n && status == JETON_OK; from += c->batch) {
        size_t many = n - from < c->batch ? n - from : c->batch;
        status = send_batch(c, verb, field, items + from, many);
    }
    return status;
}

enum jeton_status jeton_tokenize(struct jeton_client *client, const char *field,
                                 struct jeton_item *items, size_t n)
{
    return run(client, &tokenize, field, items, n);
}

enum jeton_status jeton_detokenize(struct jeton_client *client, const char *field,
                                   struct jeton_item *items, size_t n)
{
    return run(client, &detokenize, field, items, n);
}

enum jeton_status jeton_mask(struct jeton_client *client, const char *field,
                             struct jeton_item *items, size_t n)
{
    return run(client, &mask, field, items, n);
}

void jeton_wipe(struct jeton_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        explicit_bzero(items[i].out, sizeof items[i].out);
    }
}
