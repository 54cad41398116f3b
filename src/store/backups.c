/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backups.h"

#include "base/hex.h"
#include "store/audit_params.h"
#include "store/columns.h"
#include "store/query.h"

#include <string.h>

#define ROW(FIRST, NEXT, t)                  \
    FIRST(FIXED, t "digest", digest)         \
    NEXT(BYTES, t "body", receipt.body)      \
    NEXT(FIXED, t "mac", receipt.mac)        \
    NEXT(TEXT, t "verified_by", verified_by) \
    NEXT(TEXT, t "node", node)

static JT_COLUMNS_READER(read_row, ROW, struct jt_backup_row);

#define BODY_MAX 4393
_Static_assert(BODY_MAX == JT_BACKUP_BODY_MAX, "as long as a receipt");

/* What no keeper and no front can have written is not looked at. */
static const char select_rows[] = "SELECT " JT_COLUMNS(
    ROW,
    "b.") " FROM backup b "
          "WHERE octet_length(b.body) <= " JT_SQL_NUMBER(
              BODY_MAX) " "
                        "AND octet_length(b.verified_by) <= " JT_SQL_NUMBER(
                            JT_ACTOR_MAX) " "
                                          "AND octet_length(b.node) <= " JT_SQL_NUMBER(
                                              JT_NODE_NAME_MAX) " "
                                                                "ORDER BY b.verified_at DESC, "
                                                                "b.digest LIMIT " JT_SQL_NUMBER(
                                                                    JT_BACKUPS_MAX);

enum jt_err jt_backups_read(struct jt_db *db, jt_backup_row_fn *each, void *arg)
{
    PGresult *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query(db, select_rows, NULL, &res);
    }
    bool more = true;
    for (int i = 0; err == JT_OK && more && i < PQntuples(res); i++) {
        struct jt_backup_row found = { .digest = { 0 } };
        struct jt_row row = jt_row_init(res, i);
        read_row(&row, 0, &found);
        err = jt_row_status(&row);
        more = err == JT_OK && each(arg, &found);
    }
    PQclear(res);
    return err;
}

static void put(struct jt_params *p, const struct jt_backup *backup,
                const struct jt_backup_receipt *receipt, const struct jt_act *act)
{
    jt_params_init(p);
    jt_params_bytes(p, backup->digest, sizeof backup->digest);
    jt_params_bytes(p, receipt->body, receipt->body_len);
    jt_params_bytes(p, receipt->mac, sizeof receipt->mac);
    jt_params_time(p, backup->made_s * 1000000);
    jt_params_time(p, backup->verified_s * 1000000);
    jt_params_text(p, act->actor);
    jt_params_text(p, act->node);
}

static enum jt_err store(struct jt_db *db, const struct jt_backup *backup,
                         const struct jt_backup_receipt *receipt, const struct jt_act *act)
{
    struct jt_params p;
    uint64_t n;
    put(&p, backup, receipt, act);
    enum jt_err err =
        jt_db_change(db,
                     "INSERT INTO backup (digest, body, mac, made_at, verified_at, verified_by, "
                     "node) SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM backup "
                     "WHERE digest <> $1) < " JT_SQL_NUMBER(
                         JT_BACKUPS_MAX) " "
                                         "ON CONFLICT (digest) DO UPDATE SET body = excluded.body, "
                                         "mac = excluded.mac, made_at = excluded.made_at, "
                                         "verified_at = excluded.verified_at, verified_by = "
                                         "excluded.verified_by, "
                                         "node = excluded.node",
                     &p, &n);
    if (err == JT_OK && n == 0) {
        return JT_ERR_BACKUPS_FULL;
    }
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_bytes(&p, backup->digest, sizeof backup->digest);
    jt_params_bytes(&p, receipt->body, receipt->body_len);
    jt_params_bytes(&p, receipt->mac, sizeof receipt->mac);
    return jt_db_must(db,
                      "SELECT EXISTS (SELECT FROM backup WHERE digest = $1 AND body = $2 AND "
                      "mac = $3)",
                      &p, "a backup was to be recorded, and was not");
}

static enum jt_err audit(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                         const uint8_t digest[static JT_BACKUP_DIGEST_LEN])
{
    char text[2 * JT_BACKUP_DIGEST_LEN + 1];
    jt_hex_encode(digest, JT_BACKUP_DIGEST_LEN, text);
    return jt_audit_act(db, act, action, 0, text);
}

enum jt_err jt_backup_record(struct jt_db *db, const struct jt_backup *backup,
                             const struct jt_backup_receipt *receipt, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    err = store(db, backup, receipt, act);
    if (err == JT_OK) {
        err = audit(db, act, JT_AUDIT_BACKUP_VERIFY, backup->digest);
    }
    return jt_db_end(db, err);
}

enum jt_err jt_backup_forget(struct jt_db *db, const uint8_t digest[static JT_BACKUP_DIGEST_LEN],
                             const struct jt_act *act)
{
    struct jt_params p;
    uint64_t n;
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_bytes(&p, digest, JT_BACKUP_DIGEST_LEN);
    err = jt_db_change(db, "DELETE FROM backup WHERE digest = $1", &p, &n);
    if (err == JT_OK && n == 0) {
        err = JT_ERR_NO_BACKUP;
    }
    if (err == JT_OK) {
        err = audit(db, act, JT_AUDIT_BACKUP_FORGET, digest);
    }
    return jt_db_end(db, err);
}
