/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NODE_JOIN: the front and its keeper take their place among the nodes. The keeper does not believe
 * what it is told about the newest ids: a row counts only if its envelope opens, which nobody but a
 * keeper can bring about. So whoever writes to the database can neither push a keeper's ids far
 * ahead nor, as long as the newest rows are there, make it begin too low.
 */
#include "keeper/op.h"

#include "keeper/walk.h"
#include "wire/node.h"

/* How far the newest id may be ahead of the clock: keepers' clocks differ, but not by more. */
#define AHEAD_MAX_MS (UINT64_C(3600) * 1000)

/* What the newest rows have shown. */
struct seen {
    uint64_t newest_ms;
    bool present[256]; /* by key id */
    bool opened[256];
};

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    const struct jt_open_item *item = &k->batch->items.open[at];
    return jt_walk_stored(k, item->field, item->envelope, item->envelope_len, JT_ERR_DECRYPT,
                          group);
}

static enum jt_err open_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                              size_t n)
{
    struct seen *seen = arg;
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        const struct jt_open_item *item = &b->items.open[b->cards[i].at];
        jt_walk_take(b, i, item->id, item->fingerprint, item->envelope, item->envelope_len);
        b->cards[i].digits = &item->digits;
    }
    enum jt_err err = jt_walk_open(k, group, n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        if (b->siv[i].err == JT_OK) {
            uint64_t ms = jt_idmint_ms_of(b->items.open[b->cards[i].at].id);
            seen->opened[group->key_id] = true;
            seen->newest_ms = ms > seen->newest_ms ? ms : seen->newest_ms;
        }
    }
    return err;
}

/* Notes which key ids are there: all must be live ones. */
static enum jt_err list_key_ids(const struct jt_keeper *k, const struct jt_node_join *join,
                                struct seen *seen)
{
    for (size_t i = 0; i < join->n; i++) {
        if (join->newest[i].envelope_len == 0) {
            return JT_ERR_ROWS_PLANTED;
        }
        uint8_t key_id = join->newest[i].envelope[0];
        if (k->live[key_id] == NULL) {
            return JT_ERR_RING_MOVED;
        }
        seen->present[key_id] = true;
    }
    return JT_OK;
}

static enum jt_err look_at_newest(struct jt_keeper *k, const struct jt_node_join *join,
                                  struct seen *seen)
{
    const struct jt_walk walk = { .sort = sort_item, .work = open_group, .arg = seen };
    enum jt_err err = list_key_ids(k, join, seen);
    if (err == JT_OK) {
        err = jt_walk(k, &walk, join->n);
    }
    for (size_t id = 0; id < 256 && err == JT_OK; id++) {
        if (seen->present[id] && !seen->opened[id]) {
            err = JT_ERR_ROWS_PLANTED; /* whoever overwrote them may have hidden newer ones */
        }
    }
    bool ahead =
        seen->newest_ms > k->state.id_mark && seen->newest_ms > jt_keeper_now_ms() + AHEAD_MAX_MS;
    return err == JT_OK && ahead && !join->accept_ahead ? JT_ERR_IDS_AHEAD : err;
}

enum jt_err jt_op_node_join(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_node_join join;
    struct seen seen = { 0 };
    enum jt_err err = jt_node_join_decode(in, k->batch->items.open, &join);
    if (err != JT_OK) {
        return err;
    }
    if (!jt_node_name_valid(join.spec.name) || join.spec.number == 0) {
        return JT_ERR_INVALID;
    }
    bool changed = k->state.node != 0 && k->state.node != join.spec.number;
    if (changed && !join.renumbered) {
        return JT_ERR_NODE_CHANGED;
    }
    err = look_at_newest(k, &join, &seen);
    jt_batch_wipe(k->batch, join.n);
    struct jt_node_joined joined = { .newest_ms = seen.newest_ms };
    if (err == JT_OK) {
        err = jt_keeper_join(k, &join.spec, seen.newest_ms);
    }
    if (err == JT_OK) {
        err = jt_keeper_node_row(k, &joined.row);
    }
    if (err == JT_OK) {
        jt_node_joined_encode(&joined, out);
    }
    return err;
}
