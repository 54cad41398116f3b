/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/fields/{field}/tokenize: {"pan": …} or {"items": [{"pan": …}, …]}; `expires_at` stands
 * in the body for all of its cards, and in an item for its own. With "tell_new": true beside them
 * each result says whether its card is new, for clients that may look cards up as well: to others
 * it would tell what they may not know.
 */
#include "base/container.h"
#include "base/jsonw.h"
#include "base/secmem.h"
#include "api/api.h"
#include "api/budget.h"
#include "api/card.h"
#include "api/dates.h"
#include "api/operation.h"
#include "api/items.h"
#include "api/token_text.h"
#include "pan/numeric.h"
#include "api/once.h"

#include <stdlib.h>
#include <string.h>

/*
 * Where the same request was there before (api/once.h), its cards go two ways: those that were
 * stored then are recalled by their ids, and the rest is stored now.
 */
struct again {
    struct jt_recall_request ask;
    struct jt_recall_item *cards;
    uint32_t *of; /* of each the good item that it is */
    bool *known;  /* whether it was there before even then */
    size_t n;
};
struct rest {
    struct jt_tokenize_item *cards;
    uint32_t *of;
    size_t n;
};

struct tokenize {
    struct jt_items items;
    struct jt_tokenize_request request;
    struct jt_tokenize_item *cards;
    struct jt_field_spec field;
    struct jt_card_terms terms;
    uint64_t now_us, expires_us; /* of the cards whose items say nothing else */
    bool tell_new;
    struct again again;
    struct rest rest; /* without `cards`: all of them are */
};

static struct tokenize *of(const struct jt_items *items)
{
    return jt_container_of(items, struct tokenize, items);
}

/* Whether a number of this length can have a token; the keeper would say the same. */
static enum jt_problem_type has_room(const struct jt_field_spec *field, struct jt_pan *pan)
{
    struct jt_numeric_form form;
    if (field->token_form == 0 || (jt_numeric_form_decode(field->token_form, &form) &&
                                   jt_numeric_fits(&form, pan->n_digits))) {
        return JT_PROBLEM_NONE;
    }
    jt_wipe(pan, sizeof *pan);
    return JT_PROBLEM_TOKEN_SPACE;
}

static enum jt_problem_type take_pan(struct jt_items *items, size_t at, json_t *value)
{
    struct tokenize *t = of(items);
    t->cards[at].place = (uint32_t)items->place;
    t->cards[at].expires_us = t->expires_us;
    if (items->beside != NULL) {
        enum jt_problem_type problem = jt_date_take(
            items->beside, t->now_us, t->terms.rules.max_lifetime_s, &t->cards[at].expires_us);
        if (problem != JT_PROBLEM_NONE) {
            items->beside_faulty = true;
            return problem;
        }
    }
    enum jt_problem_type problem = jt_card_take(value, &t->terms, &t->cards[at].pan);
    return problem == JT_PROBLEM_NONE ? has_room(&t->field, &t->cards[at].pan) : problem;
}

static enum jt_problem_type outcome(const struct jt_items *items, size_t at)
{
    return jt_problem_of_err(of(items)->cards[at].err);
}

static void write_token(const struct jt_items *items, size_t at, struct jt_buf *out)
{
    char text[JT_ANY_TOKEN_TEXT_LEN + 1];
    const struct tokenize *t = of(items);
    jt_token_text(&t->field, t->cards[at].token, text);
    jt_jsonw_text(out, "token", text);
    if (t->tell_new) {
        jt_jsonw_bool(out, "new", t->cards[at].is_new);
    }
}

static const struct jt_items_kind kind = { .member = "pan",
                                           .beside = "expires_at",
                                           .take = take_pan,
                                           .outcome = outcome,
                                           .write = write_token };

static void free_state(void *state)
{
    struct tokenize *t = state;
    if (t->cards != NULL) {
        jt_wipe(t->cards, t->items.n * sizeof *t->cards);
    }
    if (t->rest.cards != NULL) {
        jt_wipe(t->rest.cards, t->items.n * sizeof *t->rest.cards);
    }
    if (t->again.cards != NULL) {
        jt_wipe(t->again.cards, t->items.n * sizeof *t->again.cards);
    }
    free(t->rest.cards);
    free(t->rest.of);
    free(t->again.cards);
    free(t->again.of);
    free(t->again.known);
    free(t->cards);
    jt_items_clear(&t->items);
    free(t);
}

static void answer(struct jt_request *r)
{
    struct tokenize *t = r->state;
    struct jt_counters *c = &r->api->vault->counters;
    jt_count(&c->tokenize_requests, 1);
    jt_count(&c->tokenize_items, t->items.n);
    jt_count(&c->tokenize_rejected, t->items.n - t->items.n_good);
    jt_items_answer(&t->items);
}

/* Of cards that had a row already nothing is remembered yet. */
static void end(struct tokenize *t)
{
    struct jt_request *r = t->items.request;
    size_t n = 0;
    struct jt_claim_card *cards =
        jt_once_claimed(r) == NULL ? NULL : calloc(t->items.n_good + 1, sizeof *cards);
    for (size_t i = 0; i < t->items.n_good && cards != NULL; i++) {
        const struct jt_tokenize_item *card = &t->cards[i];
        if (card->err == JT_OK && !card->kept) {
            cards[n++] = (struct jt_claim_card){ .place = card->place,
                                                 .id = card->id,
                                                 .known = t->tell_new && !card->is_new };
        }
    }
    jt_once_release(r, cards, n, answer);
}

static void on_done(struct jt_tokenize_request *request)
{
    struct tokenize *t = request->arg;
    for (size_t i = 0; i < t->rest.n; i++) {
        t->cards[t->rest.of[i]] = t->rest.cards[i];
    }
    end(t);
}

static bool is_wanted(void *arg)
{
    return jt_request_wanted(((const struct tokenize *)arg)->items.request);
}

static void store(struct tokenize *t)
{
    struct jt_request *r = t->items.request;
    bool all = t->rest.cards == NULL;
    t->request = (struct jt_tokenize_request){ .client = r->client,
                                               .origin = &r->origin,
                                               .field = t->field.id,
                                               .kind = t->field.kind,
                                               .dedup = t->field.dedup,
                                               .token_form = t->field.token_form,
                                               .claim = jt_once_claimed(r),
                                               .items = all ? t->cards : t->rest.cards,
                                               .n_items = all ? t->items.n_good : t->rest.n,
                                               .done = on_done,
                                               .wanted = is_wanted,
                                               .arg = t };
    r->audited = true;
    if (!jt_lanes_tokenize(r->api->lanes, &t->request)) {
        jt_request_answer_err(r, JT_ERR_OVER_SHARE);
    }
}

/* --- the same request again --- */

static void on_recalled(struct jt_recall_request *ask)
{
    struct tokenize *t = ask->arg;
    for (size_t i = 0; i < t->again.n; i++) {
        const struct jt_recall_item *recalled = &t->again.cards[i];
        struct jt_tokenize_item *card = &t->cards[t->again.of[i]];
        card->err = recalled->located.err;
        memcpy(card->token, recalled->located.token, JT_TOKEN_LEN);
        card->kept = true;
        card->is_new = !t->again.known[i];
    }
    if (t->rest.n > 0) {
        store(t);
    } else {
        end(t);
    }
}

/* Which of the cards were stored before. False: no memory. */
static bool sort_out(struct tokenize *t)
{
    struct jt_claim_card *before;
    size_t n = t->items.n;
    t->again.cards = calloc(n, sizeof *t->again.cards);
    t->again.of = calloc(n, sizeof *t->again.of);
    t->again.known = calloc(n, sizeof *t->again.known);
    t->rest.cards = calloc(n, sizeof *t->rest.cards);
    t->rest.of = calloc(n, sizeof *t->rest.of);
    if (t->again.cards == NULL || t->again.of == NULL || t->again.known == NULL ||
        t->rest.cards == NULL || t->rest.of == NULL ||
        !jt_once_known(t->items.request, n, &before)) {
        return false;
    }
    for (size_t i = 0; i < t->items.n_good; i++) {
        struct jt_tokenize_item *card = &t->cards[i];
        uint64_t id = before[card->place].id;
        if (id == 0) {
            t->rest.of[t->rest.n] = (uint32_t)i;
            t->rest.cards[t->rest.n++] = *card;
        } else {
            t->again.of[t->again.n] = (uint32_t)i;
            t->again.known[t->again.n] = before[card->place].known;
            t->again.cards[t->again.n++] =
                (struct jt_recall_item){ .located = { .id = id }, .pan = card->pan };
        }
        jt_wipe(&card->pan, sizeof card->pan);
    }
    free(before);
    return true;
}

static void recall(struct tokenize *t)
{
    struct jt_request *r = t->items.request;
    if (!sort_out(t)) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    t->again.ask = (struct jt_recall_request){ .client = r->client,
                                               .origin = &r->origin,
                                               .field = t->field.id,
                                               .kind = t->field.kind,
                                               .items = t->again.cards,
                                               .n_items = t->again.n,
                                               .done = on_recalled,
                                               .arg = t };
    r->audited = true;
    if (t->again.n == 0) {
        store(t);
    } else if (!jt_lanes_recall(r->api->lanes, &t->again.ask)) {
        jt_request_answer_err(r, JT_ERR_OVER_SHARE);
    }
}

/* Once the client's budget has room for it. */
static void begin(struct jt_request *r)
{
    struct tokenize *t = r->state;
    if (jt_once_repeated(r)) {
        recall(t);
    } else {
        store(t);
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
    t->field = *field;
    t->now_us = jt_date_now_us(r->api->vault);
    enum jt_problem_type problem = jt_date_take(json_object_get(r->json, "expires_at"), t->now_us,
                                                t->terms.rules.max_lifetime_s, &t->expires_us);
    if (problem != JT_PROBLEM_NONE) {
        jt_request_answer_at(r, problem, jt_problem_detail(problem), "#/expires_at");
        return;
    }
    jt_items_take(&t->items);
    if (t->items.n_good == 0) {
        end(t);
    } else if (jt_budget_take(r, t->items.n_good, begin)) {
        begin(r);
    }
}

/* Whether it is told which cards are new, and may be. False: answered. */
static bool take_tell_new(struct tokenize *t)
{
    struct jt_request *r = t->items.request;
    if (!jt_items_flag(&t->items, "tell_new", &t->tell_new)) {
        return false;
    }
    if (t->tell_new && (r->may & JT_MAY_LOOKUP) == 0) {
        jt_request_answer_at(r, JT_PROBLEM_FORBIDDEN,
                             "Which cards are new is told only to a client that may look cards up "
                             "in this field.",
                             "#/tell_new");
        return false;
    }
    if (t->tell_new) {
        jt_budget_besides(r);
    }
    return true;
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
    if (!jt_items_init(&t->items, r, &kind) || !take_tell_new(t)) {
        return;
    }
    t->cards = calloc(t->items.n, sizeof *t->cards);
    if (t->cards == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    jt_directory_field(r->api->lanes->directory, r->params.field, on_field, t);
}

static const struct jt_member members[] = { { .name = "pan" },
                                            { .name = "items" },
                                            { .name = "expires_at", .beside = true },
                                            { .name = "tell_new", .beside = true } };

const struct jt_operation jt_operation_tokenize = {
    .members = JT_MEMBERS(members),
    .one_of = true,
    .once = JT_ONCE_TAKEN,
    .handler = tokenize,
};
