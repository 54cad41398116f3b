/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups that a keeper has opened, one row for each file (table `backup`). A row is as good as its
 * receipt: whoever reads it has a keeper check that (vault/backups.h).
 */
#ifndef JETON_STORE_BACKUPS_H
#define JETON_STORE_BACKUPS_H

#include "model/backup.h"
#include "store/audit.h"

/* So many are recorded at most: with one a day, those of three years. */
#define JT_BACKUPS_MAX 1000

struct jt_backup_row {
    uint8_t digest[JT_BACKUP_DIGEST_LEN];
    struct jt_backup_receipt receipt;
    /* the database's word: who had it opened last, and at which node */
    char verified_by[JT_ACTOR_MAX + 1], node[JT_NODE_NAME_MAX + 1];
};

/*
 * Records a file that was opened, `backup` being what its receipt says, or that it was opened
 * again, with its audit row. JT_ERR_BACKUPS_FULL.
 */
enum jt_err jt_backup_record(struct jt_db *db, const struct jt_backup *backup,
                             const struct jt_backup_receipt *receipt,
                             const struct jt_act *act) JT_CHECKED;

/* Calls `each`, what was opened last first, until it says false or all were told. */
typedef bool jt_backup_row_fn(void *arg, const struct jt_backup_row *row);
enum jt_err jt_backups_read(struct jt_db *db, jt_backup_row_fn *each, void *arg) JT_CHECKED;

/* The file is gone. With its audit row. JT_ERR_NO_BACKUP. */
enum jt_err jt_backup_forget(struct jt_db *db, const uint8_t digest[static JT_BACKUP_DIGEST_LEN],
                             const struct jt_act *act) JT_CHECKED;

#endif
