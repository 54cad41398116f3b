/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/fields/{field}/detokenize: {"token": …} or {"items": [{"token": …}, …]}. With
 * "masked": true beside them the answer has masked numbers, as it has in any case for a client that
 * may read no others: whole ones never come here.
 */
#include "base/container.h"
#include "base/jsonw.h"
#include "base/secmem.h"
#include "api/api.h"
#include "api/budget.h"
#include "api/card.h"
#include "api/operation.h"
#include "api/items.h"
#include "api/token_text.h"

#include <stdlib.h>
#include <string.h>

struct detokenize {
    struct jt_items items;
    struct jt_detokenize_request request;
    struct jt_detokenize_item *cards;
    struct jt_field_spec field;
    bool masked;
};

static struct detokenize *of(const struct jt_items *items)
{
    return jt_container_of(items, struct detokenize, items);
}

static enum jt_problem_type take_token(struct jt_items *items, size_t at, json_t *value)
{
    uint8_t *token = of(items)->cards[at].located.token;
    return jt_token_take(&of(items)->field, value, token);
}

static enum jt_problem_type outcome(const struct jt_items *items, size_t at)
{
    return jt_problem_of_err(of(items)->cards[at].located.err);
}

static void write_pan(const struct jt_items *items, size_t at, struct jt_buf *out)
{
    const struct detokenize *d = of(items);
    jt_jsonw_text(out, d->masked ? "masked_pan" : "pan", d->cards[at].pan);
}

static const struct jt_items_kind kind = { "token", take_token, outcome, write_pan, NULL };

static void free_state(void *state)
{
    struct detokenize *d = state;
    if (d->cards != NULL) {
        jt_wipe(d->cards, d->items.n * sizeof *d->cards);
    }
    free(d->cards);
    jt_items_clear(&d->items);
    free(d);
}

static void answer(struct detokenize *d)
{
    struct jt_counters *c = &d->items.request->api->vault->counters;
    size_t not_found = d->items.n - d->items.n_good;
    for (size_t i = 0; i < d->items.n_good; i++) {
        not_found += d->cards[i].located.err == JT_ERR_NO_TOKEN;
    }
    bool masked = d->masked;
    jt_count(masked ? &c->masked_requests : &c->detokenize_requests, 1);
    jt_count(masked ? &c->masked_items : &c->detokenize_items, d->items.n);
    jt_count(masked ? &c->masked_not_found : &c->detokenize_not_found, not_found);
    jt_items_answer(&d->items);
}

static void on_done(struct jt_detokenize_request *request)
{
    answer(request->arg);
}

static bool is_wanted(void *arg)
{
    return jt_request_wanted(((const struct detokenize *)arg)->items.request);
}

static void send(struct jt_request *r)
{
    struct detokenize *d = r->state;
    r->audited = true;
    if (!jt_lanes_detokenize(r->api->lanes, &d->request)) {
        jt_request_answer_err(r, JT_ERR_OVER_SHARE);
    }
}

static void on_field(void *arg, enum jt_err err, const struct jt_field_spec *field)
{
    struct detokenize *d = arg;
    struct jt_request *r = d->items.request;
    err = jt_card_vaulted(err, field);
    if (err != JT_OK) {
        jt_request_answer_fault(r, err, "");
        return;
    }
    d->field = *field;
    jt_items_take(&d->items);
    d->request = (struct jt_detokenize_request){ .client = r->client,
                                                 .origin = &r->origin,
                                                 .field = field->id,
                                                 .masked = d->masked,
                                                 .items = d->cards,
                                                 .n_items = d->items.n_good,
                                                 .done = on_done,
                                                 .wanted = is_wanted,
                                                 .arg = d };
    if (d->items.n_good == 0) {
        answer(d);
        return;
    }
    if (jt_budget_take(r, d->items.n_good, send)) {
        send(r);
    }
}

static void detokenize(struct jt_request *r)
{
    struct detokenize *d = calloc(1, sizeof *d);
    r->state = d;
    r->state_free = d == NULL ? NULL : free_state;
    if (d == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    if (!jt_items_init(&d->items, r, &kind)) {
        return;
    }
    bool asked;
    if (!jt_items_flag(&d->items, "masked", &asked)) {
        return;
    }
    bool whole = (r->may & JT_MAY_DETOKENIZE) != 0;
    d->masked = asked || !whole;
    if (asked && whole) {
        jt_budget_instead(r);
    }
    d->cards = calloc(d->items.n, sizeof *d->cards);
    if (d->cards == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    jt_directory_field(r->api->lanes->directory, r->params.field, on_field, d);
}

static const struct jt_member members[] = { { .name = "token" },
                                            { .name = "items" },
                                            { .name = "masked", .beside = true } };

const struct jt_operation jt_operation_detokenize = {
    .members = JT_MEMBERS(members),
    .one_of = true,
    .once = JT_ONCE_IGNORED,
    .handler = detokenize,
};
