/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/lookup.h"

#include "base/container.h"
#include "base/secmem.h"
#include "store/cards.h"
#include "vault/guessing.h"
#include "vault/strays.h"

#include <string.h>

#define BATCH JT_LANE_BATCH_MAX

/* Each live generation has a place among the probed ones of the keeper's answer. */
_Static_assert(JT_RING_MAX_LIVE < JT_WIRE_MAX_PROBED, "room for retired ones as well");

/* An entry is settled when it is known how it ends; it ends with the batch, behind the audit. */
struct finder {
    struct jt_lane lane;
    struct jt_guessing guessing;
    uint64_t epoch; /* of the keeper's ring when it made the fingerprints */
    uint8_t retired[JT_KEY_ID_SET_LEN];
    struct jt_seal_item asked[BATCH];
    struct jt_card_wanted wanted[BATCH * JT_WIRE_MAX_PROBED];
    struct jt_match_item match[BATCH];
    uint64_t found[BATCH]; /* ids for the audit rows */
    size_t n_audit;
};

static struct finder *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct finder, lane);
}

static struct jt_lookup_item *item_of(const struct jt_lane_entry *e)
{
    return e->item;
}

static struct jt_value value_of(const struct jt_lane_entry *e)
{
    const struct jt_lookup_item *item = item_of(e);
    return (struct jt_value){ .kind =
                                  jt_container_of(e->request, struct jt_lookup_request, lane)->kind,
                              .bytes = item->pan.packed,
                              .len = item->pan.packed_len };
}

static void settle(struct jt_lane_entry *e, enum jt_err err)
{
    item_of(e)->err = err;
    e->settled = true;
}

/* --- the fourth step: the audit --- */

static void on_audited(void *arg, enum jt_err err)
{
    struct finder *f = arg;
    jt_lane_link_ended(&f->lane, err, true);
    if (err == JT_OK) {
        jt_lane_end(&f->lane, JT_OK);
    } else {
        jt_lane_end_untrue(&f->lane, "lookup: audit", err);
    }
}

/*
 * What the guess brakes hold is not answered, found or not, and so there is no telling a hit from a
 * miss behind the limit. This decides, not what was held before the rows were read: until here
 * other batches may have had misses of the same class.
 */
static void brake(struct finder *f)
{
    struct jt_guessing *g = &f->guessing;
    for (size_t i = 0; i < g->n; i++) {
        g->tries[i].counts = item_of(&f->lane.entries[g->at[i]])->err == JT_ERR_NO_CARD;
    }
    jt_guessing_count(g, &f->lane);
    for (size_t i = 0; i < g->n && g->on; i++) {
        if (g->tries[i].held) {
            settle(&f->lane.entries[g->at[i]], JT_ERR_GUESS_BRAKE);
        }
    }
    jt_guessing_tell(g, &f->lane);
}

/* The ids of one request's found items are neighbours, as its entries are. */
static void audit_batch(struct finder *f)
{
    size_t n_found = 0;
    brake(f);
    f->n_audit = jt_lane_audit(&f->lane, JT_AUDIT_LOOKUP);
    for (size_t i = 0; i < f->lane.n; i++) {
        const struct jt_lane_entry *e = &f->lane.entries[i];
        if (item_of(e)->err != JT_OK) {
            continue;
        }
        struct jt_audit_row *row = &f->lane.audit[e->audit];
        row->ids = row->n_ids == 0 ? &f->found[n_found] : row->ids;
        row->n_ids++;
        row->n_done++;
        f->found[n_found++] = item_of(e)->id;
    }
    jt_lane_await_link(&f->lane, f->n_audit);
}

static void linked(struct jt_lane *lane, enum jt_err err)
{
    struct finder *f = of(lane);
    if (err == JT_OK) {
        const struct jt_audit audit = jt_lane_linked(lane, f->n_audit);
        err = jt_cards_audit(lane->pipe, &audit, on_audited, f);
    }
    if (err != JT_OK) {
        jt_lane_end(lane, err);
    }
}

/* The end of a round: items whose ring had moved, or whose key was not at hand, have another. */
static void finish(struct finder *f)
{
    if (jt_lane_open(&f->lane) > 0) {
        jt_lane_refresh(&f->lane);
    } else {
        audit_batch(f);
    }
}

/* What no refresh helps ends here; its neighbours keep what they have. */
static void give_up(struct jt_lane *lane, enum jt_err err)
{
    for (size_t i = 0; i < lane->n; i++) {
        if (!lane->entries[i].settled) {
            settle(&lane->entries[i], err);
        }
    }
    audit_batch(of(lane));
}

/* --- the third step: matching --- */

static void on_matched(void *arg, enum jt_err err, const struct jt_match_reply *reply)
{
    struct finder *f = arg;
    if (err != JT_OK) {
        jt_lane_end(&f->lane, err);
        return;
    }
    size_t n_bad = 0;
    for (size_t i = 0; i < reply->n; i++) {
        struct jt_lane_entry *e = &f->lane.entries[f->lane.sent[i]];
        const struct jt_match_result *r = &reply->results[i];
        if (jt_err_class(r->err) == JT_CLASS_REFRESH) {
            continue;
        }
        if (r->err != JT_OK) {
            settle(e, JT_ERR_DECRYPT);
            n_bad++;
        } else {
            memcpy(item_of(e)->token, r->token, JT_TOKEN_LEN);
            settle(e, JT_OK);
        }
    }
    jt_lane_alarm(&f->lane, n_bad,
                  "rows answer for a card that is not in them: the database was tampered with");
    finish(f);
}

/* --- the second step: reading --- */

/* Sorts the items out by their rows; how many are to be matched. */
static size_t take_rows(struct finder *f, const struct jt_read_result *result)
{
    size_t n_match = 0, n_twice = 0, n_stranded = 0;
    for (size_t i = 0; i < result->n; i++) {
        struct jt_lane_entry *e = &f->lane.entries[f->lane.sent[i]];
        const struct jt_card_found *card = &result->cards[i];
        if (card->n_rows == 0) {
            settle(e, JT_ERR_NO_CARD);
        } else if (card->n_rows > 1) {
            settle(e, JT_ERR_DECRYPT);
            n_twice++;
        } else if (jt_key_id_set_has(f->retired, card->row.envelope[0])) {
            settle(e, JT_ERR_STRANDED);
            n_stranded++;
        } else {
            item_of(e)->id = card->row.id;
            f->match[n_match] = (struct jt_match_item){ .field = e->request->field,
                                                        .id = card->row.id,
                                                        .fingerprint = card->row.fingerprint,
                                                        .value = value_of(e),
                                                        .envelope = card->row.envelope,
                                                        .envelope_len = card->row.envelope_len,
                                                        .digits = card->row.digits };
            f->lane.sent[n_match++] = f->lane.sent[i];
        }
    }
    jt_lane_alarm(&f->lane, n_twice, "cards stand in two rows: the database was tampered with");
    jt_lane_alarm(
        &f->lane, n_stranded,
        "cards stand in rows under a retired key id: they were planted, restored or replayed");
    return n_match;
}

static void on_found(void *arg, enum jt_err err, const struct jt_read_result *result)
{
    struct finder *f = arg;
    if (err != JT_OK) {
        jt_lane_end_untrue(&f->lane, "lookup", err);
        return;
    }
    if (result->epoch != f->epoch) {
        jt_lane_refresh(&f->lane);
        return;
    }
    size_t n = take_rows(f, result);
    if (n > 0) {
        jt_keyclient_match(f->lane.keeper, f->match, n, on_matched, f);
    } else {
        finish(f);
    }
}

/* --- the first step: fingerprints --- */

/* Where the rows of the good items would stand; how many items these are. */
static size_t want(struct finder *f, const struct jt_fingerprint_reply *reply, size_t *n_wanted)
{
    size_t n = 0;
    *n_wanted = 0;
    for (size_t i = 0; i < reply->n; i++) {
        struct jt_lane_entry *e = &f->lane.entries[f->lane.sent[i]];
        const struct jt_fingerprint_result *r = &reply->results[i];
        if (e->settled) {
            continue; /* held by a brake */
        }
        if (jt_err_class(r->err) == JT_CLASS_REFRESH) {
            continue; /* another round */
        }
        if (r->err != JT_OK) {
            settle(e, r->err);
            continue;
        }
        for (size_t p = 0; p < reply->n_probed; p++) {
            f->wanted[(*n_wanted)++] =
                (struct jt_card_wanted){ .place = (uint32_t)n,
                                         .field = e->request->field,
                                         .key_id = reply->probed[p].key.key_id,
                                         .fingerprint = r->fingerprints + p * JT_FINGERPRINT_LEN };
        }
        f->lane.sent[n++] = f->lane.sent[i];
    }
    return n;
}

static void on_fingerprinted(void *arg, enum jt_err err, const struct jt_fingerprint_reply *reply)
{
    struct finder *f = arg;
    if (jt_err_class(err) == JT_CLASS_REFRESH) {
        jt_lane_refresh(&f->lane);
        return;
    }
    err = err == JT_OK ? f->guessing.err : err;
    if (err != JT_OK) {
        jt_lane_end(&f->lane, err);
        return;
    }
    f->epoch = reply->epoch;
    memset(f->retired, 0, sizeof f->retired);
    for (size_t p = 0; p < reply->n_probed; p++) {
        if (reply->probed[p].retired) {
            jt_key_id_set_add(f->retired, reply->probed[p].key.key_id);
        }
    }
    size_t n_wanted, n = want(f, reply, &n_wanted);
    if (n == 0) {
        finish(f);
    } else {
        err = jt_cards_find(f->lane.pipe, f->wanted, n_wanted, n, on_found, f);
        if (err != JT_OK) {
            jt_lane_end(&f->lane, err);
        }
    }
}

/* The answer comes before the one with the fingerprints: both are asked for at once. */
static void on_guessed(void *arg, enum jt_err err, const struct jt_guess_reply *reply)
{
    struct finder *f = arg;
    struct jt_guessing *g = &f->guessing;
    jt_guessing_take(g, &f->lane, err, reply);
    for (size_t i = 0; i < g->n && err == JT_OK; i++) {
        if (g->tries[i].held) {
            settle(&f->lane.entries[g->at[i]], JT_ERR_GUESS_BRAKE);
        }
    }
}

static void ask_brakes(struct finder *f, size_t n)
{
    struct jt_guessing *g = &f->guessing;
    if (f->lane.rounds > 1 || !jt_guessing_begin(g, &f->lane, JT_GUESS_LOOKUP)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct jt_pan *pan = &item_of(&f->lane.entries[f->lane.sent[i]])->pan;
        jt_guessing_add(g, &f->lane, f->lane.sent[i], pan->packed, pan->packed_len);
    }
    jt_guessing_ask(g, &f->lane, on_guessed, f);
}

static void fingerprint_batch(struct jt_lane *lane)
{
    struct finder *f = of(lane);
    struct jt_seal_request request = { .items = f->asked, .n = jt_lane_open(lane) };
    for (size_t i = 0; i < request.n; i++) {
        const struct jt_lane_entry *e = &lane->entries[lane->sent[i]];
        f->asked[i] = (struct jt_seal_item){ .field = e->request->field, .value = value_of(e) };
    }
    request.n_retired =
        jt_strays_known(lane->vault, request.retired, JT_WIRE_MAX_PROBED - JT_RING_MAX_LIVE);
    ask_brakes(f, request.n);
    jt_keyclient_fingerprint(lane->keeper, &request, on_fingerprinted, f);
}

/* Each item keeps how it was settled, unless the batch failed. */
static void end_item(void *arg, enum jt_err err)
{
    struct jt_lookup_item *item = arg;
    if (err != JT_OK) {
        item->err = err;
    }
}

static void done(struct jt_lane_request *lane_request)
{
    struct jt_lookup_request *request =
        jt_container_of(lane_request, struct jt_lookup_request, lane);
    for (size_t i = 0; i < request->n_items; i++) {
        jt_wipe(&request->items[i].pan, sizeof request->items[i].pan);
    }
    request->done(request);
}

const struct jt_lane_verb jt_verb_lookup = {
    .name = "lookup",
    .application = "jetond lookup",
    .size = sizeof(struct finder),
    .item_size = sizeof(struct jt_lookup_item),
    .batch_max = BATCH,
    .waiting_max = JT_LANE_WAITING_MAX,
    .audits = true,
    .round = fingerprint_batch,
    .give_up = give_up,
    .linked = linked,
    .end_item = end_item,
    .done = done,
};
_Static_assert(offsetof(struct finder, lane) == 0, "a lane is allocated as its verb's struct");

bool jt_lookup_submit(struct jt_lane *lane, struct jt_lookup_request *request)
{
    request->lane = (struct jt_lane_request){ .client = request->client,
                                              .origin = request->origin,
                                              .field = request->field,
                                              .items = request->items,
                                              .n_items = request->n_items };
    return jt_lane_submit(lane, &request->lane);
}
