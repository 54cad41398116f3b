/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/detokenize.h"

#include "base/container.h"
#include "base/secmem.h"
#include "store/cards.h"
#include "vault/reencrypt.h"

#include <string.h>

#define BATCH JT_LANE_BATCH_MAX

/*
 * An entry is settled when it was read and opened or has failed for good: another round leaves it
 * alone, and it ends with the batch, behind the audit. It is missing when the last read found no
 * row under a live key id.
 */
struct detokenizer {
    struct jt_lane lane;
    struct jt_lane *reencrypt;
    uint64_t epoch; /* of the keeper's ring when it named the live key ids */
    uint8_t live[JT_RING_MAX_LIVE];
    uint8_t n_live;
    struct jt_identify_item identify[BATCH];
    uint64_t ids[BATCH];
    struct jt_open_item open[BATCH];
    struct jt_card_row rows[BATCH];
    uint64_t granted[BATCH]; /* ids for the audit rows */
    size_t n_audit;
    bool guessed; /* the audit rows and their link were made as if all would open, and all did */
};

static void make_audit_rows(struct detokenizer *d, bool opening);
static void audit_batch(struct detokenizer *d);
static void linked(struct jt_lane *lane, enum jt_err err);

static struct detokenizer *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct detokenizer, lane);
}

static struct jt_detokenize_item *item_of(const struct jt_lane_entry *e)
{
    return e->item;
}

static void settle(struct jt_lane_entry *e, enum jt_err err)
{
    item_of(e)->err = err;
    e->settled = true;
}

/*
 * What no refresh makes readable ends here, to be asked for again by its clients: it must not hold
 * up or fail its neighbours.
 */
static void give_up(struct jt_lane *lane, enum jt_err err)
{
    struct detokenizer *d = of(lane);
    for (size_t i = 0; i < d->lane.n; i++) {
        if (!d->lane.entries[i].settled) {
            settle(&d->lane.entries[i], err);
        }
    }
    audit_batch(d);
}

/* --- the third step: opening --- */

/*
 * Takes what the keeper opened; returns how many items must be read again because their row had
 * moved on.
 */
static size_t take_opened(struct detokenizer *d, const struct jt_open_reply *reply)
{
    size_t stale = 0, refused = 0;
    d->guessed = true;
    for (size_t i = 0; i < reply->n; i++) {
        struct jt_lane_entry *e = &d->lane.entries[d->lane.sent[i]];
        const struct jt_open_result *r = &reply->results[i];
        if (jt_err_class(r->err) == JT_CLASS_REFRESH) {
            stale++;
        } else if (r->err != JT_OK) {
            settle(e, JT_ERR_DECRYPT);
            refused++;
        } else {
            settle(e, jt_pan_unpack(r->value.bytes, r->value.len, item_of(e)->pan));
            if (r->draining && item_of(e)->err == JT_OK) {
                jt_reencrypt_offer(d->reencrypt, &d->rows[i]);
            }
        }
        d->guessed = d->guessed && r->err == JT_OK && item_of(e)->err == JT_OK;
    }
    jt_lane_alarm(&d->lane, refused, "rows do not open: they were altered");
    return stale;
}

static void on_opened(void *arg, enum jt_err err, const struct jt_open_reply *reply)
{
    struct detokenizer *d = arg;
    if (err != JT_OK) {
        jt_lane_end(&d->lane, err);
    } else if (take_opened(d, reply) > 0) {
        jt_lane_refresh(&d->lane);
    } else {
        audit_batch(d);
    }
}

static void open_batch(struct detokenizer *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct jt_card_row *row = &d->rows[i];
        d->open[i] = (struct jt_open_item){ .field = row->field,
                                            .id = row->id,
                                            .fingerprint = row->fingerprint,
                                            .envelope = row->envelope,
                                            .envelope_len = row->envelope_len };
    }
    /* All will open, as a rule: the link for that is there when they have. */
    make_audit_rows(d, true);
    jt_lane_ask_link(&d->lane, d->n_audit);
    jt_keyclient_open_items(d->lane.keeper, d->open, n, on_opened, d);
}

/*
 * --- between the second and the third: tokens that were issued and have no row under a live key id
 * ---
 */

static bool is_live(const struct detokenizer *d, uint8_t key_id)
{
    return memchr(d->live, key_id, d->n_live) != NULL;
}

/*
 * Sorts the missing out: deleted cards, mostly, or ones whose transaction never ended; but a row
 * under a key id that is not live is a card that somebody hid, and whoever asks for it must not
 * hear that there is none. False when one of them has come to light under a live key id meanwhile.
 */
static bool take_strays(struct detokenizer *d, const uint8_t *stranded, size_t n, size_t *n_open)
{
    size_t n_stranded = 0, next = 0;
    bool all_settled = true;
    for (size_t i = 0; i < d->lane.n; i++) {
        struct jt_lane_entry *e = &d->lane.entries[i];
        if (e->settled) {
            continue;
        }
        if (!e->missing) {
            /* in the order of take_read: its row is rows[*n_open] */
            d->lane.sent[(*n_open)++] = (uint32_t)i;
            continue;
        }
        uint8_t key_id = next < n ? stranded[next++] : 0;
        if (key_id != 0 && is_live(d, key_id)) {
            all_settled = false;
            continue;
        }
        settle(e, key_id != 0 ? JT_ERR_STRANDED : JT_ERR_NO_TOKEN);
        n_stranded += key_id != 0;
    }
    jt_lane_alarm(&d->lane, n_stranded, "cards stand in rows under key ids of no live generation");
    return all_settled;
}

static void on_strays(void *arg, enum jt_err err, const uint8_t *stranded, size_t n)
{
    struct detokenizer *d = arg;
    if (err != JT_OK) {
        jt_lane_end_untrue(&d->lane, "detokenize", err);
        return;
    }
    size_t n_open = 0;
    if (!take_strays(d, stranded, n, &n_open)) {
        jt_lane_again(&d->lane);
    } else if (n_open > 0) {
        open_batch(d, n_open);
    } else {
        audit_batch(d);
    }
}

static void look_for_strays(struct detokenizer *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->lane.n; i++) {
        if (!d->lane.entries[i].settled && d->lane.entries[i].missing) {
            d->ids[n++] = item_of(&d->lane.entries[i])->id;
        }
    }
    enum jt_err err = jt_cards_strays(d->lane.pipe, d->ids, n, on_strays, d);
    if (err != JT_OK) {
        jt_lane_end(&d->lane, err);
    }
}

/* --- the second step: reading --- */

/* Takes the rows; how many are to be opened, and whether any is missing. */
static size_t take_read(struct detokenizer *d, const struct jt_read_result *result,
                        bool *any_missing)
{
    size_t n_open = 0, n_odd = 0;
    for (size_t i = 0; i < result->n; i++) {
        struct jt_lane_entry *e = &d->lane.entries[d->lane.sent[i]];
        const struct jt_card_found *card = &result->cards[i];
        e->missing = card->n_rows == 0;
        if (e->missing) {
            *any_missing = true;
        } else if (card->n_rows > 1 || card->row.field != e->request->field ||
                   card->row.id != item_of(e)->id) {
            settle(e, JT_ERR_DECRYPT);
            n_odd++;
        } else {
            d->rows[n_open] = card->row;
            d->lane.sent[n_open++] = d->lane.sent[i];
        }
    }
    jt_lane_alarm(
        &d->lane, n_odd,
        "ids stand in two rows, or in a row of another field: the database was tampered with");
    return n_open;
}

static void on_read(void *arg, enum jt_err err, const struct jt_read_result *result)
{
    struct detokenizer *d = arg;
    if (err != JT_OK) {
        jt_lane_end_untrue(&d->lane, "detokenize", err);
        return;
    }
    if (result->epoch != d->epoch) {
        /* the live key ids that were asked for were not the database's: nothing counts */
        jt_lane_refresh(&d->lane);
        return;
    }
    bool any_missing = false;
    size_t n_open = take_read(d, result, &any_missing);
    if (any_missing) {
        look_for_strays(d);
    } else if (n_open > 0) {
        open_batch(d, n_open);
    } else {
        audit_batch(d);
    }
}

/* --- the first step: tokens to ids --- */

static void on_identified(void *arg, enum jt_err err, const struct jt_identify_reply *reply)
{
    struct detokenizer *d = arg;
    if (jt_err_class(err) == JT_CLASS_REFRESH) {
        jt_lane_refresh(&d->lane);
        return;
    }
    if (err != JT_OK) {
        jt_lane_end(&d->lane, err);
        return;
    }
    d->epoch = reply->epoch;
    d->n_live = reply->n_live;
    memcpy(d->live, reply->live, sizeof d->live);
    size_t n = 0;
    for (size_t i = 0; i < reply->n; i++) {
        struct jt_lane_entry *e = &d->lane.entries[d->lane.sent[i]];
        if (reply->results[i].err != JT_OK) {
            settle(e, JT_ERR_NO_TOKEN); /* made up, or of another field */
            continue;
        }
        item_of(e)->id = d->ids[n] = reply->results[i].id;
        d->lane.sent[n++] = d->lane.sent[i];
    }
    if (n == 0) {
        audit_batch(d);
        return;
    }
    err = jt_cards_read(d->lane.pipe, d->ids, n, reply->live, reply->n_live, on_read, d);
    if (err != JT_OK) {
        jt_lane_end(&d->lane, err);
    }
}

static void identify_batch(struct jt_lane *lane)
{
    struct detokenizer *d = of(lane);
    d->guessed = false;
    size_t n = jt_lane_open(lane);
    for (size_t i = 0; i < n; i++) {
        const struct jt_lane_entry *e = &lane->entries[lane->sent[i]];
        d->identify[i] =
            (struct jt_identify_item){ .field = e->request->field, .token = item_of(e)->token };
    }
    jt_keyclient_identify(lane->keeper, d->identify, n, on_identified, d);
}

/* --- the fourth step: the audit --- */

static void on_audited(void *arg, enum jt_err err)
{
    struct detokenizer *d = arg;
    jt_lane_link_ended(&d->lane, err, true);
    if (err == JT_OK) {
        jt_lane_end(&d->lane, JT_OK);
    } else {
        jt_lane_end_untrue(&d->lane, "detokenize: audit", err);
    }
}

/*
 * The ids of one request's granted items are neighbours, as its entries are. With `opening`, those
 * that are being opened count as granted.
 */
static void make_audit_rows(struct detokenizer *d, bool opening)
{
    size_t n_granted = 0;
    d->n_audit = jt_lane_audit(&d->lane, JT_AUDIT_DETOKENIZE);
    for (size_t i = 0; i < d->lane.n; i++) {
        const struct jt_lane_entry *e = &d->lane.entries[i];
        if (e->settled ? item_of(e)->err != JT_OK : !opening) {
            continue;
        }
        struct jt_audit_row *row = &d->lane.audit[e->audit];
        row->ids = row->n_ids == 0 ? &d->granted[n_granted] : row->ids;
        row->n_ids++;
        row->n_done++;
        d->granted[n_granted++] = item_of(e)->id;
    }
}

static void audit_batch(struct detokenizer *d)
{
    if (d->guessed && d->lane.link_state == JT_LANE_LINK_MADE) {
        linked(&d->lane, JT_OK);
        return;
    }
    make_audit_rows(d, false);
    jt_lane_await_link(&d->lane, d->n_audit);
}

static void linked(struct jt_lane *lane, enum jt_err err)
{
    struct detokenizer *d = of(lane);
    if (err == JT_OK) {
        const struct jt_audit audit = jt_lane_linked(lane, d->n_audit);
        err = jt_cards_audit(lane->pipe, &audit, on_audited, d);
    }
    if (err != JT_OK) {
        jt_lane_end(lane, err);
    }
}

/* Each item keeps how it was settled, unless the batch failed. */
static void end_item(void *arg, enum jt_err err)
{
    struct jt_detokenize_item *item = arg;
    if (err != JT_OK) {
        jt_wipe(item->pan, sizeof item->pan);
        item->err = err;
    }
}

static void done(struct jt_lane_request *lane_request)
{
    struct jt_detokenize_request *request =
        jt_container_of(lane_request, struct jt_detokenize_request, lane);
    request->done(request);
}

const struct jt_lane_verb jt_verb_detokenize = {
    .name = "detokenize",
    .application = "jetond detokenize",
    .size = sizeof(struct detokenizer),
    .item_size = sizeof(struct jt_detokenize_item),
    .batch_max = BATCH,
    .round = identify_batch,
    .audits = true,
    .give_up = give_up,
    .linked = linked,
    .end_item = end_item,
    .done = done,
};
_Static_assert(offsetof(struct detokenizer, lane) == 0, "a lane is allocated as its verb's struct");

void jt_detokenize_offer_to(struct jt_lane *detokenize, struct jt_lane *reencrypt)
{
    of(detokenize)->reencrypt = reencrypt;
}

void jt_detokenize_submit(struct jt_lane *lane, struct jt_detokenize_request *request)
{
    request->lane = (struct jt_lane_request){ .client = request->client,
                                              .origin = request->origin,
                                              .field = request->field,
                                              .items = request->items,
                                              .n_items = request->n_items };
    (void)jt_lane_submit(lane, &request->lane); /* any number may wait */
}
