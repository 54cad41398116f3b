/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/fields/{field}/lookup: {"pan": …} or {"items": [{"pan": …}, …]}. */
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

struct lookup {
    struct jt_items items;
    struct jt_lookup_request request;
    struct jt_lookup_item *cards;
    struct jt_card_terms terms;
    struct jt_field_spec field;
};

static struct lookup *of(const struct jt_items *items)
{
    return jt_container_of(items, struct lookup, items);
}

static enum jt_problem_type take_pan(struct jt_items *items, size_t at, json_t *value)
{
    struct lookup *l = of(items);
    return jt_card_take(value, &l->terms, &l->cards[at].pan);
}

static enum jt_problem_type outcome(const struct jt_items *items, size_t at)
{
    return jt_problem_of_err(of(items)->cards[at].err);
}

static void write_token(const struct jt_items *items, size_t at, struct jt_buf *out)
{
    char text[JT_ANY_TOKEN_TEXT_LEN + 1];
    jt_token_text(&of(items)->field, of(items)->cards[at].token, text);
    jt_jsonw_text(out, "token", text);
}

static const struct jt_items_kind kind = { "pan", take_pan, outcome, write_token, NULL };

static void free_state(void *state)
{
    struct lookup *l = state;
    if (l->cards != NULL) {
        jt_wipe(l->cards, l->items.n * sizeof *l->cards);
    }
    free(l->cards);
    jt_items_clear(&l->items);
    free(l);
}

static void answer(struct lookup *l)
{
    struct jt_counters *c = &l->items.request->api->vault->counters;
    size_t not_found = 0;
    for (size_t i = 0; i < l->items.n_good; i++) {
        not_found += l->cards[i].err == JT_ERR_NO_CARD;
    }
    jt_count(&c->lookup_requests, 1);
    jt_count(&c->lookup_items, l->items.n);
    jt_count(&c->lookup_not_found, not_found);
    jt_items_answer(&l->items);
}

static void on_done(struct jt_lookup_request *request)
{
    answer(request->arg);
}

static void send(struct jt_request *r)
{
    struct lookup *l = r->state;
    r->audited = true;
    if (!jt_lanes_lookup(r->api->lanes, &l->request)) {
        jt_request_answer_err(r, JT_ERR_OVER_SHARE);
    }
}

static void on_field(void *arg, enum jt_err err, const struct jt_field_spec *field)
{
    struct lookup *l = arg;
    struct jt_request *r = l->items.request;
    err = jt_card_vaulted(err, field);
    if (err == JT_OK) {
        err = jt_card_terms_of(field, &l->terms);
    }
    if (err != JT_OK) {
        jt_request_answer_fault(r, err, "");
        return;
    }
    if (!field->dedup) {
        jt_request_answer_fault(r, JT_ERR_NOT_LINKED, "");
        return;
    }
    l->field = *field;
    jt_items_take(&l->items);
    if (l->items.n_good == 0) {
        answer(l);
        return;
    }
    l->request = (struct jt_lookup_request){ .client = r->client,
                                             .origin = &r->origin,
                                             .field = field->id,
                                             .kind = field->kind,
                                             .items = l->cards,
                                             .n_items = l->items.n_good,
                                             .done = on_done,
                                             .arg = l };
    if (jt_budget_take(r, l->items.n_good, send)) {
        send(r);
    }
}

static void lookup(struct jt_request *r)
{
    struct lookup *l = calloc(1, sizeof *l);
    r->state = l;
    r->state_free = l == NULL ? NULL : free_state;
    if (l == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    if (!jt_items_init(&l->items, r, &kind)) {
        return;
    }
    l->cards = calloc(l->items.n, sizeof *l->cards);
    if (l->cards == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    jt_directory_field(r->api->lanes->directory, r->params.field, on_field, l);
}

static const struct jt_member members[] = { { .name = "pan" }, { .name = "items" } };

const struct jt_operation jt_operation_lookup = {
    .members = JT_MEMBERS(members),
    .one_of = true,
    .once = JT_ONCE_IGNORED,
    .handler = lookup,
};
