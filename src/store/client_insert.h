/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's row, set row and audit row, for the two transactions they stand in: jt_client_insert
 * and jt_ring_first.
 */
#ifndef JETON_STORE_CLIENT_INSERT_H
#define JETON_STORE_CLIENT_INSERT_H

#include "store/audit.h"
#include "model/client.h"

/*
 * Inside an open transaction. JT_ERR_CLIENT_EXISTS when the id is taken; JT_ERR_SET_OLD: the set
 * has changed.
 */
enum jt_err jt_client_insert_row(struct jt_db *db, const struct jt_client_change *change,
                                 const struct jt_act *act) JT_CHECKED;

#endif
