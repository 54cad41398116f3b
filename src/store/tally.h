/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who adds to which row of the table `tally`: each database connection that writes cards has a row
 * of its own for each generation, so that no two contend for one. Sums are over all rows, so that
 * numbers may be used again by a later start; while a writer is at work its number is its own on
 * all nodes.
 */
#ifndef JETON_STORE_TALLY_H
#define JETON_STORE_TALLY_H

#include <stdint.h>

/*
 * So many writers may a node have. The purge is one, the workers of the retirement are the last
 * ones and number 0, which its one worker was before there were several; the lanes of all loops are
 * the others.
 */
#define JT_TALLY_WRITERS          512
#define JT_TALLY_RETIREMENT       0
#define JT_TALLY_PURGE            1
#define JT_TALLY_WORKERS          496 /* and those behind it */
#define JT_RETIREMENT_WORKERS_MAX 16

/* Of writer `n` of a node. */
static inline uint32_t jt_tally_writer(uint8_t node_number, uint32_t n)
{
    return node_number * (uint32_t)JT_TALLY_WRITERS + n;
}

/* Nobody's, for rows that are rolled back (store/rehearsal.h). */
#define JT_TALLY_REHEARSAL (256u * JT_TALLY_WRITERS)

#endif
