/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a generation's row was written, for the transactions that write one: store/generations.c,
 * ring_change.c.
 */
#ifndef JETON_STORE_GENERATION_STANDS_H
#define JETON_STORE_GENERATION_STANDS_H

#include "store/db.h"
#include "model/generation.h"

/*
 * Inside an open transaction: JT_ERR_DB_UNTRUE when the row in the table is not, byte for byte,
 * this one.
 */
enum jt_err jt_generation_must_stand(struct jt_db *db,
                                     const struct jt_generation_row *row) JT_CHECKED;

#endif
