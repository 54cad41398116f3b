/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many different cards of each class (wire/guess.h) were tried on a day: a table of fixed size,
 * whatever comes. Classes and cards are known by a keeper's MACs only, so nobody reads a card from
 * it, and nobody chooses what shares a place with what.
 *
 * Two arrays, each of small sets: counts by class, and 32 bits for each card that was counted, by
 * which a card that is tried again is known. What is wrong with either errs to one side:
 *
 * - Two cards are taken for one in 2 * 10^-9 of all cases (8 places, 32 bits): one try too many.
 * - A card that was pushed out by others is counted again when it is tried again: too few.
 * - A class is pushed out by others only while its set has none with a lower count. What the
 *   database has of it comes back with what is added next; what was not there yet is lost.
 *
 * Counts go to the database (jt_guess_table_gather) once a class has a sixteenth of its limit more
 * than what is there: so the many classes of which few cards come never do, and one that is
 * guessed at is missing a sixteenth at most after a crash, or as another node knows it.
 *
 * Any thread. The day is an argument, so that a test can be the clock.
 */
#ifndef JETON_VAULT_GUESSTABLE_H
#define JETON_VAULT_GUESSTABLE_H

#include "store/guesses.h"
#include "wire/guess.h"

#include <stdbool.h>

/* Classes and cards that are remembered: some 40 MB when all are in use. */
#define JT_GUESS_CLASSES (UINT32_C(1) << 19)
#define JT_GUESS_CARDS   (UINT32_C(1) << 22)
#define JT_GUESS_TRIES   2048 /* in one call of jt_guess_table_hold, at most */

struct jt_guess_limit {
    uint32_t n; /* different cards of a class on a day; not 0 */
    /*
     * Up to a quarter less, by the class, the day and the front: from where it begins nobody learns
     * how many cards were counted, but to within that quarter. A secret of the front's own is in
     * it, so that it cannot be found out at one node for use at another.
     */
    bool blurred;
};

/* One try. */
struct jt_guess_try {
    const struct jt_guess_result *macs;
    bool counts; /* jt_guess_table_count: it was a miss, or a new card */
    bool held;   /* the answer: its class is at its limit */
};

struct jt_guess_table;

/* Powers of two, 8 at least. */
enum jt_err jt_guess_table_new(uint32_t n_classes, uint32_t n_cards,
                               struct jt_guess_table **out) JT_CHECKED;
/* NULL is accepted. */
void jt_guess_table_free(struct jt_guess_table *t);

/*
 * Before anything is done: which tries are held, because their class is at its limit.
 *
 * With `closing`, for acts that cannot be taken back once they count: a call may also have no more
 * different cards of a class than there is room for if all of them count. The first that is beyond
 * is held, and sets its class to the limit for the rest of the day. It must: whether a card is new
 * is not known yet, so that known ones take up room too, and a call that cost nothing would tell
 * exactly how much room there is, again and again; what it tells between two calls is whether the
 * card in between was new. So the room of a class shows once a day, and blurred. A card that came
 * in the call before, or was counted today, takes up no room: honest repetitions close nothing.
 *
 * Without it, a class would go beyond its limit by all that fits in the calls under way, which is
 * many times a limit that is set low.
 */
void jt_guess_table_hold(struct jt_guess_table *t, const struct jt_guess_limit *limit, uint32_t day,
                         struct jt_guess_try *tries, size_t n, bool closing);

/*
 * Afterwards: counts, in order, and holds whatever comes once the limit is reached, counted or not.
 * So exactly as many cards as the limit says are answered as missing, and none behind them at all.
 */
void jt_guess_table_count(struct jt_guess_table *t, const struct jt_guess_limit *limit,
                          uint32_t day, struct jt_guess_try *tries, size_t n);

/* Takes what is to be added to the database; how many, `max` at most. */
size_t jt_guess_table_gather(struct jt_guess_table *t, struct jt_guess_count *counts, size_t max);
/* It could not be added. */
void jt_guess_table_put_back(struct jt_guess_table *t, const struct jt_guess_count *counts,
                             size_t n);
/* What the database has of a class. */
void jt_guess_table_learn(struct jt_guess_table *t, const struct jt_guess_count *count);

struct jt_guess_figures {
    uint64_t n_counted; /* different cards */
    uint64_t n_pushed;  /* counts that were lost because there was no room */
};
struct jt_guess_figures jt_guess_table_figures(struct jt_guess_table *t);

#endif
