/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/detokenize.h"

#include "base/container.h"
#include "base/notice.h"
#include "base/secmem.h"
#include "store/cards.h"
#include "vault/marked.h"
#include "vault/reencrypt.h"

#include <string.h>

#define BATCH JT_LANE_BATCH_MAX

/*
 * An entry is settled when it was read and opened or has failed for good: another round leaves it
 * alone, and it ends with the batch, behind the audit.
 */
struct detokenizer {
    struct jt_lane lane;
    struct jt_lane *reencrypt;
    struct jt_locator locator;
    /* what is being opened: element i is that of the row opened[i] */
    struct jt_open_item open[BATCH];
    uint32_t opened[BATCH];
    size_t n_refused;        /* rows that do not open */
    uint64_t granted[BATCH]; /* ids for the audit rows */
    size_t n_audit;
    bool guessed; /* the audit rows and their link were made as if all would open, and all did */
};

static struct detokenizer *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct detokenizer, lane);
}

static struct jt_detokenize_item *item_of(const struct jt_lane_entry *e)
{
    return e->item;
}

static bool is_masked(const struct jt_lane_entry *e)
{
    return jt_container_of(e->request, struct jt_detokenize_request, lane)->masked;
}

/* --- the last step: the audit --- */

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
        struct jt_audit_row *row = &d->lane.audit[e->audit];
        row->action = is_masked(e) ? JT_AUDIT_READ_MASKED : JT_AUDIT_DETOKENIZE;
        if (e->settled ? item_of(e)->located.err != JT_OK : !opening) {
            continue;
        }
        row->ids = row->n_ids == 0 ? &d->granted[n_granted] : row->ids;
        row->n_ids++;
        row->n_done++;
        d->granted[n_granted++] = item_of(e)->located.id;
    }
}

static void linked(struct jt_lane *lane, enum jt_err err);

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

/* The end of a round: items whose row had moved on have another. */
static void finish(struct detokenizer *d)
{
    if (jt_lane_open(&d->lane) > 0) {
        jt_lane_refresh(&d->lane);
    } else {
        audit_batch(d);
    }
}

/*
 * What no refresh makes readable ends here, to be asked for again by its clients: it must not hold
 * up or fail its neighbours.
 */
static void give_up(struct jt_lane *lane, enum jt_err err)
{
    jt_locate_settle_rest(lane, err);
    audit_batch(of(lane));
}

/* --- opening: first what is given in the clear, then what is masked --- */

static struct jt_notice held_back = { .what = "cards were not given out" };

/* Takes what became of element i; false: its row has moved on and is to be read again. */
static bool take(struct detokenizer *d, size_t i, enum jt_err err, bool draining)
{
    const struct jt_locator *l = &d->locator;
    struct jt_lane_entry *e = &d->lane.entries[d->lane.sent[d->opened[i]]];
    d->guessed = d->guessed && err == JT_OK;
    if (jt_err_class(err) == JT_CLASS_REFRESH) {
        return false;
    }
    if (err == JT_ERR_OPEN_RATE || err == JT_ERR_OPEN_QUOTA) {
        jt_notice(&held_back, jt_err_str(err));
    } else if (err != JT_OK) {
        d->n_refused++;
        err = JT_ERR_DECRYPT;
    }
    jt_locate_settle(e, err);
    if (err == JT_OK && draining) {
        jt_reencrypt_offer(d->reencrypt, &l->rows[d->opened[i]]);
    }
    return true;
}

static struct jt_detokenize_item *opened_item(struct detokenizer *d, size_t i)
{
    return item_of(&d->lane.entries[d->lane.sent[d->opened[i]]]);
}

/* Makes the items of OPEN or OPEN_MASKED; how many. */
static size_t gather(struct detokenizer *d, bool masked)
{
    size_t n = 0;
    for (size_t i = 0; i < d->locator.n; i++) {
        const struct jt_card_row *row = &d->locator.rows[i];
        if (is_masked(&d->lane.entries[d->lane.sent[i]]) != masked) {
            continue;
        }
        d->open[n] = (struct jt_open_item){ .field = row->field,
                                            .id = row->id,
                                            .fingerprint = row->fingerprint,
                                            .envelope = row->envelope,
                                            .envelope_len = row->envelope_len,
                                            .digits = row->digits };
        d->opened[n++] = (uint32_t)i;
    }
    return n;
}

/* A marked card was given out like any other; the alarm is somebody else's to raise. */
static void note_honey(struct detokenizer *d, size_t i, bool masked)
{
    const struct jt_lane_entry *e = &d->lane.entries[d->lane.sent[d->opened[i]]];
    jt_marked_opened(d->lane.vault->marked, e->request->client, e->request->origin,
                     e->request->field, masked);
}

static void tell_refused(struct detokenizer *d)
{
    jt_lane_alarm(&d->lane, d->n_refused, "rows do not open: they were altered");
    d->n_refused = 0;
}

static void on_masked(void *arg, enum jt_err err, const struct jt_open_masked_reply *reply)
{
    struct detokenizer *d = arg;
    if (err != JT_OK) {
        jt_lane_end(&d->lane, err);
        return;
    }
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_open_masked_result *r = &reply->results[i];
        if (take(d, i, r->err, r->draining) && r->err == JT_OK) {
            struct jt_detokenize_item *item = opened_item(d, i);
            memcpy(item->pan, r->masked, r->len);
            item->pan[r->len] = '\0';
            item->generation = r->generation;
            item->expires_us = d->locator.rows[d->opened[i]].expires_us;
            if (r->honey) {
                note_honey(d, i, true);
            }
        }
    }
    tell_refused(d);
    finish(d);
}

static void open_masked(struct detokenizer *d)
{
    size_t n = gather(d, true);
    if (n > 0) {
        jt_keyclient_open_masked(d->lane.keeper, d->open, n, on_masked, d);
    } else {
        finish(d);
    }
}

static void on_opened(void *arg, enum jt_err err, const struct jt_open_reply *reply)
{
    struct detokenizer *d = arg;
    if (err != JT_OK) {
        jt_lane_end(&d->lane, err);
        return;
    }
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_open_result *r = &reply->results[i];
        enum jt_err became = r->err;
        if (became == JT_OK) {
            became = jt_pan_unpack(r->value.bytes, r->value.len, opened_item(d, i)->pan);
        }
        (void)take(d, i, became, r->draining);
        if (became == JT_OK && r->honey) {
            note_honey(d, i, false);
        }
    }
    tell_refused(d);
    open_masked(d);
}

static void on_located(struct jt_lane *lane)
{
    struct detokenizer *d = of(lane);
    size_t n = gather(d, false);
    /* All will open, as a rule: the link for that is there when they have. */
    make_audit_rows(d, true);
    d->guessed = true;
    jt_lane_ask_link(lane, d->n_audit);
    if (n > 0) {
        jt_keyclient_open_items(lane->keeper, d->open, n, on_opened, d);
    } else {
        open_masked(d);
    }
}

static void locate_batch(struct jt_lane *lane)
{
    of(lane)->locator.found = on_located;
    of(lane)->guessed = false;
    jt_locate(&of(lane)->locator, lane);
}

/* Each item keeps how it was settled, unless the batch failed. */
static void end_item(void *arg, enum jt_err err)
{
    struct jt_detokenize_item *item = arg;
    if (err != JT_OK) {
        jt_wipe(item->pan, sizeof item->pan);
        item->located.err = err;
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
    .waiting_max = JT_LANE_WAITING_MAX,
    .audits = true,
    .round = locate_batch,
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

static bool wanted(const struct jt_lane_request *lane_request)
{
    const struct jt_detokenize_request *request =
        jt_container_of(lane_request, struct jt_detokenize_request, lane);
    return request->wanted(request->arg);
}

bool jt_detokenize_submit(struct jt_lane *lane, struct jt_detokenize_request *request)
{
    request->lane = (struct jt_lane_request){ .client = request->client,
                                              .origin = request->origin,
                                              .field = request->field,
                                              .items = request->items,
                                              .n_items = request->n_items,
                                              .wanted = request->wanted == NULL ? NULL : wanted };
    return jt_lane_submit(lane, &request->lane);
}
