/* SPDX-License-Identifier: Apache-2.0 */
/* Table guess: cards tried of a class (vault/brakes.h), of all nodes. */
#ifndef JETON_STORE_GUESSES_H
#define JETON_STORE_GUESSES_H

#include "store/db.h"
#include "model/sizes.h"

#define JT_GUESS_BATCH 4096 /* classes in one statement */
#define JT_GUESS_DAYS  2    /* rows of so many days stay, today's among them */

struct jt_guess_count {
    uint8_t class_mac[JT_ROW_MAC_LEN];
    uint32_t day;
    uint32_t n;
};

/*
 * Adds to what stands, and sets each `n` to what stands then. At most JT_GUESS_BATCH, no class
 * twice; their order is changed.
 */
enum jt_err jt_guesses_add(struct jt_db *db, struct jt_guess_count *counts, size_t n) JT_CHECKED;

typedef void jt_guess_count_fn(void *arg, const struct jt_guess_count *count);
/* Those of a day, the highest first, `max` at most. */
enum jt_err jt_guesses_of_day(struct jt_db *db, uint32_t day, uint32_t max, jt_guess_count_fn *each,
                              void *arg) JT_CHECKED;

/* Removes some of what no longer counts; *n: how many, JT_GUESS_BATCH when there may be more. */
enum jt_err jt_guesses_prune(struct jt_db *db, uint32_t today, uint64_t *n) JT_CHECKED;

#endif
