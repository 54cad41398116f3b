/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/held.h"

#include "base/container.h"
#include "base/secmem.h"
#include "store/cards.h"
#include "vault/held_use.h"

#include <stdlib.h>
#include <string.h>

#define BATCH JT_WIRE_MAX_HELD
_Static_assert(BATCH <= JT_LANE_BATCH_MAX, "a keeper call for a batch");

struct holder {
    struct jt_lane lane;
    enum jt_held_work work; /* under way */
    uint64_t epoch;         /* of the keeper's answers in this round; 0: none yet */
    struct jt_held_item ask[BATCH];
    uint64_t tags[BATCH]; /* for the audit rows */
    size_t n_audit;
    uint64_t audit_epoch; /* under which the audit rows are written */
};

static const struct {
    jt_keyclient_held_fn *ask;
    enum jt_audit_action action;
} works[JT_N_HELD_WORK] = {
    [JT_HELD_ENCRYPT] = { jt_keyclient_seal_held, JT_AUDIT_ENCRYPT },
    [JT_HELD_DECRYPT] = { jt_keyclient_open_held, JT_AUDIT_DECRYPT },
    [JT_HELD_REENCRYPT] = { jt_keyclient_reseal_held, JT_AUDIT_REENCRYPT },
};

static void next_work(struct holder *h);

static struct holder *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct holder, lane);
}

static struct jt_held_item_io *item_of(const struct jt_lane_entry *e)
{
    return e->item;
}

static const struct jt_held_request *request_of(const struct jt_lane_entry *e)
{
    return jt_container_of(e->request, struct jt_held_request, lane);
}

void jt_held_clear(struct jt_held_item_io *item)
{
    if (item->value != NULL) {
        jt_wipe(item->value, item->value_len);
    }
    free(item->value);
    free(item->envelope);
    item->value = item->envelope = NULL;
    item->value_len = item->envelope_len = 0;
}

static void settle(struct jt_lane_entry *e, enum jt_err err)
{
    item_of(e)->err = err;
    e->settled = true;
    if (err != JT_OK) {
        jt_held_clear(item_of(e));
    }
}

/* --- the last step: the audit --- */

/* The ring moved between the answers and the audit: nothing of it counts. */
static void start_over(struct holder *h)
{
    for (size_t i = 0; i < h->lane.n; i++) {
        jt_held_clear(item_of(&h->lane.entries[i]));
        h->lane.entries[i].settled = false;
    }
    h->lane.ended = JT_ERR_RING_MOVED;
    jt_lane_refresh(&h->lane);
}

static void note_use(struct holder *h)
{
    for (size_t i = 0; i < h->lane.n; i++) {
        const struct jt_lane_entry *e = &h->lane.entries[i];
        const struct jt_held_item_io *item = item_of(e);
        if (item->err == JT_OK) {
            bool seals = request_of(e)->work == JT_HELD_ENCRYPT;
            jt_held_use_note(&h->lane.vault->held_use, e->request->field, item->generation, seals,
                             !seals);
        }
    }
}

/* Where nothing is given out nothing has to be done again: the ring may not come to agree at all.
 */
static bool any_good(const struct holder *h)
{
    for (size_t i = 0; i < h->lane.n; i++) {
        if (item_of(&h->lane.entries[i])->err == JT_OK) {
            return true;
        }
    }
    return false;
}

static void on_audited(void *arg, enum jt_err err, const struct jt_delete_result *result)
{
    struct holder *h = arg;
    jt_lane_link_ended(&h->lane, err,
                       err == JT_OK && result->check.node_stands &&
                           result->check.epoch == h->audit_epoch);
    if (err != JT_OK) {
        jt_lane_end_untrue(&h->lane, "held ciphertext: audit", err);
    } else if (!result->check.node_stands) {
        jt_lane_end(&h->lane, JT_ERR_NODE_GONE);
    } else if (h->epoch != 0 && result->check.epoch != h->epoch && any_good(h)) {
        start_over(h);
    } else {
        note_use(h);
        jt_lane_end(&h->lane, JT_OK);
    }
}

/* The tags of one request's opened items are neighbours, as its entries are. */
static void audit_batch(struct holder *h)
{
    size_t n_opened = 0;
    h->n_audit = jt_lane_audit(&h->lane, JT_AUDIT_ENCRYPT);
    for (size_t i = 0; i < h->lane.n; i++) {
        const struct jt_lane_entry *e = &h->lane.entries[i];
        struct jt_audit_row *row = &h->lane.audit[e->audit];
        row->action = works[request_of(e)->work].action;
        if (item_of(e)->err != JT_OK) {
            continue;
        }
        row->n_done++;
        if (request_of(e)->work == JT_HELD_DECRYPT) {
            row->ids = row->n_ids == 0 ? &h->tags[n_opened] : row->ids;
            row->n_ids++;
            h->tags[n_opened++] = item_of(e)->tag;
        }
    }
    h->audit_epoch = h->epoch != 0 ? h->epoch : atomic_load(&h->lane.vault->ring_epoch);
    jt_lane_await_link(&h->lane, h->n_audit);
}

/* The ring rule and the audit of a deletion, without cards. */
static void linked(struct jt_lane *lane, enum jt_err err)
{
    struct holder *h = of(lane);
    const struct jt_delete_txn txn = { .epoch = h->audit_epoch,
                                       .writer = lane->writer,
                                       .audit = jt_lane_linked(lane, h->n_audit) };
    if (err == JT_OK) {
        err = jt_cards_delete(lane->pipe, &txn, on_audited, h);
    }
    if (err != JT_OK) {
        jt_lane_end(lane, err);
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

/* --- the keeper's part --- */

static bool copy(const uint8_t *from, uint16_t len, uint8_t **to, uint16_t *to_len)
{
    *to = len > 0 ? malloc(len) : NULL;
    if (*to != NULL) {
        memcpy(*to, from, len);
        *to_len = len;
    }
    return *to != NULL || len == 0;
}

static enum jt_err take_good(struct jt_held_item_io *item, const struct jt_held_result *r)
{
    item->generation = r->generation;
    item->stale = r->stale;
    item->tag = jt_get_u64(r->tag);
    bool good = copy(r->value.bytes, r->value.len, &item->value, &item->value_len) &&
                copy(r->envelope, r->envelope_len, &item->envelope, &item->envelope_len);
    return good ? JT_OK : JT_ERR_NOMEM;
}

static void take(struct holder *h, size_t i, const struct jt_held_result *r)
{
    struct jt_lane_entry *e = &h->lane.entries[h->lane.sent[i]];
    if (r->err == JT_OK) {
        settle(e, take_good(item_of(e), r));
    } else if (r->err == JT_ERR_RING_MOVED && h->lane.rounds > 1) {
        settle(e, JT_ERR_NOT_OPENED); /* the keeper has heard of all generations since */
    } else if (jt_err_class(r->err) != JT_CLASS_REFRESH) {
        settle(e, r->err == JT_ERR_DECRYPT ? JT_ERR_NOT_OPENED : r->err);
    }
}

static void on_answered(void *arg, enum jt_err err, const struct jt_held_reply *reply)
{
    struct holder *h = arg;
    if (jt_err_class(err) == JT_CLASS_REFRESH || (err == JT_ERR_NO_ACTIVE && h->lane.rounds == 1)) {
        jt_lane_refresh(&h->lane);
        return;
    }
    if (err == JT_ERR_NO_ACTIVE) {
        for (size_t i = 0; i < h->lane.n; i++) {
            struct jt_lane_entry *e = &h->lane.entries[i];
            if (!e->settled && request_of(e)->work == h->work) {
                settle(e, err);
            }
        }
    } else if (err != JT_OK) {
        jt_lane_end(&h->lane, err);
        return;
    } else if (h->epoch != 0 && reply->epoch != h->epoch) {
        start_over(h);
        return;
    } else {
        h->epoch = reply->epoch;
        for (size_t i = 0; i < reply->n; i++) {
            take(h, i, &reply->results[i]);
        }
    }
    h->work++;
    next_work(h);
}

/* Fills `sent` and `ask` with the open items of the work under way; how many. */
static size_t gather(struct holder *h)
{
    size_t n = 0;
    for (size_t i = 0; i < h->lane.n; i++) {
        const struct jt_lane_entry *e = &h->lane.entries[i];
        if (e->settled || request_of(e)->work != h->work) {
            continue;
        }
        const struct jt_held_item_io *item = item_of(e);
        bool seals = h->work == JT_HELD_ENCRYPT;
        h->ask[n] = (struct jt_held_item){
            .field = e->request->field,
            .row_id = item->row_id,
            .row_id_len = item->row_id_len,
            .value = { .kind = seals ? request_of(e)->kind : 0,
                       .bytes = item->in,
                       .len = item->in_len },
        };
        h->lane.sent[n++] = (uint32_t)i;
    }
    return n;
}

static void next_work(struct holder *h)
{
    size_t n = 0;
    for (; h->work < JT_N_HELD_WORK && n == 0; h->work += n == 0) {
        n = gather(h);
    }
    if (n > 0) {
        works[h->work].ask(h->lane.keeper, h->ask, n, on_answered, h);
    } else if (jt_lane_open(&h->lane) > 0) {
        jt_lane_refresh(&h->lane);
    } else {
        audit_batch(h);
    }
}

static void round_of(struct jt_lane *lane)
{
    struct holder *h = of(lane);
    h->work = JT_HELD_ENCRYPT;
    if (lane->rounds == 1 || jt_lane_open(lane) == lane->n) {
        h->epoch = 0;
    }
    next_work(h);
}

/* Each item keeps how it was settled, unless the batch failed. */
static void end_item(void *arg, enum jt_err err)
{
    struct jt_held_item_io *item = arg;
    if (err != JT_OK) {
        jt_held_clear(item);
        item->err = err;
    }
}

static void done(struct jt_lane_request *lane_request)
{
    struct jt_held_request *request = jt_container_of(lane_request, struct jt_held_request, lane);
    request->done(request);
}

const struct jt_lane_verb jt_verb_held = {
    .name = "held ciphertext",
    .application = "jetond held",
    .size = sizeof(struct holder),
    .item_size = sizeof(struct jt_held_item_io),
    .batch_max = BATCH,
    .waiting_max = JT_LANE_WAITING_MAX,
    .audits = true,
    .round = round_of,
    .give_up = give_up,
    .linked = linked,
    .end_item = end_item,
    .done = done,
};
_Static_assert(offsetof(struct holder, lane) == 0, "a lane is allocated as its verb's struct");

bool jt_held_submit(struct jt_lane *lane, struct jt_held_request *request)
{
    request->lane = (struct jt_lane_request){ .client = request->client,
                                              .origin = request->origin,
                                              .field = request->field,
                                              .items = request->items,
                                              .n_items = request->n_items };
    return jt_lane_submit(lane, &request->lane);
}
