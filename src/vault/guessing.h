/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guess brakes (vault/brakes.h) as a lane uses them for the batch under way: whose cards they
 * are, what the keeper calls them, and which of them are held.
 */
#ifndef JETON_VAULT_GUESSING_H
#define JETON_VAULT_GUESSING_H

#include "vault/brakes.h"
#include "vault/lane.h"

_Static_assert(JT_LANE_BATCH_MAX <= JT_GUESS_TRIES, "a batch is one call");

struct jt_guessing {
    enum jt_guess_act act;
    bool on; /* for this batch */
    uint32_t day;
    enum jt_err err;                /* how the keeper's answer ended */
    size_t n;                       /* cards that were asked about */
    uint32_t at[JT_LANE_BATCH_MAX]; /* the entries that they belong to */
    struct jt_guess_item items[JT_LANE_BATCH_MAX];
    struct jt_guess_result macs[JT_LANE_BATCH_MAX];
    struct jt_guess_try tries[JT_LANE_BATCH_MAX];
};

/* Begins a batch. False: nothing is counted in it. */
bool jt_guessing_begin(struct jt_guessing *g, const struct jt_lane *lane, enum jt_guess_act act);

/* Adds a card of an entry; the bytes are not needed after jt_guessing_ask. */
void jt_guessing_add(struct jt_guessing *g, const struct jt_lane *lane, uint32_t entry,
                     const uint8_t *packed, size_t packed_len);

/* Asks the keeper; done() is to call jt_guessing_take. */
void jt_guessing_ask(const struct jt_guessing *g, struct jt_lane *lane, jt_guess_fn *done,
                     void *arg);

/* Takes the keeper's answer, and finds out what is held already: tries[i].held. */
void jt_guessing_take(struct jt_guessing *g, struct jt_lane *lane, enum jt_err err,
                      const struct jt_guess_reply *reply);

/* Counts those tries whose `counts` was set; tries[i].held is how each ends. */
void jt_guessing_count(struct jt_guessing *g, struct jt_lane *lane);

/* Tells what was held, request by request. */
void jt_guessing_tell(struct jt_guessing *g, struct jt_lane *lane);

#endif
