/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/fields/{field}/tokenize: {"pan": …} or {"items": [{"pan": …}, …]}. */
#include "base/container.h"
#include "base/jsonw.h"
#include "base/secmem.h"
#include "api/api.h"
#include "api/budget.h"
#include "api/card.h"
#include "api/operation.h"
#include "api/items.h"

#include <stdlib.h>

struct tokenize {
    struct jt_items items;
    struct jt_tokenize_request request;
    struct jt_tokenize_item *cards;
    struct jt_card_terms terms;
};

static struct tokenize *of(const struct jt_items *items)
{
    return jt_container_of(items, struct tokenize, items);
}

static enum jt_problem_type take_pan(struct jt_items *items, size_t at, json_t *value)
{
    struct tokenize *t = of(items);
    return jt_card_take(value, &t->terms, &t->cards[at].pan);
}

static enum jt_problem_type outcome(const struct jt_items *items, size_t at)
{
    return jt_problem_of_err(of(items)->cards[at].err);
}

static void write_token(const struct jt_items *items, size_t at, struct jt_buf *out)
{
    char text[JT_TOKEN_TEXT_LEN + 1];
    jt_token_format(of(items)->cards[at].token, text);
    jt_jsonw_text(out, "token", text);
}

static const struct jt_items_kind kind = { "pan", take_pan, outcome, write_token };

static void free_state(void *state)
{
    struct tokenize *t = state;
    if (t->cards != NULL) {
        jt_wipe(t->cards, t->items.n * sizeof *t->cards);
    }
    free(t->cards);
    jt_items_clear(&t->items);
    free(t);
}

static void answer(struct tokenize *t)
{
    struct jt_counters *c = &t->items.request->api->vault->counters;
    jt_count(&c->tokenize_requests, 1);
    jt_count(&c->tokenize_items, t->items.n);
    jt_count(&c->tokenize_rejected, t->items.n - t->items.n_good);
    jt_items_answer(&t->items);
}

static void on_done(struct jt_tokenize_request *request)
{
    answer(request->arg);
}

static bool is_wanted(void *arg)
{
    return jt_request_wanted(((const struct tokenize *)arg)->items.request);
}

static void send(struct jt_request *r)
{
    struct tokenize *t = r->state;
    r->audited = true;
    if (!jt_lanes_tokenize(r->api->lanes, &t->request)) {
        jt_request_answer_err(r, JT_ERR_OVER_SHARE);
    }
}

static void on_field(void *arg, enum jt_err err, const struct jt_field_spec *field)
{
    struct tokenize *t = arg;
    struct jt_request *r = t->items.request;
    err = jt_card_vaulted(err, field);
    if (err == JT_OK) {
        err = jt_card_terms_of(field, &t->terms);
    }
    if (err != JT_OK) {
        jt_request_answer_fault(r, err, "");
        return;
    }
    jt_items_take(&t->items);
    if (t->items.n_good == 0) {
        answer(t);
        return;
    }
    t->request = (struct jt_tokenize_request){ .client = r->client,
                                               .origin = &r->origin,
                                               .field = field->id,
                                               .kind = field->kind,
                                               .dedup = field->dedup,
                                               .items = t->cards,
                                               .n_items = t->items.n_good,
                                               .done = on_done,
                                               .wanted = is_wanted,
                                               .arg = t };
    if (jt_budget_take(r, t->items.n_good, send)) {
        send(r);
    }
}

static void tokenize(struct jt_request *r)
{
    struct tokenize *t = calloc(1, sizeof *t);
    r->state = t;
    r->state_free = t == NULL ? NULL : free_state;
    if (t == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    if (!jt_items_init(&t->items, r, &kind)) {
        return;
    }
    t->cards = calloc(t->items.n, sizeof *t->cards);
    if (t->cards == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    jt_directory_field(r->api->lanes->directory, r->params.field, on_field, t);
}

static const struct jt_member members[] = { { .name = "pan" }, { .name = "items" } };

const struct jt_operation jt_operation_tokenize = {
    .members = JT_MEMBERS(members),
    .one_of = true,
    .handler = tokenize,
};
