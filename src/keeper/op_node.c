/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NODE_JOIN: the front and its keeper take their place among the nodes. The keeper does not believe
 * what it is told about the newest ids: a row counts only if its envelope opens, which nobody but a
 * keeper can bring about. So whoever writes to the database can neither push a keeper's ids far
 * ahead nor, as long as the newest rows are there, make it begin too low.
 */
#include "keeper/op.h"

#include "keeper/rowmac.h"
#include "wire/node.h"

/* How far the newest id may be ahead of the clock: keepers' clocks differ, but not by more. */
#define AHEAD_MAX_MS (UINT64_C(3600) * 1000)

/* What the newest rows have shown. */
struct seen {
    uint64_t newest_ms;
    bool present[256]; /* by key id */
    bool opened[256];
};

static enum jt_err open_group(struct jt_keeper *k, uint8_t key_id, uint32_t field, size_t n,
                              struct seen *seen)
{
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        struct jt_batch_card *c = &b->cards[i];
        const struct jt_open_item *item = &b->items.open[c->at];
        jt_batch_set_id(b, c->at, item->id);
        c->fingerprint = item->fingerprint;
        b->siv[i] = (struct jt_siv_record){ .in = item->envelope, .in_len = item->envelope_len };
    }
    struct jt_fieldkey *fk;
    enum jt_err err = jt_keyring_fieldkey(k->keyring, k->live[key_id]->number, field, &fk);
    if (err == JT_OK) {
        err = jt_batch_open(b, fk, n);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        if (b->siv[i].err == JT_OK) {
            uint64_t ms = jt_idmint_ms_of(b->items.open[b->cards[i].at].id);
            seen->opened[key_id] = true;
            seen->newest_ms = ms > seen->newest_ms ? ms : seen->newest_ms;
        }
    }
    return err;
}

static enum jt_err open_all(struct jt_keeper *k, size_t n_items, struct seen *seen)
{
    struct jt_batch *b = k->batch;
    enum jt_err err = JT_OK;
    for (size_t first = 0; first < n_items && err == JT_OK; first += JT_BATCH_CHUNK) {
        size_t n_chunk = jt_batch_chunk(b, first, n_items);
        for (size_t i = 0; i < n_chunk; i++) {
            const struct jt_open_item *item = &b->items.open[first + i];
            if (jt_batch_envelope_len_good(item->envelope_len) &&
                jt_fieldtable_find(&k->fields, item->field) != NULL) {
                jt_batch_group(b, i, item->envelope[0], item->field);
            }
        }
        uint8_t key_id;
        uint32_t field;
        for (size_t n = jt_batch_next_group(b, &key_id, &field); n > 0 && err == JT_OK;
             n = jt_batch_next_group(b, &key_id, &field)) {
            err = open_group(k, key_id, field, n, seen);
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
    enum jt_err err = list_key_ids(k, join, seen);
    if (err == JT_OK) {
        err = open_all(k, join->n, seen);
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
    if (k->state.node != 0 && k->state.node != join.spec.number) {
        return JT_ERR_NODE_CHANGED;
    }
    err = look_at_newest(k, &join, &seen);
    jt_batch_wipe(k->batch, join.n);
    struct jt_node_joined joined = { .row = { .spec = join.spec, .mac_epoch = k->ring.epoch },
                                     .newest_ms = seen.newest_ms };
    if (err == JT_OK) {
        err = jt_rowmac_node(k->root, &joined.row, joined.row.mac);
    }
    if (err == JT_OK) {
        err = jt_keeper_join(k, join.spec.number, seen.newest_ms);
    }
    if (err == JT_OK) {
        jt_node_joined_encode(&joined, out);
    }
    return err;
}
