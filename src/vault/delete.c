/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/delete.h"

#include "base/container.h"

#include <stdlib.h>
#include <string.h>

#define BATCH JT_LANE_BATCH_MAX

/* A card that is to go, by the entry that asked first. */
struct doomed {
    struct jt_card_doomed card;
    uint32_t entry;
};

struct deleter {
    struct jt_lane lane;
    struct jt_locator locator;
    size_t n; /* cards, each once, ascending by id; key id 0: in quarantine */
    struct doomed doomed[BATCH];
    size_t n_cards, n_lost; /* of them */
    struct jt_card_doomed cards[BATCH];
    uint64_t lost[BATCH];
    struct jt_claim_mark marks[BATCH];
    uint64_t ids[BATCH]; /* for the audit rows */
    size_t n_audit;
    bool gave_up; /* nothing is deleted any more: the audit rows go alone */
};

static struct deleter *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct deleter, lane);
}

static struct jt_delete_item *item_of(const struct jt_lane_entry *e)
{
    return e->item;
}

/* Cards may be away, and then nothing was deleted: who asked hears of it, and the audit as well. */
static void on_audited(void *arg, enum jt_err err)
{
    struct deleter *d = arg;
    jt_lane_link_ended(&d->lane, err, true);
    if (err == JT_OK) {
        jt_lane_end(&d->lane, JT_OK);
    } else {
        jt_lane_end_untrue(&d->lane, "delete: audit", err);
    }
}

static void give_up(struct jt_lane *lane, enum jt_err err)
{
    struct deleter *d = of(lane);
    jt_locate_settle_rest(lane, err);
    d->gave_up = true;
    d->n_audit = jt_lane_audit(lane, JT_AUDIT_DELETE);
    jt_lane_await_link(lane, d->n_audit);
}

static const struct jt_claim *claim_of(const struct jt_lane_entry *e)
{
    return jt_container_of(e->request, struct jt_delete_request, lane)->claim;
}

/* As in vault/tokenize.c: a claim is another's by now, and nothing was deleted. */
static void leave_claims(struct deleter *d)
{
    for (size_t i = 0; i < d->lane.n; i++) {
        struct jt_lane_entry *e = &d->lane.entries[i];
        if (!e->settled && claim_of(e) != NULL) {
            jt_locate_settle(e, JT_ERR_ONCE_LOST);
        }
    }
    if (jt_lane_open(&d->lane) > 0) {
        jt_lane_again(&d->lane);
    } else {
        jt_lane_end(&d->lane, JT_ERR_ONCE_LOST);
    }
}

static void on_deleted(void *arg, enum jt_err err, const struct jt_delete_result *result)
{
    struct deleter *d = arg;
    jt_lane_link_ended(&d->lane, err,
                       err == JT_OK && result->check.node_stands && result->all_there &&
                           result->check.epoch == d->locator.epoch);
    if (err == JT_ERR_RING_CONTRADICTED) {
        d->lane.ended = err;
        jt_lane_refresh(&d->lane);
    } else if (err == JT_ERR_ONCE_LOST) {
        leave_claims(d);
    } else if (err != JT_OK) {
        jt_lane_end_untrue(&d->lane, "delete", err);
    } else if (!result->check.node_stands) {
        jt_lane_end(&d->lane, JT_ERR_NODE_GONE);
    } else if (result->check.epoch != d->locator.epoch) {
        d->lane.ended = JT_ERR_RING_MOVED;
        jt_lane_refresh(&d->lane);
    } else if (!result->all_there) {
        d->lane.ended = JT_ERR_RING_MOVED;
        jt_lane_again(&d->lane);
    } else {
        for (size_t i = 0; i < d->n; i++) {
            jt_locate_settle(&d->lane.entries[d->doomed[i].entry], JT_OK);
        }
        jt_locate_settle_rest(&d->lane, JT_ERR_NO_TOKEN); /* an equal one was before them */
        jt_lane_end(&d->lane, JT_OK);
    }
}

/* By id, and of equal ones the first entry first. */
static int compare(const void *a, const void *b)
{
    const struct doomed *x = a, *y = b;
    if (x->card.id != y->card.id) {
        return x->card.id < y->card.id ? -1 : 1;
    }
    return (x->entry > y->entry) - (x->entry < y->entry);
}

static void sort_out(struct deleter *d)
{
    const struct jt_locator *l = &d->locator;
    for (size_t i = 0; i < l->n; i++) {
        d->doomed[i] =
            (struct doomed){ .card = { .id = l->rows[i].id, .key_id = l->rows[i].envelope[0] },
                             .entry = d->lane.sent[i] };
    }
    size_t n = l->n;
    for (size_t i = 0; i < l->n_lost; i++) {
        const struct jt_delete_item *item = item_of(&d->lane.entries[l->lost[i]]);
        d->doomed[n++] = (struct doomed){ .card = { .id = item->located.id }, .entry = l->lost[i] };
    }
    qsort(d->doomed, n, sizeof d->doomed[0], compare);
    d->n = d->n_cards = d->n_lost = 0;
    for (size_t i = 0; i < n; i++) {
        if (d->n == 0 || d->doomed[d->n - 1].card.id != d->doomed[i].card.id) {
            d->doomed[d->n++] = d->doomed[i];
        }
    }
    for (size_t i = 0; i < d->n; i++) {
        if (d->doomed[i].card.key_id == 0) {
            d->lost[d->n_lost++] = d->doomed[i].card.id;
        } else {
            d->cards[d->n_cards++] = d->doomed[i].card;
        }
    }
}

/* The ids of one request's cards are neighbours, as its entries are. */
static void make_audit_rows(struct deleter *d)
{
    bool wins[BATCH] = { false };
    for (size_t i = 0; i < d->n; i++) {
        wins[d->doomed[i].entry] = true;
    }
    size_t n_ids = 0;
    d->n_audit = jt_lane_audit(&d->lane, JT_AUDIT_DELETE);
    for (size_t i = 0; i < d->lane.n; i++) {
        const struct jt_lane_entry *e = &d->lane.entries[i];
        if (wins[i]) {
            struct jt_audit_row *row = &d->lane.audit[e->audit];
            row->ids = row->n_ids == 0 ? &d->ids[n_ids] : row->ids;
            row->n_ids++;
            row->n_done++;
            d->ids[n_ids++] = item_of(e)->located.id;
        }
    }
}

static void on_located(struct jt_lane *lane)
{
    struct deleter *d = of(lane);
    sort_out(d);
    make_audit_rows(d);
    jt_lane_await_link(lane, d->n_audit);
}

/* What is to be remembered, in the order of the entries: those of a request are neighbours. */
static size_t add_marks(struct deleter *d)
{
    bool wins[BATCH] = { false };
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        wins[d->doomed[i].entry] = true;
    }
    for (size_t i = 0; i < d->lane.n; i++) {
        const struct jt_lane_entry *e = &d->lane.entries[i];
        const struct jt_claim *claim = wins[i] ? claim_of(e) : NULL;
        if (claim != NULL) {
            d->marks[n++] = (struct jt_claim_mark){
                .claim = claim, .card = { .place = item_of(e)->place, .id = item_of(e)->located.id }
            };
        }
    }
    return n;
}

static void linked(struct jt_lane *lane, enum jt_err err)
{
    struct deleter *d = of(lane);
    const struct jt_delete_txn txn = { .epoch = d->locator.epoch,
                                       .writer = lane->writer,
                                       .cards = d->cards,
                                       .n = d->n_cards,
                                       .lost = d->lost,
                                       .n_lost = d->n_lost,
                                       .marks = d->marks,
                                       .n_marks = add_marks(d),
                                       .audit = jt_lane_linked(lane, d->n_audit) };
    if (err == JT_OK && d->gave_up) {
        err = jt_cards_audit(lane->pipe, &txn.audit, on_audited, d);
    } else if (err == JT_OK) {
        err = jt_cards_delete(lane->pipe, &txn, on_deleted, d);
    }
    if (err != JT_OK) {
        jt_lane_end(lane, err);
    }
}

static void locate_batch(struct jt_lane *lane)
{
    of(lane)->gave_up = false;
    of(lane)->locator.found = on_located;
    of(lane)->locator.takes_lost = true;
    jt_locate(&of(lane)->locator, lane);
}

/* Each item keeps how it was settled, unless the batch failed. */
static void end_item(void *arg, enum jt_err err)
{
    struct jt_delete_item *item = arg;
    if (err != JT_OK) {
        item->located.err = err;
    }
}

static void done(struct jt_lane_request *lane_request)
{
    struct jt_delete_request *request =
        jt_container_of(lane_request, struct jt_delete_request, lane);
    request->done(request);
}

const struct jt_lane_verb jt_verb_delete = {
    .name = "delete",
    .application = "jetond delete",
    .size = sizeof(struct deleter),
    .item_size = sizeof(struct jt_delete_item),
    .batch_max = BATCH,
    .waiting_max = JT_LANE_WAITING_MAX,
    .writes = true,
    .audits = true,
    .round = locate_batch,
    .give_up = give_up,
    .linked = linked,
    .end_item = end_item,
    .done = done,
};
_Static_assert(offsetof(struct deleter, lane) == 0, "a lane is allocated as its verb's struct");

bool jt_delete_submit(struct jt_lane *lane, struct jt_delete_request *request)
{
    request->lane = (struct jt_lane_request){ .client = request->client,
                                              .origin = request->origin,
                                              .field = request->field,
                                              .items = request->items,
                                              .n_items = request->n_items };
    return jt_lane_submit(lane, &request->lane);
}
