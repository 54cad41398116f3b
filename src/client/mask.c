/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masked numbers for a client that may have whole ones: to a batch of tokens the server answers
 * such a client with these. The resource of one token gives the masked number to everybody.
 */
#include "client/internal.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

/* Any other text must not become part of a path. */
static bool is_token(const char *in)
{
    size_t len = in == NULL ? 0 : strnlen(in, JETON_VALUE_MAX);
    return len > 0 && len < JETON_VALUE_MAX &&
           strspn(in, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static void answer(struct jeton_item *item, int status, const char *problem)
{
    item->status = status;
    snprintf(item->problem, sizeof item->problem, "%s", problem);
}

static bool take_masked(struct jeton_client *c, struct jeton_item *item)
{
    json_t *body = json_loadb(c->reply.data == NULL ? "" : c->reply.data, c->reply.len, 0, NULL);
    const char *masked = json_string_value(json_object_get(body, "masked_pan"));
    size_t len = masked == NULL ? 0 : strlen(masked);
    bool good = len > 0 && len < sizeof item->out;
    if (good) {
        memcpy(item->out, masked, len + 1);
        answer(item, 200, "");
    }
    json_decref(body);
    jeton_buffer_reset(&c->reply);
    return good;
}

/* Whether what was answered is about the token alone; in a batch others would be served. */
static bool concerns_token(const struct jeton_client *c)
{
    static const char *const problems[] = { "token-unknown", "token-malformed", "card-written-off",
                                            "undecryptable", "row-stranded" };
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        if (strcmp(c->problem, problems[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum jeton_status read_one(struct jeton_client *c, const char *field,
                                  struct jeton_item *item)
{
    char path[200];
    if (!is_token(item->in)) {
        answer(item, 422, "token-malformed");
        return JETON_OK;
    }
    snprintf(path, sizeof path, "/v1/fields/%s/tokens/%s", field, item->in);
    enum jeton_status status =
        jeton_get(c, path, jeton_now_ms() + (c->retry_for_ms < 0 ? 0 : c->retry_for_ms));
    explicit_bzero(path, sizeof path);
    if (status == JETON_OK) {
        return take_masked(c, item)
                   ? JETON_OK
                   : jeton_fail(c, JETON_FAILED, "the answer is not one of Jeton's");
    }
    if (concerns_token(c)) {
        answer(item, (int)c->http_status, c->problem);
        status = JETON_OK;
    }
    return status;
}

enum jeton_status jeton_read_each(struct jeton_client *c, const char *field,
                                  struct jeton_item *items, size_t n)
{
    enum jeton_status status = JETON_OK;
    for (size_t i = 0; i < n && status == JETON_OK; i++) {
        if (items[i].status == 0) {
            status = read_one(c, field, &items[i]);
        }
    }
    return status;
}
