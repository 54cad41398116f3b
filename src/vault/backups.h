/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of keys: escrow files (model/escrow.h) and what is known of them.
 *
 * A file is made by the keeper and goes to the operator who asked; Jeton keeps no copy. It counts
 * when its bytes came back from where they were written and a keeper opened them: then its receipt
 * is recorded. Every reader has the keeper check a receipt before it counts, because anybody may
 * have written the row; a row that no keeper gave is told to the log and left out.
 *
 * A receipt holds for as long as it is recorded: keys do not change, and one that has a
 * generation's key cannot be older than the generation. Whether the file still exists nobody here
 * knows; an operator says when it does not (jt_backups_forget). Blocking; on a worker or a duty.
 */
#ifndef JETON_VAULT_BACKUPS_H
#define JETON_VAULT_BACKUPS_H

#include "store/backups.h"
#include "vault/workers.h"

struct jt_backup_info {
    struct jt_backup backup;
    /* the database's word */
    char verified_by[JT_ACTOR_MAX + 1], node[JT_NODE_NAME_MAX + 1];
};

/* All keys of this node's keeper. Its audit row stands before the file leaves. */
enum jt_err jt_backups_make(struct jt_work_ctx *ctx, const char *actor,
                            struct jt_escrow_file *out) JT_CHECKED;

/*
 * Has the keeper open the file, and records that. JT_ERR_BACKUP_ALTERED, JT_ERR_BACKUP_FOREIGN
 * (another environment), JT_ERR_BACKUP_MASTER, JT_ERR_BACKUP_ROOT (another installation),
 * JT_ERR_BACKUPS_FULL.
 */
enum jt_err jt_backups_verify(struct jt_work_ctx *ctx, const struct jt_escrow_file *file,
                              const char *actor, struct jt_backup_info *out) JT_CHECKED;

/* Calls `each` with those whose receipts are good, the last opened first, until it says false. */
typedef bool jt_backup_info_fn(void *arg, const struct jt_backup_info *info);
enum jt_err jt_backups_list(struct jt_work_ctx *ctx, jt_backup_info_fn *each, void *arg) JT_CHECKED;

/* The digest of the one opened last that has the very key of the generation, if there is one. */
enum jt_err jt_backups_find(struct jt_work_ctx *ctx, const struct jt_generation_row *generation,
                            uint8_t digest[static JT_BACKUP_DIGEST_LEN], bool *found) JT_CHECKED;

/* JT_ERR_NO_BACKUP. */
enum jt_err jt_backups_forget(struct jt_work_ctx *ctx,
                              const uint8_t digest[static JT_BACKUP_DIGEST_LEN],
                              const char *actor) JT_CHECKED;

#endif
