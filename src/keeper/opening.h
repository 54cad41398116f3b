/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch of cards on its way out of the keeper, under the ceilings (keeper/ceiling.h): for every
 * verb that answers with what was sealed, whole or masked.
 *
 * Call order: begin, take for each item that could be opened, opened for each that was, end.
 */
#ifndef JETON_KEEPER_OPENING_H
#define JETON_KEEPER_OPENING_H

#include "keeper/keeper.h"

struct jt_opening {
    struct jt_keeper *keeper;
    struct jt_allowance allowance;
    size_t n_taken, n_opened, n_held_back;
};

/* For a batch of at most `n` items. What fails is the count's file: then nothing may be opened. */
enum jt_err jt_opening_begin(struct jt_opening *o, struct jt_keeper *k, size_t n) JT_CHECKED;

/* JT_OK: one more item may be opened; JT_ERR_OPEN_RATE, JT_ERR_OPEN_QUOTA: it may not. */
enum jt_err jt_opening_take(struct jt_opening *o) JT_CHECKED;

/* Whether the card that was opened is a marked one; if so, the alarm is on its way. */
bool jt_opening_honey(struct jt_opening *o, uint32_t field, uint64_t id);

/* One was, and goes out with the answer. */
void jt_opening_opened(struct jt_opening *o);

/* Counts what was opened, and tells the log where a ceiling was met or is near. */
void jt_opening_end(struct jt_opening *o);

#endif
