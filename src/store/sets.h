/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set rows of clients and fields (model/set.h), and the rows that changed since a version.
 * Nothing here is trusted before a keeper has verified it: vault/sets.h does that.
 */
#ifndef JETON_STORE_SETS_H
#define JETON_STORE_SETS_H

#include "store/db.h"
#include "model/client.h"
#include "model/field.h"

typedef void jt_client_row_fn(void *arg, const struct jt_client_row *row);
typedef void jt_field_row_fn(void *arg, const struct jt_field_row *row);

/*
 * The set row, and in the same snapshot every row with a revision above `since`, in no order. A set
 * that has no row yet is the empty one; then `each` is not called.
 */
enum jt_err jt_set_clients_since(struct jt_db *db, uint64_t since, struct jt_set_row *set,
                                 jt_client_row_fn *each, void *arg) JT_CHECKED;
enum jt_err jt_set_fields_since(struct jt_db *db, uint64_t since, struct jt_set_row *set,
                                jt_field_row_fn *each, void *arg) JT_CHECKED;

/*
 * Puts `next` in place of the set row of the version before it, inside an open transaction.
 * JT_ERR_SET_OLD when that is not the present version: somebody else was faster.
 */
enum jt_err jt_set_advance(struct jt_db *db, const struct jt_set_row *next) JT_CHECKED;

#endif
