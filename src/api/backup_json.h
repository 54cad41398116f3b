/* SPDX-License-Identifier: Apache-2.0 */
/* Backups in answers. */
#ifndef JETON_API_BACKUP_JSON_H
#define JETON_API_BACKUP_JSON_H

#include "vault/backups.h"

#include <jansson.h>

#define JT_BACKUP_DIGEST_TEXT (2 * JT_BACKUP_DIGEST_LEN + 1)

/* RFC 3339, in whole seconds. */
json_t *jt_backup_time_json(uint64_t at_s);

/* digest, made_at and verified_at: which file it is. NULL: no memory. */
json_t *jt_backup_name_json(const struct jt_backup *backup);

/* All that is known of it. */
json_t *jt_backup_json(const struct jt_backup_info *info);

#endif
