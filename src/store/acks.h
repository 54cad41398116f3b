/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acknowledgements (model/generation.h): for each generation and node the newest one. A keeper has
 * checked it before it is stored.
 */
#ifndef JETON_STORE_ACKS_H
#define JETON_STORE_ACKS_H

#include "model/generation.h"
#include "store/db.h"

/* Takes the place of the node's older one. JT_ERR_DB_REFUSED: there is no such generation. */
enum jt_err jt_ack_insert(struct jt_db *db, uint64_t generation,
                          const struct jt_ack *ack) JT_CHECKED;

#endif
