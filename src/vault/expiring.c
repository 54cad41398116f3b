/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/expiring.h"

#include <stdlib.h>

void jt_expiring_begin(struct jt_expiring *x, struct jt_lane *lane, uint64_t epoch)
{
    x->lane = lane;
    x->epoch = epoch;
    x->n_longer = x->n_gone = 0;
}

void jt_expiring_lengthen(struct jt_expiring *x, uint32_t entry, const struct jt_card_longer *card)
{
    x->longer[x->n_longer++] = (struct jt_expiring_row){ .card = *card, .entry = entry };
}

void jt_expiring_remove(struct jt_expiring *x, uint32_t entry, const struct jt_card_doomed *card)
{
    x->gone[x->n_gone++] =
        (struct jt_expiring_row){ .card = { .id = card->id, .key_id = card->key_id },
                                  .entry = entry };
}

/* By id, and of equal ones the first entry first. */
static int compare(const void *a, const void *b)
{
    const struct jt_expiring_row *x = a, *y = b;
    if (x->card.id != y->card.id) {
        return x->card.id < y->card.id ? -1 : 1;
    }
    return (x->entry > y->entry) - (x->entry < y->entry);
}

/* Whether row i is of another card than the one before it. */
static bool is_first(const struct jt_expiring_row *rows, size_t i)
{
    return i == 0 || rows[i - 1].card.id != rows[i].card.id;
}

/* How a transaction ended that did not do what it should; true: it did. */
static bool carried_out(struct jt_expiring *x, const char *act, enum jt_err err,
                        const struct jt_ring_check *check)
{
    if (err == JT_ERR_RING_CONTRADICTED) {
        x->lane->ended = err;
        jt_lane_refresh(x->lane);
    } else if (err != JT_OK) {
        jt_lane_end_untrue(x->lane, act, err);
    } else if (!check->node_stands) {
        jt_lane_end(x->lane, JT_ERR_NODE_GONE);
    } else if (check->epoch != x->epoch) {
        x->lane->ended = JT_ERR_RING_MOVED;
        jt_lane_refresh(x->lane);
    } else {
        return true;
    }
    return false;
}

/* Items that are left have another round; none of them is one that cannot be stored. */
static void end_round(struct jt_expiring *x)
{
    if (x->n_longer > 0 || x->n_gone > 0) {
        x->lane->ended = JT_ERR_RING_MOVED;
    }
    jt_lane_again(x->lane);
}

/* --- second: rows whose time is over --- */

static void on_removed(void *arg, enum jt_err err, const struct jt_delete_result *result)
{
    struct jt_expiring *x = arg;
    jt_lane_link_ended(x->lane, err,
                       err == JT_OK && result->check.node_stands && result->all_there &&
                           result->check.epoch == x->epoch);
    if (carried_out(x, "tokenize: remove", err, err == JT_OK ? &result->check : NULL)) {
        jt_count(&x->lane->vault->counters.purged_cards, result->n_deleted);
        end_round(x);
    }
}

/*
 * A row for each request that has one of the cards, which are ascending by id: those of a request
 * need not be neighbours, so they are gathered by entries.
 */
static void make_audit_rows(struct jt_expiring *x)
{
    uint64_t of_entry[JT_LANE_BATCH_MAX] = { 0 };
    const struct jt_lane_request *previous = NULL;
    size_t n_ids = 0;
    for (size_t i = 0; i < x->n_gone; i++) {
        if (is_first(x->gone, i)) {
            of_entry[x->gone[i].entry] = x->gone[i].card.id;
        }
    }
    x->n_audit = 0;
    for (size_t i = 0; i < x->lane->n; i++) {
        const struct jt_lane_entry *e = &x->lane->entries[i];
        if (of_entry[i] == 0) {
            continue;
        }
        if (e->request != previous) {
            x->lane->audit[x->n_audit++] = (struct jt_audit_row){ .action = JT_AUDIT_PURGE,
                                                                  .client = e->request->client,
                                                                  .field = e->request->field,
                                                                  .ids = &x->ids[n_ids],
                                                                  .object = "",
                                                                  .origin = e->request->origin };
            previous = e->request;
        }
        struct jt_audit_row *row = &x->lane->audit[x->n_audit - 1];
        row->n_ids++;
        row->n_items++;
        row->n_done++;
        x->ids[n_ids++] = of_entry[i];
    }
}

static void remove_rows(struct jt_expiring *x)
{
    if (x->n_gone == 0) {
        end_round(x);
        return;
    }
    qsort(x->gone, x->n_gone, sizeof x->gone[0], compare);
    x->n = 0;
    for (size_t i = 0; i < x->n_gone; i++) {
        if (is_first(x->gone, i)) {
            x->removed[x->n++] = (struct jt_card_doomed){ .id = x->gone[i].card.id,
                                                          .key_id = x->gone[i].card.key_id };
        }
    }
    make_audit_rows(x);
    jt_lane_await_link(x->lane, x->n_audit);
}

void jt_expiring_linked(struct jt_expiring *x, enum jt_err err)
{
    const struct jt_delete_txn txn = { .expired = true,
                                       .epoch = x->epoch,
                                       .writer = x->lane->writer,
                                       .cards = x->removed,
                                       .n = x->n,
                                       .audit = jt_lane_linked(x->lane, x->n_audit) };
    if (err == JT_OK) {
        err = jt_cards_delete(x->lane->pipe, &txn, on_removed, x);
    }
    if (err != JT_OK) {
        jt_lane_end(x->lane, err);
    }
}

/* --- first: rows that shall live longer --- */

static void on_lengthened(void *arg, enum jt_err err, const struct jt_lengthen_result *result)
{
    struct jt_expiring *x = arg;
    if (!carried_out(x, "tokenize: lengthen", err, err == JT_OK ? &result->check : NULL)) {
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < x->n_longer; i++) {
        n += is_first(x->longer, i);
        if (result->lives[n - 1]) {
            jt_lane_end_item(x->lane, &x->lane->entries[x->longer[i].entry], JT_OK);
        }
    }
    remove_rows(x);
}

void jt_expiring_settle(struct jt_expiring *x)
{
    if (x->n_longer == 0) {
        remove_rows(x);
        return;
    }
    qsort(x->longer, x->n_longer, sizeof x->longer[0], compare);
    x->n = 0;
    for (size_t i = 0; i < x->n_longer; i++) {
        if (is_first(x->longer, i)) {
            x->lengthened[x->n++] = x->longer[i].card;
        } else {
            struct jt_card_longer *card = &x->lengthened[x->n - 1];
            card->expires_us = jt_lifetime_later(card->expires_us, x->longer[i].card.expires_us);
        }
    }
    const struct jt_lengthen_txn txn = { .epoch = x->epoch, .cards = x->lengthened, .n = x->n };
    enum jt_err err = jt_cards_lengthen(x->lane->pipe, &txn, on_lengthened, x);
    if (err != JT_OK) {
        jt_lane_end(x->lane, err);
    }
}
