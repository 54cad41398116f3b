/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The partitions of table audit, one for each month of UTC, named audit_YYYY_MM. They are made
 * ahead as tables of their own and then attached, which holds up nobody; a month that is over for
 * long enough is detached concurrently and dropped, behind records of where its chains stood.
 *
 * All of it needs the ownership of the table.
 */
#ifndef JETON_STORE_PARTITIONS_H
#define JETON_STORE_PARTITIONS_H

#include "model/audit.h"
#include "store/db.h"

#include <stddef.h>

#define JT_PARTITION_NAME_LEN 16 /* "audit_2026_11" and NUL */

/*
 * Takes the work on by a lock of the session, which the next call gives back: of several nodes one
 * does it at a time. *ours: no other node is at it.
 */
enum jt_err jt_partitions_begin(struct jt_db *db, bool *ours) JT_CHECKED;
void jt_partitions_end(struct jt_db *db);

/* Makes those of this month and of the two after it that are not there. */
enum jt_err jt_partitions_make(struct jt_db *db) JT_CHECKED;

/* The last time for which there is one, since 1970; 0: there is none. */
enum jt_err jt_partitions_reach(struct jt_db *db, uint64_t *until_us) JT_CHECKED;

/*
 * The oldest one whose month has been over for `months`, and its end; an empty name: none. What an
 * earlier run has detached, or begun to detach, counts.
 */
enum jt_err jt_partitions_oldest(struct jt_db *db, long months,
                                 char name[static JT_PARTITION_NAME_LEN],
                                 uint64_t *before_us) JT_CHECKED;

/*
 * Where its chains stand at its end: at most `max`, by start and connection, without those that
 * have a record of it already; without MACs. *n of 0: all have.
 */
enum jt_err jt_partition_ends(struct jt_db *db, const char *name, uint64_t before_us, size_t max,
                              struct jt_audit_close *out, size_t *n) JT_CHECKED;

/* Records them. */
enum jt_err jt_partition_close(struct jt_db *db, const struct jt_audit_close *closes,
                               size_t n) JT_CHECKED;

/* Detaches and drops it, all of whose chains have their record. */
enum jt_err jt_partition_drop(struct jt_db *db, const char *name) JT_CHECKED;

typedef void jt_audit_close_fn(void *arg, const struct jt_audit_close *close);
enum jt_err jt_audit_closes(struct jt_db *db, jt_audit_close_fn *each, void *arg) JT_CHECKED;

#endif
