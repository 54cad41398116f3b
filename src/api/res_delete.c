/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DELETE /v1/fields/{field}/tokens/{token}, and POST /v1/fields/{field}/delete: {"token": …} or
 * {"items": [{"token": …}, …]}.
 */
#include "api/api.h"
#include "api/budget.h"
#include "api/card.h"
#include "api/items.h"
#include "api/token_text.h"
#include "api/once.h"
#include "api/operation.h"
#include "base/container.h"
#include "base/jsonw.h"

#include <stdlib.h>
#include <string.h>

struct delete
{
    struct jt_items items;
    struct jt_delete_request ask;
    struct jt_delete_item *cards;
    struct jt_field_spec field;
    struct jt_request *request;
    struct jt_claim_card *before; /* by place, where the same request was there before; id 0: no */
};

static struct delete *of(const struct jt_items *items)
{
    return jt_container_of(items, struct delete, items);
}

static enum jt_problem_type take_token(struct jt_items *items, size_t at, json_t *value)
{
    uint8_t *token = of(items)->cards[at].located.token;
    of(items)->cards[at].place = (uint32_t)items->place;
    return jt_token_take(&of(items)->field, value, token);
}

static enum jt_problem_type outcome(const struct jt_items *items, size_t at)
{
    return jt_problem_of_err(of(items)->cards[at].located.err);
}

static void write_deleted(const struct jt_items *items, size_t at, struct jt_buf *out)
{
    (void)items;
    (void)at;
    jt_jsonw_bool(out, "deleted", true);
}

static const struct jt_items_kind kind = { "token", take_token, outcome, write_deleted, NULL };

static void free_state(void *state)
{
    struct delete *d = state;
    free(d->before);
    free(d->cards);
    jt_items_clear(&d->items);
    free(d);
}

static void count(const struct delete *d, size_t n_items, size_t n_good)
{
    struct jt_counters *c = &d->request->api->vault->counters;
    size_t not_found = n_items - n_good;
    for (size_t i = 0; i < n_good; i++) {
        not_found += d->cards[i].located.err == JT_ERR_NO_TOKEN;
    }
    jt_count(&c->delete_requests, 1);
    jt_count(&c->delete_items, n_items);
    jt_count(&c->delete_not_found, not_found);
}

static struct delete *new_state(struct jt_request *r)
{
    struct delete *d = calloc(1, sizeof *d);
    r->state = d;
    r->state_free = d == NULL ? NULL : free_state;
    if (d == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return NULL;
    }
    d->request = r;
    return d;
}

static bool has_cards(struct delete *d, size_t n)
{
    d->cards = calloc(n, sizeof *d->cards);
    if (d->cards == NULL) {
        jt_request_answer_err(d->request, JT_ERR_NOMEM);
    }
    return d->cards != NULL;
}

static void send(struct jt_request *r)
{
    struct delete *d = r->state;
    r->audited = true;
    if (!jt_lanes_delete(r->api->lanes, &d->ask)) {
        jt_request_answer_err(r, JT_ERR_OVER_SHARE);
    }
}

static void submit(struct delete *d, uint32_t field, struct jt_delete_item *cards, size_t n,
                   void (*done)(struct jt_delete_request *request))
{
    struct jt_request *r = d->request;
    d->ask = (struct jt_delete_request){ .client = r->client,
                                         .origin = &r->origin,
                                         .field = field,
                                         .claim = jt_once_claimed(r),
                                         .items = cards,
                                         .n_items = n,
                                         .done = done,
                                         .arg = d };
    if (jt_budget_take(r, n, send)) {
        send(r);
    }
}

/* --- POST --- */

static void answer(struct jt_request *r)
{
    struct delete *d = r->state;
    count(d, d->items.n, d->items.n_good);
    jt_items_answer(&d->items);
}

/*
 * What is gone because the same request has deleted it before is answered as it was then. A card
 * that is there is deleted, whatever the database remembers of it.
 */
static void on_done(struct jt_delete_request *ask)
{
    struct delete *d = ask->arg;
    for (size_t i = 0; i < d->items.n_good && d->before != NULL; i++) {
        struct jt_delete_item *item = &d->cards[i];
        if (item->located.err == JT_ERR_NO_TOKEN && d->before[item->place].id != 0) {
            item->located.err = JT_OK;
        }
    }
    jt_once_release(d->request, NULL, 0, answer);
}

static void on_field(void *arg, enum jt_err err, const struct jt_field_spec *field)
{
    struct delete *d = arg;
    err = jt_card_vaulted(err, field);
    if (err != JT_OK) {
        jt_request_answer_fault(d->request, err, "");
        return;
    }
    d->field = *field;
    jt_items_take(&d->items);
    if (jt_once_repeated(d->request) && !jt_once_known(d->request, d->items.n, &d->before)) {
        jt_request_answer_err(d->request, JT_ERR_NOMEM);
    } else if (d->items.n_good > 0) {
        submit(d, field->id, d->cards, d->items.n_good, on_done);
    } else {
        jt_once_release(d->request, NULL, 0, answer);
    }
}

static void delete_post(struct jt_request *r)
{
    struct delete *d = new_state(r);
    if (d != NULL && jt_items_init(&d->items, r, &kind) && has_cards(d, d->items.n)) {
        jt_directory_field(r->api->lanes->directory, r->params.field, on_field, d);
    }
}

static const struct jt_member members[] = { { .name = "token" }, { .name = "items" } };

const struct jt_operation jt_operation_cards_delete = {
    .members = JT_MEMBERS(members),
    .one_of = true,
    .once = JT_ONCE_TAKEN,
    .handler = delete_post,
};

/* --- DELETE --- */

static void on_one_done(struct jt_delete_request *ask)
{
    struct delete *d = ask->arg;
    enum jt_err err = d->cards[0].located.err;
    count(d, 1, 1);
    if (err == JT_OK) {
        jt_request_answer_reply(d->request, 204);
    } else {
        jt_request_answer_err(d->request, err);
    }
}

static void on_one_field(void *arg, enum jt_err err, const struct jt_field_spec *field)
{
    struct delete *d = arg;
    const char *token = d->request->params.token;
    err = jt_card_vaulted(err, field);
    if (err != JT_OK) {
        jt_request_answer_fault(d->request, err, "");
    } else if (jt_token_take_text(field, token, strlen(token), d->cards[0].located.token) !=
               JT_PROBLEM_NONE) {
        jt_request_answer_problem(d->request, JT_PROBLEM_TOKEN_MALFORMED);
    } else {
        submit(d, field->id, d->cards, 1, on_one_done);
    }
}

static void token_delete(struct jt_request *r)
{
    struct delete *d = new_state(r);
    if (d != NULL && has_cards(d, 1)) {
        jt_directory_field(r->api->lanes->directory, r->params.field, on_one_field, d);
    }
}

const struct jt_operation jt_operation_token_delete = { .status = 204, .handler = token_delete };
