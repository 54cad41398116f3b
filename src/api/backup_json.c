/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backup_json.h"

#include "base/hex.h"

#include <time.h>

json_t *jt_backup_time_json(uint64_t at_s)
{
    char text[40];
    struct tm tm;
    time_t at = (time_t)at_s;
    bool good =
        gmtime_r(&at, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
    return good ? json_string(text) : json_null();
}

json_t *jt_backup_name_json(const struct jt_backup *backup)
{
    char digest[JT_BACKUP_DIGEST_TEXT];
    jt_hex_encode(backup->digest, sizeof backup->digest, digest);
    return json_pack("{ss,so,so}", "digest", digest, "made_at", jt_backup_time_json(backup->made_s),
                     "verified_at", jt_backup_time_json(backup->verified_s));
}

static json_t *key_json(const struct jt_backup_key *key)
{
    char check_value[2 * JT_CHECK_VALUE_LEN + 1];
    jt_hex_encode(key->check_value, sizeof key->check_value, check_value);
    return json_pack("{sI,si,ss}", "number", (json_int_t)key->number, "key_id", (int)key->key_id,
                     "check_value", check_value);
}

json_t *jt_backup_json(const struct jt_backup_info *info)
{
    json_t *json = jt_backup_name_json(&info->backup), *keys = json_array();
    bool failed = keys == NULL;
    for (size_t i = 0; i < info->backup.n && !failed; i++) {
        failed = json_array_append_new(keys, key_json(&info->backup.keys[i])) != 0;
    }
    failed |= json_object_set_new(json, "verified_by", json_string(info->verified_by)) != 0;
    failed |= json_object_set_new(json, "epoch", json_integer((json_int_t)info->backup.epoch)) != 0;
    failed |= json_object_set_new(json, "generations", keys) != 0;
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}
