/* SPDX-License-Identifier: Apache-2.0 */
#include "model/backup.h"

#include <string.h>

bool jt_backup_has(const struct jt_backup *backup, const struct jt_generation_row *generation)
{
    for (size_t i = 0; i < backup->n; i++) {
        const struct jt_backup_key *key = &backup->keys[i];
        if (key->number == generation->number) {
            return key->key_id == generation->key_id &&
                   memcmp(key->check_value, generation->check_value, sizeof key->check_value) == 0;
        }
    }
    return false;
}
