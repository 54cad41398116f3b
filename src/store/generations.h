/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations: rows, acknowledgements, transitions, and the exact count of their rows.
 *
 * Counts come from the table `tally`: each transaction that writes cards adds what it wrote and
 * moved to the row of its (generation, writer), so the sums are exact and nothing is ever scanned.
 */
#ifndef JETON_STORE_GENERATIONS_H
#define JETON_STORE_GENERATIONS_H

#include "store/audit.h"
#include "store/nodes.h"
#include "model/generation.h"
#include "model/ring.h"

#define JT_SECOND_HOLDER_MAX 71 /* "backup " and a digest in hexadecimal */

struct jt_generation_info {
    struct jt_generation_row row;
    char created_at[JT_TIME_LEN], created_by[JT_ACTOR_MAX + 1];
    char activated_at[JT_TIME_LEN], activated_by[JT_ACTOR_MAX + 1]; /* empty: not yet */
    char draining_at[JT_TIME_LEN], draining_by[JT_ACTOR_MAX + 1];
    char retired_at[JT_TIME_LEN], retired_by[JT_ACTOR_MAX + 1];
    char destroyed_at[JT_TIME_LEN], destroyed_by[JT_ACTOR_MAX + 1];
    /* why activation went ahead with one durable holder of the key; empty: not overridden */
    char holder_override[128];
    /* who held the key besides when it became active: "node NAME", "backup SHA256", "override" */
    char second_holder[JT_SECOND_HOLDER_MAX + 1];
    char compromised_at[JT_TIME_LEN], compromised_by[JT_ACTOR_MAX + 1], compromised_why[128];
    char adopt_at[JT_TIME_LEN], planned_by[JT_ACTOR_MAX + 1]; /* empty: no date */
    struct jt_generation_plan plan;                           /* the same for a keeper */
    bool due; /* future, and the date is reached by the server's clock */
    /* rows now: jt_generation_rows */
    uint64_t rows_written, rows_moved_in, rows_moved_out, rows_deleted, rows_written_off;
};

/* Whether it has a date. */
static inline bool jt_generation_is_planned(const struct jt_generation_info *g)
{
    return g->plan.adopt_at_us != 0;
}

/* Rows that it has now. What strangers planted, and was deleted or written off, may count too much.
 */
static inline uint64_t jt_generation_rows(const struct jt_generation_info *g)
{
    uint64_t in = g->rows_written + g->rows_moved_in;
    uint64_t out = g->rows_moved_out + g->rows_deleted + g->rows_written_off;
    return in > out ? in - out : 0;
}

typedef void jt_generation_fn(void *arg, const struct jt_generation_info *info);

/* Calls `each` ascending by number. */
enum jt_err jt_generations_list(struct jt_db *db, jt_generation_fn *each, void *arg) JT_CHECKED;
/* The same without those that are destroyed, of which there come to be ever more. */
enum jt_err jt_generations_kept(struct jt_db *db, jt_generation_fn *each, void *arg) JT_CHECKED;
enum jt_err jt_generation_get(struct jt_db *db, uint64_t number,
                              struct jt_generation_info *out) JT_CHECKED;

/*
 * The rows of all generations that are not destroyed, at most JT_GENERATIONS_MAX, ascending by
 * number; and how many were ever abandoned.
 */
#define JT_GENERATIONS_MAX 255
struct jt_generation_rows {
    struct jt_generation_row rows[JT_GENERATIONS_MAX];
    size_t n;
    uint64_t n_abandoned;
};
enum jt_err jt_generations_read(struct jt_db *db, struct jt_generation_rows *out) JT_CHECKED;

/*
 * Those that were abandoned, as they were: future. The newest first, of those with numbers below
 * `below`; at most JT_GENERATIONS_MAX.
 */
enum jt_err jt_generations_abandoned(struct jt_db *db, uint64_t below,
                                     struct jt_generation_row *out, size_t *n) JT_CHECKED;

/*
 * The highest number, the key ids (a set of model/keyref.h) of generations that are not destroyed,
 * and how many are future: what a new one must avoid.
 */
struct jt_generations_taken {
    uint64_t highest;
    uint8_t key_ids[JT_KEY_ID_SET_LEN];
    size_t n_future;
};

/*
 * Making a generation is one transaction, in which the keeper is asked for the key: begin takes the
 * lock `creator`, of which there is one for all nodes, and reads what is taken; end stores the row
 * with `err` JT_OK, and ends the transaction. *busy and JT_ERR_DB_PASSING: somebody else is at it.
 */
enum jt_err jt_generation_begin(struct jt_db *db, struct jt_generations_taken *taken,
                                bool *busy) JT_CHECKED;

/*
 * Stores a future generation, with its date if `plan` is not NULL (jt_generation_plan) and with its
 * audit row, and commits; with another `err` than JT_OK it
 * rolls back and returns that. `created_at` receives the time that the row bears.
 * JT_ERR_KEY_ID_TAKEN when its number or key id is taken.
 */
enum jt_err jt_generation_end(struct jt_db *db, enum jt_err err,
                              const struct jt_generation_row *row,
                              const struct jt_generation_plan *plan, const struct jt_act *act,
                              char created_at[static JT_TIME_LEN]) JT_CHECKED;

/*
 * Marks a future generation as destroyed, with its audit row, and frees its key id. `row` is as it
 * stands there, future. JT_ERR_WRONG_STATE when it is not future any more.
 */
enum jt_err jt_generation_abandon(struct jt_db *db, const struct jt_generation_row *row,
                                  const struct jt_act *act,
                                  char destroyed_at[static JT_TIME_LEN]) JT_CHECKED;

/*
 * Gives a future generation a date, or takes it away again (adopt_at_us 0), with its audit row.
 * `plan` bears the keeper's MAC. *busy and JT_ERR_DB_PASSING: somebody else makes or plans a
 * generation. JT_ERR_WRONG_STATE: not future any more; JT_ERR_PLAN_ORDER: future
 * generations become active in the order of their numbers, so their dates must ascend with them,
 * and what has no date comes after all that have one.
 */
enum jt_err jt_generation_plan(struct jt_db *db, uint64_t number,
                               const struct jt_generation_plan *plan, const struct jt_act *act,
                               bool *busy) JT_CHECKED;

/*
 * The future generation whose date is reached, the lowest (0: none); and how many key ids are
 * taken, of JT_KEY_IDS.
 */
enum jt_err jt_generation_next_due(struct jt_db *db, uint64_t *number,
                                   uint32_t *n_taken) JT_CHECKED;

/*
 * One change of the ring: the exclusive ring lock (lock_timeout 50 ms; JT_ERR_DB_PASSING with
 * *busy set when it was not had: back off and repeat), then only if the epoch is still `from_epoch`
 * and the generations are in the states they must leave: their new states, times and actor, the new
 * ring row, and the audit row; commit. JT_ERR_RING_MOVED when the epoch moved; JT_ERR_WRONG_STATE
 * when a state is not as it must be. A change activates one generation (and may let another drain)
 * or, with `proof_of_zero`, retires one, or only marks one as compromised; JT_ERR_INVALID for any
 * other.
 *
 * An activation also refuses (JT_ERR_NODES_MISSING) while a node stands that is not among
 * `adopters`: registering takes the same lock, so every node either is one of them or has been
 * shown the new ring before it registered.
 *
 * A retirement also refuses (JT_ERR_NOT_EMPTY, JT_ERR_NO_JOB) while a card carries the generation's
 * key id or when no retirement job is open, fills `facts` (LSN, timeline, system identifier,
 * counts, times) inside the same transaction and stores them in `retirement`. All writers wait
 * while the proof runs, so it gets 200 ms; a proof that takes longer (index entries of moved rows
 * that an old snapshot keeps alive) is JT_ERR_DB_PASSING with *busy set, like a lock that was not
 * had. Time jt_generation_is_unused, which nobody waits for, before asking.
 */
struct jt_ring_change {
    uint64_t from_epoch;
    const struct jt_ring_row *next;
    const struct jt_generation_row *rows; /* their new state and MAC; 1 or 2 */
    size_t n_rows;
    const struct jt_act *act;
    const char *holder_override; /* activation only; NULL or why */
    const char *second_holder;   /* activation only; who lets it be active beside this node */
    /* the generation that gets the mark of a compromised one, which is one of `rows`; 0: none */
    uint64_t compromised;
    const char *compromised_why;
    /* activation only: the nodes that have proved that they hold the key */
    const struct jt_node_row *adopters;
    size_t n_adopters;
    bool proof_of_zero;
    /* with proof_of_zero: `node` is the caller's, everything else is filled */
    struct jt_retirement_facts *facts;
};
enum jt_err jt_ring_change(struct jt_db *db, const struct jt_ring_change *change,
                           bool *busy) JT_CHECKED;

/*
 * Whether no card carries the key id, by the index, in a fresh READ COMMITTED snapshot, without any
 * lock.
 */
enum jt_err jt_generation_is_unused(struct jt_db *db, uint8_t key_id, bool *unused) JT_CHECKED;

/* The same as a statement of a transaction that is under way. */
enum jt_err jt_generation_shows_no_card(struct jt_db *db, uint8_t key_id, bool *unused) JT_CHECKED;

/*
 * Inside an open transaction that writes a generation's row: JT_ERR_DB_UNTRUE when the row in the
 * table is not, byte for byte, this one.
 */
enum jt_err jt_generation_must_stand(struct jt_db *db,
                                     const struct jt_generation_row *row) JT_CHECKED;

#endif
