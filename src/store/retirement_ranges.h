/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a retirement's cards are shared between workers on any number of nodes.
 *
 * A pass over a generation's cards is handed out in ranges of the index, one after the other, each
 * to one worker. A range is the worker's for JT_RANGE_CLAIM_S by the database's clock, and longer
 * where it says so in time; after that anybody takes it over, at its cursor. So no card is walked
 * by two, and what a dead worker leaves is walked by another. When all is handed out and no range
 * is left, the pass is over.
 *
 * None of this guards anything: whatever two workers do at once, a card moves once (JT_SQL_MOVE_
 * CARDS), and that none is left is always proved.
 */
#ifndef JETON_STORE_RETIREMENT_RANGES_H
#define JETON_STORE_RETIREMENT_RANGES_H

#include "model/retirement.h"
#include "store/cards.h"

#define JT_RANGE_CLAIM_S 10
/* After so long what a worker noted is history. */
#define JT_WORKER_FRESH_S 10

/* A worker of one run of a node's front. */
struct jt_range_owner {
    const struct jt_node_spec *node;
    uint16_t worker;
};

struct jt_retirement_range {
    uint64_t generation;
    uint8_t key_id;
    struct jt_card_cursor from, to, cursor;
    uint64_t n_moved, n_stuck; /* in it, by all who had it */
};

/*
 * The generation behind `after`, or the lowest, of which a worker would find something to do.
 * JT_ERR_NO_ROW: there is none.
 */
enum jt_err jt_range_next_job(struct jt_db *db, uint64_t after, uint64_t *generation) JT_CHECKED;

/*
 * A range of the generation's job for `owner`: one whose claim is over, or the next `n` cards.
 * JT_ERR_NO_ROW: there is none now: all is handed out, the job is paused, or there is no job that
 * drains.
 */
enum jt_err jt_range_claim(struct jt_db *db, uint64_t generation,
                           const struct jt_range_owner *owner, size_t n,
                           struct jt_retirement_range *out) JT_CHECKED;

/* How a worker goes: for whoever asks. */
struct jt_worker_note {
    uint64_t moved_in_1000_s;
    enum jt_throttle_reason throttled_by;
};

/*
 * Notes cursor and counts, and claims the range anew. JT_ERR_RANGE_LOST: it is another's by now, or
 * the job does not drain any more. *paused: an operator paused the job.
 */
enum jt_err jt_range_renew(struct jt_db *db, const struct jt_retirement_range *range,
                           const struct jt_range_owner *owner, const struct jt_worker_note *note,
                           bool *paused) JT_CHECKED;

/* It has been walked to its end, and is no more. JT_ERR_RANGE_LOST. */
enum jt_err jt_range_end(struct jt_db *db, const struct jt_retirement_range *range,
                         const struct jt_range_owner *owner) JT_CHECKED;

/* The worker gives it back with its cursor: anybody may take it at once. */
enum jt_err jt_range_give_back(struct jt_db *db, const struct jt_retirement_range *range,
                               const struct jt_range_owner *owner) JT_CHECKED;

/* The same note of who has no range: worker 0 is the one that looks after the jobs of its node. */
enum jt_err jt_worker_note(struct jt_db *db, uint64_t generation,
                           const struct jt_range_owner *owner,
                           const struct jt_worker_note *note) JT_CHECKED;

/* How a pass of a job stands. */
struct jt_pass {
    bool is_over; /* all was handed out, and no range is left */
    bool to_have; /* a worker would find something to do */
};
enum jt_err jt_pass_look(struct jt_db *db, uint64_t generation, struct jt_pass *out) JT_CHECKED;

/* Begins the next pass of a job whose pass is over. JT_ERR_NO_CHANGE: it is not. */
enum jt_err jt_pass_begin(struct jt_db *db, uint64_t generation) JT_CHECKED;

/* What the workers of all nodes do for a generation now. */
struct jt_workers_seen {
    uint64_t n;                           /* that move cards */
    uint64_t moved_in_1000_s;             /* all of them together */
    enum jt_throttle_reason throttled_by; /* what holds most of them back */
};
enum jt_err jt_range_workers(struct jt_db *db, uint64_t generation,
                             struct jt_workers_seen *out) JT_CHECKED;

#endif
