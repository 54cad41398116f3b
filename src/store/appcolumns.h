/* SPDX-License-Identifier: Apache-2.0 */
/* Table column_count: how many envelopes stand in columns of applications, MACed by a keeper. */
#ifndef JETON_STORE_APPCOLUMNS_H
#define JETON_STORE_APPCOLUMNS_H

#include "store/audit.h"
#include "model/appcolumn.h"

struct jt_column_count_row {
    struct jt_column_count count; /* without the column, of which the field's row has the text */
    char counted_at[JT_TIME_LEN], counted_by[JT_ACTOR_MAX + 1];
};

typedef void jt_column_count_fn(void *arg, const struct jt_column_count_row *row);

/* Those of a field, and those of a generation. */
enum jt_err jt_column_counts_of_field(struct jt_db *db, uint32_t field, jt_column_count_fn *each,
                                      void *arg) JT_CHECKED;
enum jt_err jt_column_counts_of_generation(struct jt_db *db, uint64_t generation,
                                           jt_column_count_fn *each, void *arg) JT_CHECKED;

/*
 * Stores counts of one column, which is `name`'s, in the place of older ones, with one audit row.
 * JT_ERR_FIELD_NO_COLUMN: the field has another column by now, or none.
 */
enum jt_err jt_column_counts_put(struct jt_db *db, const char *name,
                                 const struct jt_column_count *counts, size_t n,
                                 const struct jt_act *act) JT_CHECKED;

#endif
