/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/tokenizer.h"

#include "base/log.h"
#include "base/secmem.h"
#include "pan/numeric.h"
#include "vault/numeric.h"
#include "vault/strays.h"
#include "vault/verdict.h"

#include <string.h>

/* So often numeric tokens are drawn again beyond the rounds of every lane. */
#define TAKEN_ROUNDS 24
/* How many are used is counted in each so manieth round: it can take a while. */
#define COUNT_EVERY 8

/* What one keeper call may hold, one transaction takes. */
_Static_assert(JT_STORE_MAX_CARDS == JT_WIRE_MAX_ITEMS, "a transaction for a keeper call");
_Static_assert(JT_STORE_MAX_PROBED == JT_WIRE_MAX_PROBED, "a transaction for a keeper call");

static struct jt_tokenizer *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct jt_tokenizer, lane);
}

static struct jt_value value_of(const struct jt_lane_entry *e)
{
    const struct jt_tokenize_item *item = e->item;
    return (struct jt_value){ .kind = jt_tokenize_request_of(e)->kind,
                              .bytes = item->pan.packed,
                              .len = item->pan.packed_len };
}

static void give_token(struct jt_lane *lane, struct jt_lane_entry *e,
                       const uint8_t token[static JT_TOKEN_LEN], uint64_t id)
{
    struct jt_tokenize_item *item = e->item;
    item->id = id;
    memcpy(item->token, token, JT_TOKEN_LEN);
    jt_lane_end_item(lane, e, JT_OK);
}

/* --- the third step, for known cards: matching --- */

static void on_matched(void *arg, enum jt_err err, const struct jt_match_reply *reply)
{
    struct jt_tokenizer *t = arg;
    if (err != JT_OK) {
        jt_lane_end(&t->lane, err);
        return;
    }
    size_t n_bad = 0;
    for (size_t i = 0; i < t->n_known; i++) {
        struct jt_lane_entry *e = &t->lane.entries[t->known[i]];
        const struct jt_match_result *r = &reply->results[i];
        if (r->err == JT_OK && t->lengthen[i] != 0) {
            struct jt_tokenize_item *item = e->item;
            item->id = t->match[i].id;
            memcpy(item->token, r->token, JT_TOKEN_LEN);
            jt_expiring_lengthen(&t->expiring, t->known[i],
                                 &(struct jt_card_longer){ .id = item->id,
                                                           .key_id = t->lengthen[i],
                                                           .expires_us = item->expires_us });
        } else if (r->err == JT_OK) {
            give_token(&t->lane, e, r->token, t->match[i].id);
        } else if (jt_err_class(r->err) == JT_CLASS_REFRESH) {
            t->lane.ended = JT_ERR_RING_MOVED; /* between the two calls: look again */
        } else {
            jt_lane_end_item(&t->lane, e, JT_ERR_DECRYPT);
            n_bad++;
        }
    }
    jt_lane_alarm(&t->lane, n_bad,
                  "rows answer for a card that is not in them: the database was tampered with");
    jt_expiring_settle(&t->expiring);
}

/* --- the second step: storing --- */

/* One that was neither stored nor found: it ends, or stays for another round. */
static void take_lost(struct jt_tokenizer *t, struct jt_lane_entry *e,
                      const struct jt_card_outcome *outcome, bool behind)
{
    const struct jt_tokenize_request *request = jt_tokenize_request_of(e);
    struct jt_counters *c = &t->lane.vault->counters;
    if (request->token_form != 0 && behind) {
        jt_lane_end_item(&t->lane, e, jt_numeric_is_behind(t->lane.vault));
    } else if (outcome->why == JT_CARD_IS_TOKEN) {
        jt_count(&c->pan_is_token, 1);
        jt_lane_end_item(&t->lane, e, JT_ERR_CARD_IS_TOKEN);
    } else if (outcome->why == JT_CARD_TOKEN_TAKEN) {
        const struct jt_tokenize_item *item = e->item;
        jt_count(&c->numeric_taken, 1);
        if (jt_numeric_spent(t->lane.vault, e->request->field, request->token_form,
                             item->pan.n_digits, outcome->n_taken)) {
            jt_lane_end_item(&t->lane, e, JT_ERR_TOKENS_SPENT);
        }
        t->n_taken++;
    } else {
        t->lane.ended = JT_ERR_NOT_STORED;
    }
}

/* Sorts an item out by what became of its card; one that was lost stays for another round. */
static void take_outcome(struct jt_tokenizer *t, size_t i, const struct jt_card_outcome *outcome,
                         bool behind, size_t *n_stranded)
{
    struct jt_lane_entry *e = &t->lane.entries[t->lane.sent[i]];
    const struct jt_card_row *row = outcome->row;
    if (outcome->kind == JT_CARD_WRITTEN) {
        struct jt_tokenize_item *item = e->item;
        item->is_new = outcome->written == i;
        item->kept = item->is_new && jt_tokenize_request_of(e)->claim != NULL;
        give_token(&t->lane, e, t->tokens[outcome->written], t->cards[outcome->written].id);
    } else if (outcome->kind == JT_CARD_LOST) {
        take_lost(t, e, outcome, behind);
    } else if (jt_key_id_set_has(t->retired, row->envelope[0])) {
        jt_lane_end_item(&t->lane, e, JT_ERR_STRANDED);
        (*n_stranded)++;
    } else if (row->expired) {
        t->lane.ended = JT_ERR_NOT_STORED;
        jt_expiring_remove(&t->expiring, t->lane.sent[i],
                           &(struct jt_card_doomed){ .id = row->id, .key_id = row->envelope[0] });
    } else {
        const struct jt_tokenize_item *item = e->item;
        bool longer = jt_lifetime_is_later(item->expires_us, row->expires_us);
        t->lengthen[t->n_known] = longer ? row->envelope[0] : 0;
        t->match[t->n_known] = (struct jt_match_item){ .field = e->request->field,
                                                       .id = row->id,
                                                       .fingerprint = row->fingerprint,
                                                       .value = value_of(e),
                                                       .envelope = row->envelope,
                                                       .envelope_len = row->envelope_len,
                                                       .digits = row->digits };
        t->known[t->n_known++] = t->lane.sent[i];
    }
}

/*
 * Items that a brake holds or the keeper refused wait for the end of the round, because its audit
 * row, which is committed now, is theirs too.
 */
static void end_settled(struct jt_tokenizer *t)
{
    for (size_t i = 0; i < t->lane.n; i++) {
        struct jt_lane_entry *e = &t->lane.entries[i];
        if (e->settled && !e->ended) {
            jt_lane_end_item(&t->lane, e, ((struct jt_tokenize_item *)e->item)->err);
        }
    }
}

static void take_outcomes(struct jt_tokenizer *t, const struct jt_tokenize_result *result)
{
    size_t n_stranded = 0;
    t->audited = true;
    t->lane.ended = JT_ERR_TOKENS_SPENT; /* unless a card is lost for another reason */
    t->n_known = 0;
    t->n_taken = 0;
    jt_expiring_begin(&t->expiring, &t->lane, t->sealed_epoch);
    jt_tokenizer_count_written(t, result);
    end_settled(t);
    for (size_t i = 0; i < result->n; i++) {
        take_outcome(t, i, &result->cards[i], result->numeric_behind, &n_stranded);
    }
    /* A race has few rounds. To draw another token may take more, and is no fault of anything. */
    if (t->n_taken > 0 && t->lane.ended == JT_ERR_TOKENS_SPENT && t->lane.rounds > 1 &&
        t->taken_rounds < TAKEN_ROUNDS) {
        t->taken_rounds++;
        t->lane.rounds--;
    }
    jt_lane_alarm(
        &t->lane, n_stranded,
        "cards stand in rows under a retired key id: they were planted, restored or replayed");
    if (t->n_known > 0) {
        jt_keyclient_match(t->lane.keeper, t->match, t->n_known, on_matched, t);
    } else {
        jt_expiring_settle(&t->expiring);
    }
}

/*
 * Nothing was written. Fresh ids may do; what contradicts the ring will not pass and ends with the
 * rounds.
 */
static void repeat_contradicted(struct jt_tokenizer *t, enum jt_err err)
{
    if (!t->contradiction_told) {
        t->contradiction_told = true;
        char line[JT_FAULT_LINE_LEN];
        jt_count(&t->lane.vault->counters.row_alarms, 1);
        jt_log(JT_LOG_ERROR,
               "alarm: tokenize: an id is taken, or the generations contradict the ring: %s",
               jt_fault_line(jt_pipe_fault(t->lane.pipe), err, line));
    }
    t->lane.ended = err == JT_ERR_RING_CONTRADICTED ? err : JT_ERR_NOT_STORED;
    jt_lane_refresh(&t->lane);
}

/*
 * Nothing was written, because some request's claim is another's by now. It is not known whose:
 * those that have one end, and the others go on without them.
 */
static void leave_claims(struct jt_tokenizer *t)
{
    for (size_t i = 0; i < t->lane.n; i++) {
        struct jt_lane_entry *e = &t->lane.entries[i];
        if (!e->ended && jt_tokenize_request_of(e)->claim != NULL) {
            jt_lane_end_item(&t->lane, e, JT_ERR_ONCE_LOST);
        }
    }
    t->lane.ended = JT_ERR_ONCE_LOST;
    jt_lane_again(&t->lane);
}

static void on_stored(void *arg, enum jt_err err, const struct jt_tokenize_result *result)
{
    struct jt_tokenizer *t = arg;
    if (t->n_audit > 0) {
        jt_lane_link_ended(&t->lane, err,
                           err == JT_OK && result->check.node_stands &&
                               result->check.epoch == t->sealed_epoch);
    }
    if (err == JT_ERR_DB_DUPLICATE || err == JT_ERR_RING_CONTRADICTED) {
        repeat_contradicted(t, err);
    } else if (err == JT_ERR_ONCE_LOST) {
        leave_claims(t);
    } else if (err != JT_OK) {
        jt_lane_end_untrue(&t->lane, "tokenize", err);
    } else if (!result->check.node_stands) {
        jt_lane_end(&t->lane, JT_ERR_NODE_GONE);
    } else if (result->check.epoch != t->sealed_epoch) {
        t->lane.ended = JT_ERR_RING_MOVED;
        jt_lane_refresh(&t->lane);
    } else {
        take_outcomes(t, result);
    }
}

static void make_audit_rows(struct jt_tokenizer *t)
{
    t->n_audit = t->audited ? 0 : jt_lane_audit(&t->lane, JT_AUDIT_TOKENIZE);
    for (size_t i = 0; i < t->n_audit; i++) {
        t->lane.audit[i].n_done = t->lane.audit[i].n_items;
    }
    for (size_t i = 0; i < t->lane.n && t->n_audit > 0 && t->n_held > 0; i++) {
        t->lane.audit[t->lane.entries[i].audit].n_done -= t->lane.entries[i].settled;
    }
    if (t->n_audit > 0) {
        jt_lane_ask_link(&t->lane, t->n_audit);
    }
}

/*
 * Fingerprints under all other generations that may have a row of the card; without dedup none has.
 */
static size_t add_probes(struct jt_tokenizer *t, const struct jt_seal_reply *reply,
                         const struct jt_seal_result *r, size_t i, size_t n_probes)
{
    for (size_t d = 0;
         d < reply->n_probed && jt_tokenize_request_of(&t->lane.entries[t->lane.sent[i]])->dedup;
         d++) {
        t->probes[n_probes++] =
            (struct jt_card_probe){ .card = (uint32_t)i,
                                    .key_id = reply->probed[d].key.key_id,
                                    .fingerprint = r->probes + d * JT_FINGERPRINT_LEN };
    }
    return n_probes;
}

/*
 * Key ids of the reply's draining generations go to `draining`, retired ones are noted; how many
 * drain.
 */
static size_t note_probed(struct jt_tokenizer *t, const struct jt_seal_reply *reply,
                          uint8_t draining[static JT_WIRE_MAX_PROBED])
{
    size_t n = 0;
    memset(t->retired, 0, sizeof t->retired);
    for (size_t d = 0; d < reply->n_probed; d++) {
        uint8_t key_id = reply->probed[d].key.key_id;
        if (reply->probed[d].retired) {
            jt_key_id_set_add(t->retired, key_id);
        } else {
            draining[n++] = key_id;
        }
    }
    return n;
}

/* What is to be remembered of the batch. */
static size_t add_marks(struct jt_tokenizer *t, size_t n)
{
    size_t n_marks = 0;
    for (size_t i = 0; i < n; i++) {
        const struct jt_lane_entry *e = &t->lane.entries[t->lane.sent[i]];
        const struct jt_tokenize_item *item = e->item;
        const struct jt_claim *claim = jt_tokenize_request_of(e)->claim;
        if (claim != NULL) {
            t->marks[n_marks++] =
                (struct jt_claim_mark){ .claim = claim,
                                        .card = { .place = item->place, .id = t->cards[i].id } };
        }
    }
    return n_marks;
}

/* The digits of a card as if they were one: under the active generation, then the draining ones. */
static size_t add_digit_probes(struct jt_tokenizer *t, const struct jt_seal_reply *reply,
                               const struct jt_seal_result *r, size_t n, size_t n_probes)
{
    for (size_t d = 0; r->digit_fps != NULL && d <= jt_seal_draining(reply); d++) {
        uint8_t key_id = d == 0 ? reply->active.key_id : reply->probed[d - 1].key.key_id;
        t->digit_probes[n_probes++] =
            (struct jt_card_probe){ .card = (uint32_t)n,
                                    .key_id = key_id,
                                    .fingerprint = r->digit_fps + d * JT_FINGERPRINT_LEN };
    }
    return n_probes;
}

static void take_sealed(struct jt_tokenizer *t, const struct jt_seal_result *r,
                        const struct jt_lane_entry *e, size_t n)
{
    const struct jt_tokenize_item *item = e->item;
    bool numeric = r->digits.packed_len > 0;
    if (numeric) {
        atomic_store_explicit(&t->lane.vault->numeric.used, true, memory_order_relaxed);
        jt_numeric_to_token(r->digits.packed, r->digits.packed_len, t->tokens[n]);
    } else {
        memcpy(t->tokens[n], r->token, JT_TOKEN_LEN);
    }
    t->cards[n] = (struct jt_card_new){ .field = e->request->field,
                                        .expires_us = item->expires_us,
                                        .id = r->id,
                                        .fingerprint = r->fingerprint,
                                        .envelope = r->envelope,
                                        .envelope_len = r->envelope_len,
                                        .digits = r->digits,
                                        .tok = numeric ? r->token : NULL,
                                        .value_tok = r->value_tok };
}

/*
 * Takes what was sealed, with its probes; how many cards. Only a numeric token can be refused to a
 * parsed number: its item ends with the round.
 */
static size_t take_all_sealed(struct jt_tokenizer *t, const struct jt_seal_reply *reply,
                              size_t *n_probes, size_t *n_digit_probes)
{
    size_t n = 0;
    *n_probes = *n_digit_probes = 0;
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_seal_result *r = &reply->results[i];
        struct jt_lane_entry *e = &t->lane.entries[t->lane.sent[i]];
        if (r->err != JT_OK) {
            struct jt_tokenize_item *item = e->item;
            item->err = r->err == JT_ERR_TOKEN_SPACE || r->err == JT_ERR_NUMERIC_WAITS
                            ? r->err
                            : JT_ERR_IMPOSSIBLE;
            e->settled = true;
            continue;
        }
        t->lane.sent[n] = t->lane.sent[i];
        take_sealed(t, r, e, n);
        *n_probes = add_probes(t, reply, r, n, *n_probes);
        *n_digit_probes = add_digit_probes(t, reply, r, n, *n_digit_probes);
        n++;
    }
    return n;
}

static void store_batch(struct jt_tokenizer *t, const struct jt_seal_reply *reply)
{
    uint8_t draining[JT_WIRE_MAX_PROBED];
    size_t n_probes, n_digit_probes;
    size_t n = take_all_sealed(t, reply, &n_probes, &n_digit_probes);
    t->sealed_epoch = reply->epoch;
    struct jt_tokenize_txn txn = { .epoch = reply->epoch,
                                   .generation = reply->active.generation,
                                   .key_id = reply->active.key_id,
                                   .writer = t->lane.writer,
                                   .cards = t->cards,
                                   .n_cards = n,
                                   .probes = t->probes,
                                   .n_probes = n_probes,
                                   .digit_probes = t->digit_probes,
                                   .n_digit_probes = n_digit_probes,
                                   .numeric_mark = atomic_load(&t->lane.vault->numeric.mark),
                                   .count_taken =
                                       t->lane.rounds > 1 && t->taken_rounds % COUNT_EVERY == 0,
                                   .draining = draining,
                                   .n_draining = note_probed(t, reply, draining),
                                   .marks = t->marks,
                                   .n_marks = add_marks(t, n),
                                   .audit = jt_lane_linked(&t->lane, t->n_audit) };
    enum jt_err err = jt_cards_tokenize(t->lane.pipe, &txn, on_stored, t);
    if (err != JT_OK) {
        jt_lane_end(&t->lane, err);
    }
}

/* --- the first step: sealing --- */

static void on_sealed(void *arg, enum jt_err err, const struct jt_seal_reply *reply)
{
    struct jt_tokenizer *t = arg;
    bool nothing_active = err == JT_OK && reply->active.key_id == 0;
    if (nothing_active && t->lane.rounds > 1) {
        jt_lane_end(&t->lane, JT_ERR_NO_ACTIVE);
    } else if (nothing_active || jt_err_class(err) == JT_CLASS_REFRESH) {
        /*
         * This keeper has not heard of the ring, or of its node, since it started: perhaps it only
         * needs to be told.
         */
        jt_lane_refresh(&t->lane);
    } else if (err != JT_OK || t->guessing.err != JT_OK) {
        jt_lane_end(&t->lane, err != JT_OK ? err : t->guessing.err);
    } else if (t->held_now) {
        jt_tokenizer_leave_held(t);
    } else if (t->n_audit > 0 && t->lane.link_state != JT_LANE_LINK_MADE) {
        jt_lane_end(&t->lane, t->lane.link_err);
    } else {
        store_batch(t, reply);
    }
}

static void seal_batch(struct jt_lane *lane)
{
    struct jt_tokenizer *t = of(lane);
    t->audited = t->audited && lane->rounds > 1;
    t->contradiction_told = t->contradiction_told && lane->rounds > 1;
    t->taken_rounds = lane->rounds > 1 ? t->taken_rounds : 0;
    for (size_t i = 0; i < lane->n; i++) {
        struct jt_lane_entry *e = &lane->entries[i];
        /* what the keeper refused it may take by now; what a brake holds stays so */
        e->settled = e->settled && !e->ended &&
                     ((const struct jt_tokenize_item *)e->item)->err == JT_ERR_GUESS_BRAKE;
    }
    struct jt_seal_request request = { .items = t->seal, .n = jt_lane_open(lane) };
    for (size_t i = 0; i < request.n; i++) {
        const struct jt_lane_entry *e = &lane->entries[lane->sent[i]];
        t->seal[i] = (struct jt_seal_item){ .field = e->request->field, .value = value_of(e) };
    }
    jt_tokenizer_ask_brakes(t, request.n);
    make_audit_rows(t); /* the link is there when the cards are sealed */
    request.n_retired =
        jt_strays_known(lane->vault, request.retired, JT_WIRE_MAX_PROBED - JT_RING_MAX_LIVE);
    jt_keyclient_seal(lane->keeper, &request, on_sealed, t);
}

/*
 * An item that is neither stored nor found after all rounds is one that the database does not
 * store.
 */
static void give_up(struct jt_lane *lane, enum jt_err err)
{
    bool untrue = err == JT_ERR_NOT_STORED || err == JT_ERR_RING_CONTRADICTED;
    if (err == JT_ERR_TOKENS_SPENT) {
        jt_count(&lane->vault->counters.numeric_spent, lane->n_open);
    }
    lane->told = untrue || err == JT_ERR_TOKENS_SPENT; /* vault/numeric.c has warned before */
    jt_lane_end(lane, untrue ? jt_verdict_bad(lane->vault, "tokenize", err, NULL) : err);
}

static void linked(struct jt_lane *lane, enum jt_err err)
{
    jt_expiring_linked(&of(lane)->expiring, err);
}

static void end_item(void *item, enum jt_err err)
{
    ((struct jt_tokenize_item *)item)->err = err;
}

static void done(struct jt_lane_request *lane_request)
{
    struct jt_tokenize_request *request =
        jt_container_of(lane_request, struct jt_tokenize_request, lane);
    for (size_t i = 0; i < request->n_items; i++) {
        jt_wipe(&request->items[i].pan, sizeof request->items[i].pan);
    }
    request->done(request);
}

const struct jt_lane_verb jt_verb_tokenize = {
    .name = "tokenize",
    .application = "jetond tokenize",
    .size = sizeof(struct jt_tokenizer),
    .item_size = sizeof(struct jt_tokenize_item),
    .batch_max = JT_LANE_BATCH_MAX,
    .waiting_max = JT_LANE_WAITING_MAX,
    .writes = true,
    .audits = true,
    .round = seal_batch,
    .give_up = give_up,
    .linked = linked,
    .end_item = end_item,
    .done = done,
};
_Static_assert(offsetof(struct jt_tokenizer, lane) == 0,
               "a lane is allocated as its verb's struct");

static bool wanted(const struct jt_lane_request *lane_request)
{
    const struct jt_tokenize_request *request =
        jt_container_of(lane_request, struct jt_tokenize_request, lane);
    return request->wanted(request->arg);
}

bool jt_tokenize_submit(struct jt_lane *lane, struct jt_tokenize_request *request)
{
    request->lane = (struct jt_lane_request){ .client = request->client,
                                              .origin = request->origin,
                                              .field = request->field,
                                              .items = request->items,
                                              .n_items = request->n_items,
                                              .wanted = request->wanted == NULL ? NULL : wanted };
    return jt_lane_submit(lane, &request->lane);
}
