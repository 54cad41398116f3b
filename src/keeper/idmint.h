/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where ids come from: 63 bits, milliseconds since 2020-01-01T00:00:00Z (41), node number (8), a
 * count within the millisecond (14). Ids of one keeper strictly ascend, over restarts and clocks
 * that are set back too; the node number keeps those of different keepers apart.
 *
 * What makes that hold is a mark on disk, written ahead: no id of a later time than the mark is
 * given out before the mark has been moved beyond it. After a crash minting goes on behind the
 * mark, where nothing can have been minted. A clean end writes the time that was really used, so
 * that clean restarts do not run ahead of the clock.
 *
 * The clock is an argument and saving a function, so that a test can be both.
 */
#ifndef JETON_KEEPER_IDMINT_H
#define JETON_KEEPER_IDMINT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define JT_IDMINT_COUNTS   16384               /* ids in one millisecond */
#define JT_IDMINT_END_MS   (UINT64_C(1) << 41) /* in the year 2089 */
#define JT_IDMINT_AHEAD_MS 60000               /* how far ahead the mark is written */
#define JT_IDMINT_RENEW_MS 30000               /* when less than this is left of it */
#define JT_IDMINT_EPOCH_S  INT64_C(1577836800) /* 2020-01-01T00:00:00Z since 1970 */

/* Makes a mark durable. */
typedef enum jt_err jt_idmint_save_fn(void *arg, uint64_t mark_ms);

struct jt_idmint {
    uint64_t last_ms; /* ids are given out in this millisecond, or next */
    uint32_t count;   /* ids given out in it, at most JT_IDMINT_COUNTS */
    uint64_t mark_ms; /* as saved */
    uint64_t used_ms; /* no id of a later time was given out, ever */
    jt_idmint_save_fn *save;
    void *arg;
};

/* Begins behind `mark_ms`, as it was saved (0: never). */
void jt_idmint_init(struct jt_idmint *m, uint64_t mark_ms, jt_idmint_save_fn *save, void *arg);

/*
 * Ids up to the time `ms` exist, whoever minted them: later ones are given out from here on. The
 * caller has made a mark of at least `ms` durable.
 */
void jt_idmint_pass(struct jt_idmint *m, uint64_t ms);

/*
 * `n` ids, ascending, all above every earlier one. All or none: JT_ERR_IDS_SPENT when the 41 bits
 * are used up, else what saving the mark said.
 */
enum jt_err jt_idmint_take(struct jt_idmint *m, uint8_t node, uint64_t now_ms, uint64_t *ids,
                           size_t n) JT_CHECKED;

/*
 * Moves the mark so that it lies JT_IDMINT_RENEW_MS ahead of the next id at least, for whoever
 * tells it to others. Fails only where not even the next id is covered: with what saving said.
 */
enum jt_err jt_idmint_ahead(struct jt_idmint *m, uint64_t now_ms) JT_CHECKED;

/* The time in an id. */
uint64_t jt_idmint_ms_of(uint64_t id);

#endif
