/* SPDX-License-Identifier: Apache-2.0 */
#include "api/once.h"

#include "api/api.h"
#include "api/operation.h"
#include "base/secmem.h"
#include "http/head.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct jt_request_once {
    struct jt_once once;
    struct jt_once_request ask;
    char key[JT_ONCE_KEY_MAX + 1];
    char client[JT_CLIENT_ID_MAX + 1];
    struct jt_request *request; /* NULL: gone, and this is its own */
    bool held;
    void (*then)(struct jt_request *r);
};

static void once_free(struct jt_request_once *o)
{
    if (o != NULL) {
        free(o->once.cards);
        jt_wipe_free(o);
    }
}

/* --- the header --- */

/*
 * 32 hexadecimal digits with the version and the variant of RFC 9562 (sections 4.1 and 4.2), with
 * its dashes or without. One in twenty has 12 to 19 decimal digits in a row; what has a letter
 * besides is a UUID and no card number.
 */
static bool is_uuid(const char *text)
{
    size_t n_digits = 0, n_dashes = 0, n_letters = 0;
    for (const char *p = text; *p != '\0'; p++) {
        bool dashed = n_digits == 8 || n_digits == 12 || n_digits == 16 || n_digits == 20;
        if (*p == '-' && dashed && p[-1] != '-') {
            n_dashes++;
        } else if (isxdigit((unsigned char)*p)) {
            if ((n_digits == 12 && strchr("12345678", *p) == NULL) ||
                (n_digits == 16 && strchr("89abAB", *p) == NULL)) {
                return false;
            }
            n_digits++;
            n_letters += !isdigit((unsigned char)*p);
        } else {
            return false;
        }
    }
    return n_digits == 32 && n_letters > 0 && (n_dashes == 0 || n_dashes == 4);
}

static bool is_good(struct jt_slice key)
{
    char text[JT_ONCE_KEY_MAX + 1] = { 0 };
    if (key.len == 0 || key.len > JT_ONCE_KEY_MAX) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        if (key.p[i] <= ' ' || key.p[i] >= 0x7f || key.p[i] == '"' || key.p[i] == '\\') {
            return false;
        }
    }
    memcpy(text, key.p, key.len);
    return is_uuid(text) || !jt_name_is_cardlike(text); /* it is stored, and no card number is */
}

/* A String of RFC 9651 stands in quotes; most clients send the bare key, which is the same. */
static struct jt_slice unquoted(struct jt_slice key)
{
    bool quoted = key.len >= 2 && key.p[0] == '"' && key.p[key.len - 1] == '"';
    return quoted ? (struct jt_slice){ key.p + 1, key.len - 2 } : key;
}

enum jt_problem_type jt_once_read(struct jt_request *r, const struct jt_head *head)
{
    enum jt_once_rule rule = r->route->operation->once;
    if (head->idempotency_key.p == NULL || strcmp(r->route->method, "POST") != 0 ||
        rule != JT_ONCE_TAKEN) {
        return JT_PROBLEM_NONE;
    }
    struct jt_slice key = unquoted(head->idempotency_key);
    if (!is_good(key)) {
        return JT_PROBLEM_IDEMPOTENCY_KEY;
    }
    struct jt_request_once *o = calloc(1, sizeof *o);
    if (o == NULL) {
        return JT_PROBLEM_UNAVAILABLE;
    }
    memcpy(o->key, key.p, key.len);
    o->request = r;
    o->ask = (struct jt_once_request){ .once = &o->once, .arg = o };
    o->once.claim.key = o->key;
    o->once.claim.client = o->client;
    r->once = o;
    return JT_PROBLEM_NONE;
}

/* --- the digest --- */

bool jt_once_digest(struct jt_request *r, const void *body, size_t len)
{
    struct jt_request_once *o = r->once;
    if (o == NULL) {
        return true;
    }
    memcpy(o->client, r->client, sizeof o->client);
    const struct jt_once_what what = { .method = r->route->method,
                                       .path = r->route->path,
                                       .field = r->params.field,
                                       .client = r->params.client,
                                       .number = r->params.number,
                                       .body = body,
                                       .body_len = len };
    enum jt_err err = jt_once_name(&o->once, &what);
    if (err != JT_OK) {
        jt_request_answer_err(r, err);
    }
    return err == JT_OK;
}

/* --- the claim --- */

static void on_claimed(struct jt_once_request *ask)
{
    struct jt_request_once *o = ask->arg;
    o->held = o->once.err == JT_OK;
    if (o->held && o->request->large && !o->request->api->closed) {
        jt_request_line_up(o->request); /* many may have been claimed together */
        jt_loop_again(o->request->api->lanes->loop);
    } else if (o->held) {
        o->then(o->request);
    } else {
        jt_request_answer_err(o->request, o->once.err);
    }
}

void jt_once_claim(struct jt_request *r, void (*serve)(struct jt_request *r))
{
    struct jt_request_once *o = r->once;
    if (o == NULL || o->held) {
        serve(r);
        return;
    }
    o->then = serve;
    o->ask.done = on_claimed;
    if (!jt_lanes_once(r->api->lanes, &o->ask)) {
        jt_request_answer_err(r, r->api->lanes->ending ? JT_ERR_STOPPING : JT_ERR_OVER_SHARE);
    }
}

const struct jt_claim *jt_once_claimed(const struct jt_request *r)
{
    return r->once == NULL ? NULL : &r->once->once.claim;
}

bool jt_once_repeated(const struct jt_request *r)
{
    return r->once != NULL && r->once->once.n_cards > 0;
}

bool jt_once_known(const struct jt_request *r, size_t n, struct jt_claim_card **cards)
{
    *cards = calloc(n + 1, sizeof **cards);
    if (*cards == NULL) {
        return false;
    }
    for (size_t i = 0; r->once != NULL && i < r->once->once.n_cards; i++) {
        const struct jt_claim_card *card = &r->once->once.cards[i];
        if (card->place < n) {
            (*cards)[card->place] = *card;
        }
    }
    return true;
}

uint64_t jt_once_done(const struct jt_request *r)
{
    uint64_t done = 0;
    for (size_t i = 0; r->once != NULL && i < r->once->once.n_cards; i++) {
        const struct jt_claim_card *card = &r->once->once.cards[i];
        done = card->id > done ? card->id : done;
    }
    return done;
}

/* --- the release --- */

static void on_released(struct jt_once_request *ask)
{
    struct jt_request_once *o = ask->arg;
    if (o->request == NULL) {
        once_free(o);
    } else {
        o->then(o->request);
    }
}

/* False: there is nobody to release it; a later request takes it over when its time is over. */
static bool release(struct jt_request_once *o, struct jt_lanes *lanes)
{
    o->held = false;
    o->once.release = true;
    o->ask.done = on_released;
    return jt_lanes_once(lanes, &o->ask);
}

void jt_once_release(struct jt_request *r, struct jt_claim_card *cards, size_t n,
                     void (*then)(struct jt_request *r))
{
    struct jt_request_once *o = r->once;
    if (o == NULL) {
        free(cards);
        then(r);
        return;
    }
    free(o->once.cards);
    o->once.cards = cards;
    o->once.n_cards = n;
    o->then = then;
    if (!release(o, r->api->lanes)) {
        then(r);
    }
}

void jt_once_release_done(struct jt_request *r, uint64_t what, void (*then)(struct jt_request *r))
{
    struct jt_claim_card *done = malloc(sizeof *done);
    if (done != NULL) {
        *done = (struct jt_claim_card){ .place = 0, .id = what };
    }
    jt_once_release(r, done, done != NULL, then);
}

void jt_once_free(struct jt_request *r)
{
    struct jt_request_once *o = r->once;
    r->once = NULL;
    if (o == NULL) {
        return;
    }
    if (!o->held) {
        once_free(o);
        return;
    }
    o->request = NULL;
    free(o->once.cards);
    o->once.cards = NULL;
    o->once.n_cards = 0;
    if (!release(o, r->api->lanes)) {
        once_free(o);
    }
}
