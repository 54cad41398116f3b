/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema migrations: schema/NNNN_what.sql, forward only, never edited once landed. They are
 * compiled into the program, so that binary and schema cannot come apart; table `schema_migration`
 * records number, name, checksum and time of each.
 */
#ifndef JETON_STORE_MIGRATE_H
#define JETON_STORE_MIGRATE_H

#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>

/* The number of the newest migration this program knows. */
int jt_migrate_newest(void);

/* Called after each migration that was applied. */
typedef void jt_migrate_fn(void *arg, int number, const char *name);

/*
 * Applies what is missing, each migration in its own transaction, two runs at once serialised by an
 * advisory lock. JT_ERR_MIGRATION_FOREIGN when the database is newer than the program or a recorded
 * migration differs from the program's.
 */
enum jt_err jt_migrate_run(struct jt_db *db, jt_migrate_fn *applied, void *arg) JT_CHECKED;

/*
 * JT_OK when the database is exactly at jt_migrate_newest; JT_ERR_MIGRATION_FOREIGN else, with
 * *found the number found (0: none).
 */
enum jt_err jt_migrate_check(struct jt_db *db, int *found) JT_CHECKED;

/*
 * Whether the tables are those of stored format 1, which only development versions wrote: cards
 * with their tokens beside them.
 */
enum jt_err jt_migrate_is_format_1(struct jt_db *db, bool *format_1) JT_CHECKED;

#endif
