/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/fields/{field}/tokens/{token}: what may be shown of the card behind a token. */
#include "api/api.h"
#include "api/budget.h"
#include "api/card.h"
#include "api/dates.h"
#include "api/operation.h"
#include "api/token_text.h"
#include "base/jsonw.h"
#include "base/secmem.h"
#include "model/card_id.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct read_token {
    struct jt_request *request;
    struct jt_detokenize_request ask;
    struct jt_detokenize_item card;
    struct jt_field_spec field;
};

static void free_state(void *state)
{
    struct read_token *t = state;
    jt_wipe(&t->card, sizeof t->card);
    free(t);
}

/*
 * When a card came tells whether it was there before, and so does until when it lives, where that
 * is later than who asks has said: both are for clients who may know which cards are known.
 */
static void write_times(const struct read_token *t, struct jt_buf *out)
{
    if ((t->request->may & JT_MAY_LOOKUP) == 0) {
        return;
    }
    char text[JT_TIME_LEN];
    struct tm tm;
    time_t at = (time_t)(JT_CARD_ID_EPOCH_S + jt_card_id_ms(t->card.located.id) / 1000);
    if (gmtime_r(&at, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0) {
        jt_jsonw_text(out, "created_at", text);
    }
    jt_date_write(out, "expires_at", t->card.expires_us);
}

static void on_done(struct jt_detokenize_request *ask)
{
    struct read_token *t = ask->arg;
    struct jt_request *r = t->request;
    struct jt_counters *c = &r->api->vault->counters;
    jt_count(&c->masked_requests, 1);
    jt_count(&c->masked_items, 1);
    jt_count(&c->masked_not_found, t->card.located.err == JT_ERR_NO_TOKEN);
    if (t->card.located.err != JT_OK) {
        jt_request_answer_err(r, t->card.located.err);
        return;
    }
    char text[JT_ANY_TOKEN_TEXT_LEN + 1];
    jt_token_text(&t->field, t->card.located.token, text);
    struct jt_buf *out = &r->http.answer.body;
    jt_jsonw_open(out);
    jt_jsonw_text(out, "token", text);
    jt_jsonw_text(out, "masked_pan", t->card.pan);
    jt_jsonw_int(out, "generation", (int64_t)t->card.generation);
    write_times(t, out);
    jt_jsonw_close(out);
    jt_request_answer_reply(r, 200);
}

static void send(struct jt_request *r)
{
    struct read_token *t = r->state;
    r->audited = true;
    if (!jt_lanes_detokenize(r->api->lanes, &t->ask)) {
        jt_request_answer_err(r, JT_ERR_OVER_SHARE);
    }
}

static void on_field(void *arg, enum jt_err err, const struct jt_field_spec *field)
{
    struct read_token *t = arg;
    struct jt_request *r = t->request;
    err = jt_card_vaulted(err, field);
    if (err != JT_OK) {
        jt_request_answer_fault(r, err, "");
        return;
    }
    t->field = *field;
    if (jt_token_take_text(field, r->params.token, strlen(r->params.token),
                           t->card.located.token) != JT_PROBLEM_NONE) {
        jt_request_answer_problem(r, JT_PROBLEM_TOKEN_MALFORMED);
        return;
    }
    t->ask = (struct jt_detokenize_request){ .client = r->client,
                                             .origin = &r->origin,
                                             .field = field->id,
                                             .masked = true,
                                             .items = &t->card,
                                             .n_items = 1,
                                             .done = on_done,
                                             .arg = t };
    if (jt_budget_take(r, 1, send)) {
        send(r);
    }
}

static void token_get(struct jt_request *r)
{
    struct read_token *t = calloc(1, sizeof *t);
    if (t == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    t->request = r;
    r->state = t;
    r->state_free = free_state;
    jt_directory_field(r->api->lanes->directory, r->params.field, on_field, t);
}

const struct jt_operation jt_operation_token_get = { .handler = token_get };
