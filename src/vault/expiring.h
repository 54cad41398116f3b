/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a round of tokenizing owes to lifetimes (vault/tokenize.c): known cards that are asked for
 * with a later date get it, and rows whose time is over are removed, so that their cards are stored
 * anew.
 *
 * Each is a transaction of its own, and most batches need neither. A card's token is given out only
 * after its later date was committed. What was moved, removed or lengthened by somebody else
 * meanwhile is looked for again, in another round of the batch. Both lock their rows in the order
 * of ids, as deletion does; a re-encryption waits for none.
 */
#ifndef JETON_VAULT_EXPIRING_H
#define JETON_VAULT_EXPIRING_H

#include "model/lifetime.h"
#include "store/cards.h"
#include "vault/lane.h"

/* A row, and the entry of the batch whose card it is; several may have one. */
struct jt_expiring_row {
    struct jt_card_longer card; /* without date, of rows that are removed */
    uint32_t entry;
};

struct jt_expiring {
    struct jt_lane *lane;
    uint64_t epoch; /* of the ring under which the rows were found */
    size_t n_longer, n_gone;
    struct jt_expiring_row longer[JT_LANE_BATCH_MAX], gone[JT_LANE_BATCH_MAX];
    /* each row once, ascending, as they are sent */
    size_t n;
    struct jt_card_longer lengthened[JT_LANE_BATCH_MAX];
    struct jt_card_doomed removed[JT_LANE_BATCH_MAX];
    uint64_t ids[JT_LANE_BATCH_MAX]; /* for the audit rows */
    size_t n_audit;
};

/* Before a round's rows are looked at. */
void jt_expiring_begin(struct jt_expiring *x, struct jt_lane *lane, uint64_t epoch);

/* The row of entry `entry`, whose item has its token, shall live longer. */
void jt_expiring_lengthen(struct jt_expiring *x, uint32_t entry, const struct jt_card_longer *card);

/* The row of entry `entry` is over. */
void jt_expiring_remove(struct jt_expiring *x, uint32_t entry, const struct jt_card_doomed *card);

/* Does both and ends the round: the items of rows that live longer end well. */
void jt_expiring_settle(struct jt_expiring *x);

/* The verb's linked(): the only link that it awaits is that of a removal. */
void jt_expiring_linked(struct jt_expiring *x, enum jt_err err);

#endif
