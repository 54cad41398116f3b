/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards that a retirement cannot move, noted by whoever met them, with the cause, so that to show
 * them costs no walk. A note goes when its card was moved, mended or deleted. Nothing is concluded
 * from notes: who can write to the database can make and remove them, and gains nothing.
 */
#ifndef JETON_STORE_STUCK_H
#define JETON_STORE_STUCK_H

#include "model/retirement.h"
#include "store/cards.h"

struct jt_stuck_card {
    struct jt_card_cursor at;
    uint32_t field;
    enum jt_stuck_cause cause;
};

/* Notes them; of one that is noted already the cause changes, and not when it was first seen. */
enum jt_err jt_stuck_put(struct jt_db *db, uint64_t generation, const struct jt_stuck_card *cards,
                         size_t n) JT_CHECKED;

/* Forgets those. */
enum jt_err jt_stuck_forget(struct jt_db *db, uint64_t generation,
                            const struct jt_stuck_card *cards, size_t n) JT_CHECKED;

/* A note, and the row of which it is, as it stands now. */
struct jt_stuck_seen {
    struct jt_stuck_card card;
    char first_seen[JT_TIME_LEN];
    bool stands; /* false: the row is gone, or under another key id */
    struct jt_card_row row;
};

/* In the order of the index, those behind `after` but for the first `skip`; at most `max`. */
enum jt_err jt_stuck_list(struct jt_db *db, uint64_t generation, uint8_t key_id,
                          struct jt_card_cursor after, size_t skip, struct jt_stuck_seen *out,
                          size_t max, size_t *n) JT_CHECKED;

/* It counts no further: whoever has more has another trouble than their number. */
#define JT_STUCK_COUNTED 100000

struct jt_stuck_counts {
    uint64_t all;
    uint64_t by_cause[JT_N_STUCK_CAUSES];
};

/* How many are noted, JT_STUCK_COUNTED at most. */
enum jt_err jt_stuck_count(struct jt_db *db, uint64_t generation,
                           struct jt_stuck_counts *out) JT_CHECKED;

#endif
