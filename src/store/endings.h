/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is under way that ends keys and cards, in a few numbers for status and metrics: from small
 * tables, and counted no further than a bound.
 */
#ifndef JETON_STORE_ENDINGS_H
#define JETON_STORE_ENDINGS_H

#include "store/db.h"

/* Cards are counted up to here: whoever has more has another trouble than their number. */
#define JT_ENDINGS_COUNTED 100000

struct jt_endings {
    /* destructions that are not certified, each in one of these */
    uint32_t waiting;   /* for a custodian */
    uint32_t grace;     /* approved: whoever uses the key cancels it */
    uint32_t due;       /* the grace is over on all nodes that have said so */
    uint32_t cancelled; /* the key was used: to be asked for anew */
    uint32_t erasing;   /* the ring is without it, and not every node has said that it erased it */
    uint64_t grace_left_s; /* of those in their grace, as the nodes said: the longest */
    uint64_t stuck_cards, written_off_cards;
    uint32_t write_offs_waiting; /* for a custodian */
};
enum jt_err jt_endings_read(struct jt_db *db, struct jt_endings *out) JT_CHECKED;

#endif
