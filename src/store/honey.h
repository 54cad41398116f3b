/* SPDX-License-Identifier: Apache-2.0 */
/* Table honey: the sealed set of honey marks, in its one row. */
#ifndef JETON_STORE_HONEY_H
#define JETON_STORE_HONEY_H

#include "store/audit.h"
#include "model/honey.h"

#include <stdbool.h>

/* *there: the row stands, in a form that could be a keeper's; else *out is empty. */
enum jt_err jt_honey_read(struct jt_db *db, struct jt_honey_sealed *out, bool *there) JT_CHECKED;

/* Puts it into the row, or makes the row. */
enum jt_err jt_honey_write(struct jt_db *db, const struct jt_honey_sealed *sealed) JT_CHECKED;

/* What stands now becomes what shall stand. */
typedef enum jt_err jt_honey_next_fn(void *arg, const struct jt_honey_sealed *now,
                                     struct jt_honey_sealed *next);

/*
 * In one transaction, in which nobody else changes the row: reads it, asks `next`, writes what that
 * says, and the audit row of the act.
 */
enum jt_err jt_honey_change_row(struct jt_db *db, const struct jt_audit_row *audit,
                                jt_honey_next_fn *next, void *arg) JT_CHECKED;

#endif
