/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receipt of a backup: a keeper's word that it opened an escrow file (model/escrow.h) and found
 * these keys in it. It stands in table `backup` as the bytes that the keeper MACed (wire/backup.h),
 * so that nobody who writes to the database makes one up. It says nothing of where the file is, or
 * whether it still exists.
 */
#ifndef JETON_MODEL_BACKUP_H
#define JETON_MODEL_BACKUP_H

#include "model/escrow.h"

#define JT_BACKUP_DIGEST_LEN 32
#define JT_BACKUP_HEAD_LEN   (JT_BACKUP_DIGEST_LEN + 8 + 8 + 8 + 2)
#define JT_BACKUP_KEY_LEN    (8 + 1 + JT_CHECK_VALUE_LEN)
#define JT_BACKUP_BODY_MAX   (JT_BACKUP_HEAD_LEN + JT_ESCROW_MAX_KEYS * JT_BACKUP_KEY_LEN)

struct jt_backup_key {
    uint64_t number;
    uint8_t key_id;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
};

struct jt_backup {
    uint8_t digest[JT_BACKUP_DIGEST_LEN]; /* SHA-256 of the file */
    uint64_t made_s;                      /* since 1970, as the file says */
    uint64_t verified_s;                  /* by the clock of the keeper that opened it */
    uint64_t epoch;                       /* of the ring when it was made; 0: none */
    size_t n;
    struct jt_backup_key keys[JT_ESCROW_MAX_KEYS]; /* ascending by number */
};

/* As it is stored. */
struct jt_backup_receipt {
    size_t body_len;
    uint8_t body[JT_BACKUP_BODY_MAX];
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* Whether the very key of the generation is in it: number, key id and check value. */
bool jt_backup_has(const struct jt_backup *backup, const struct jt_generation_row *generation);

#endif
