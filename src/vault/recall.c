/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/recall.h"

#include "base/container.h"
#include "base/secmem.h"

#include <string.h>

#define BATCH JT_LANE_BATCH_MAX

/* An entry is settled when it is known how it ends; it ends with the batch, behind the audit. */
struct recaller {
    struct jt_lane lane;
    struct jt_locator locator;
    struct jt_match_item match[BATCH];
    uint64_t ids[BATCH]; /* for the audit rows */
    size_t n_audit;
};

static struct recaller *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct recaller, lane);
}

static struct jt_recall_item *item_of(const struct jt_lane_entry *e)
{
    return e->item;
}

static struct jt_value value_of(const struct jt_lane_entry *e)
{
    const struct jt_recall_item *item = item_of(e);
    return (struct jt_value){ .kind =
                                  jt_container_of(e->request, struct jt_recall_request, lane)->kind,
                              .bytes = item->pan.packed,
                              .len = item->pan.packed_len };
}

/* --- the audit --- */

static void on_audited(void *arg, enum jt_err err)
{
    struct recaller *r = arg;
    jt_lane_link_ended(&r->lane, err, true);
    if (err == JT_OK) {
        jt_lane_end(&r->lane, JT_OK);
    } else {
        jt_lane_end_untrue(&r->lane, "tokenize again: audit", err);
    }
}

static void audit_batch(struct recaller *r)
{
    size_t n_found = 0;
    r->n_audit = jt_lane_audit(&r->lane, JT_AUDIT_TOKENIZE);
    for (size_t i = 0; i < r->lane.n; i++) {
        const struct jt_lane_entry *e = &r->lane.entries[i];
        if (item_of(e)->located.err == JT_OK) {
            struct jt_audit_row *row = &r->lane.audit[e->audit];
            row->ids = row->n_ids == 0 ? &r->ids[n_found] : row->ids;
            row->n_ids++;
            row->n_done++;
            r->ids[n_found++] = item_of(e)->located.id;
        }
    }
    jt_lane_await_link(&r->lane, r->n_audit);
}

static void linked(struct jt_lane *lane, enum jt_err err)
{
    struct recaller *r = of(lane);
    if (err == JT_OK) {
        const struct jt_audit audit = jt_lane_linked(lane, r->n_audit);
        err = jt_cards_audit(lane->pipe, &audit, on_audited, r);
    }
    if (err != JT_OK) {
        jt_lane_end(lane, err);
    }
}

static void give_up(struct jt_lane *lane, enum jt_err err)
{
    jt_locate_settle_rest(lane, err);
    audit_batch(of(lane));
}

/* The end of a round: items whose ring had moved have another. */
static void finish(struct recaller *r)
{
    if (jt_lane_open(&r->lane) > 0) {
        jt_lane_refresh(&r->lane);
    } else {
        audit_batch(r);
    }
}

/* --- matching, behind the steps of vault/locate.c --- */

static void on_matched(void *arg, enum jt_err err, const struct jt_match_reply *reply)
{
    struct recaller *r = arg;
    if (err != JT_OK) {
        jt_lane_end(&r->lane, err);
        return;
    }
    size_t n_bad = 0;
    for (size_t i = 0; i < reply->n; i++) {
        struct jt_lane_entry *e = &r->lane.entries[r->lane.sent[i]];
        const struct jt_match_result *result = &reply->results[i];
        if (jt_err_class(result->err) == JT_CLASS_REFRESH) {
            continue;
        }
        if (result->err == JT_OK) {
            memcpy(item_of(e)->located.token, result->token, JT_TOKEN_LEN);
        }
        n_bad += result->err != JT_OK;
        jt_locate_settle(e, result->err == JT_OK ? JT_OK : JT_ERR_DECRYPT);
    }
    jt_lane_alarm(&r->lane, n_bad,
                  "remembered rows are not those of the request: the database was tampered with");
    finish(r);
}

static void on_located(struct jt_lane *lane)
{
    struct recaller *r = of(lane);
    const struct jt_locator *l = &r->locator;
    for (size_t i = 0; i < l->n; i++) {
        const struct jt_lane_entry *e = &lane->entries[lane->sent[i]];
        const struct jt_card_row *row = &l->rows[i];
        r->match[i] = (struct jt_match_item){ .field = e->request->field,
                                              .id = row->id,
                                              .fingerprint = row->fingerprint,
                                              .value = value_of(e),
                                              .envelope = row->envelope,
                                              .envelope_len = row->envelope_len,
                                              .digits = row->digits };
    }
    if (l->n > 0) {
        jt_keyclient_match(lane->keeper, r->match, l->n, on_matched, r);
    } else {
        finish(r);
    }
}

static void begin(struct jt_lane *lane)
{
    of(lane)->locator.found = on_located;
    jt_locate_ids(&of(lane)->locator, lane);
}

/* Each item keeps how it was settled, unless the batch failed. */
static void end_item(void *arg, enum jt_err err)
{
    struct jt_recall_item *item = arg;
    if (err != JT_OK) {
        item->located.err = err;
    }
}

static void done(struct jt_lane_request *lane_request)
{
    struct jt_recall_request *request =
        jt_container_of(lane_request, struct jt_recall_request, lane);
    for (size_t i = 0; i < request->n_items; i++) {
        jt_wipe(&request->items[i].pan, sizeof request->items[i].pan);
    }
    request->done(request);
}

const struct jt_lane_verb jt_verb_recall = {
    .name = "tokenize again",
    .application = "jetond tokenize again",
    .size = sizeof(struct recaller),
    .item_size = sizeof(struct jt_recall_item),
    .batch_max = BATCH,
    .waiting_max = JT_LANE_WAITING_MAX,
    .audits = true,
    .round = begin,
    .give_up = give_up,
    .linked = linked,
    .end_item = end_item,
    .done = done,
};
_Static_assert(offsetof(struct recaller, lane) == 0, "a lane is allocated as its verb's struct");

bool jt_recall_submit(struct jt_lane *lane, struct jt_recall_request *request)
{
    request->lane = (struct jt_lane_request){ .client = request->client,
                                              .origin = request->origin,
                                              .field = request->field,
                                              .items = request->items,
                                              .n_items = request->n_items };
    return jt_lane_submit(lane, &request->lane);
}
