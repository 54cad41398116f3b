/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NODE_JOIN: the front and its keeper take their place among the nodes. The keeper does not believe
 * what it is told about the newest ids: a row counts only if its envelope opens, which nobody but a
 * keeper can bring about. So whoever writes to the database can neither push a keeper's ids far
 * ahead nor, as long as the newest rows are there, make it begin too low.
 *
 * Ids of other node numbers cannot collide with this keeper's. They are followed as long as they
 * are near the clock, which keeps ids in the order in which cards came; but one node whose clock is
 * wrong neither drags the others along nor keeps them from joining. What its own number has minted
 * a keeper must follow wherever it leads.
 */
#include "keeper/op.h"

#include "base/log.h"
#include "keeper/course.h"
#include "keeper/nodemarks.h"
#include "keeper/walk.h"
#include "model/card_id.h"
#include "wire/node.h"

#include <inttypes.h>

/* How far the newest id may be ahead of the clock: keepers' clocks differ, but not by more. */
#define AHEAD_MAX_MS (UINT64_C(3600) * 1000)

/* What the newest rows have shown. */
struct seen {
    uint8_t number;     /* that the keeper joins under */
    uint64_t limit_ms;  /* ids of other numbers beyond it are not followed */
    uint64_t newest_ms; /* of those that are */
    uint64_t own_ms;    /* the newest of its number */
    bool others_ahead;  /* some were not followed */
    bool present[256];  /* by key id */
    bool opened[256];
};

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    const struct jt_open_item *item = &k->batch->items.open[at];
    return jt_walk_stored(k, item->field, item->envelope, item->envelope_len, JT_ERR_DECRYPT,
                          group);
}

static void note_id(struct seen *seen, uint64_t id)
{
    uint64_t ms = jt_idmint_ms_of(id);
    bool own = jt_card_id_node(id) == seen->number;
    if (!own && ms > seen->limit_ms) {
        seen->others_ahead = true;
        return;
    }
    seen->own_ms = own && ms > seen->own_ms ? ms : seen->own_ms;
    seen->newest_ms = ms > seen->newest_ms ? ms : seen->newest_ms;
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
            note_id(seen, b->items.open[b->cards[i].at].id);
            seen->opened[group->key_id] = true;
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

/*
 * Whoever overwrote the newest rows of the active generation may have hidden newer ones. Of one
 * that drains nothing else may be left at the end than rows that nobody can open: new cards do not
 * come under it, and no node would ever start again beside them.
 */
static enum jt_err none_opens(const struct jt_ring_entry *entry)
{
    if (entry->state != JT_GENERATION_DRAINING) {
        return JT_ERR_ROWS_PLANTED;
    }
    jt_log(JT_LOG_WARNING,
           "generation %" PRIu64 ": none of the newest cards that are left under it opens, and "
           "their ids are not believed (jeton keys stuck)",
           entry->number);
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
            err = none_opens(k->live[id]);
        }
    }
    if (err == JT_OK && seen->others_ahead) {
        jt_log(JT_LOG_WARNING, "ids of another node lie more than an hour ahead of this keeper's "
                               "clock: one of the two clocks is wrong; they are not followed");
    }
    /* what is known of the number was minted, as its keeper's word says */
    bool news = seen->own_ms > k->state.id_mark &&
                seen->own_ms > jt_nodemarks_known(&k->state, join->spec.number);
    bool ahead = news && seen->own_ms > seen->limit_ms;
    return err == JT_OK && ahead && !join->accept_ahead ? JT_ERR_IDS_AHEAD : err;
}

enum jt_err jt_op_node_join(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_node_join join;
    struct seen seen = { 0 };
    enum jt_err err = jt_node_join_decode(in, k->batch->items.open, &join);
    if (err == JT_OK) {
        err = jt_course_standing(k);
    }
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
    seen.number = join.spec.number;
    seen.limit_ms = jt_keeper_now_ms() + AHEAD_MAX_MS;
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
