/* SPDX-License-Identifier: Apache-2.0 */
#include "store/custodians.h"

#include "store/audit_params.h"
#include "store/columns.h"
#include "store/news.h"
#include "store/query.h"

#include <inttypes.h>
#include <stdio.h>

#define ROW(FIRST, NEXT, t)          \
    FIRST(U63, t "version", version) \
    NEXT(BYTES, t "body", body)      \
    NEXT(FIXED, t "mac", mac)

static JT_COLUMNS_READER(read_row, ROW, struct jt_custodian_stored);
static JT_COLUMNS_PUTTER(put_row, ROW, 3, struct jt_custodian_stored);
#define COLUMNS JT_COLUMNS(ROW, "")

static enum jt_err read_one(struct jt_db *db, const char *sql, struct jt_params *p,
                            struct jt_custodian_stored *out)
{
    PGresult *res = NULL;
    *out = (struct jt_custodian_stored){ .version = 0 };
    enum jt_err err = jt_db_query(db, sql, p, &res);
    if (err == JT_OK && PQntuples(res) > 0) {
        struct jt_row row = jt_row_init(res, 0);
        read_row(&row, 0, out);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_custodians_newest(struct jt_db *db, struct jt_custodian_stored *out)
{
    enum jt_err err = jt_db_ensure(db);
    return err == JT_OK
               ? read_one(db, "SELECT " COLUMNS " FROM custodian_set ORDER BY version DESC LIMIT 1",
                          NULL, out)
               : err;
}

enum jt_err jt_custodians_after(struct jt_db *db, uint64_t version, struct jt_custodian_stored *out)
{
    struct jt_params p;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, version);
    return read_one(db,
                    "SELECT " COLUMNS " FROM custodian_set WHERE version > $1 "
                    "ORDER BY version LIMIT 1",
                    &p, out);
}

enum jt_err jt_custodians_put_back(struct jt_db *db, const struct jt_custodian_stored *row,
                                   const char *node)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, row);
    jt_params_text(&p, node);
    return jt_db_change_one(
        db,
        "INSERT INTO custodian_set AS s (" COLUMNS ", stored_by) VALUES (" JT_SQL_3_PARAMS ", $4) "
        "ON CONFLICT (version) DO UPDATE SET body = excluded.body, mac = excluded.mac, "
        "stored_at = now(), stored_by = excluded.stored_by",
        &p);
}

static enum jt_err add(struct jt_db *db, const struct jt_custodian_stored *row,
                       const struct jt_act *act)
{
    struct jt_params p;
    char version[40];
    jt_params_init(&p);
    put_row(&p, row);
    jt_params_text(&p, act->actor);
    enum jt_err err = jt_db_insert_one(
        db, "INSERT INTO custodian_set (" COLUMNS ", stored_by) VALUES (" JT_SQL_3_PARAMS ", $4)",
        &p);
    err = err == JT_ERR_DB_DUPLICATE ? JT_ERR_CUSTODIANS_MOVED : err;
    if (err == JT_OK) {
        jt_params_init(&p);
        put_row(&p, row);
        err = jt_db_must(db,
                         "SELECT EXISTS (SELECT FROM custodian_set WHERE (" COLUMNS
                         ") = (" JT_SQL_3_PARAMS "))",
                         &p, "the custodians do not stand as they were sent");
    }
    if (err == JT_OK) {
        (void)snprintf(version, sizeof version, "version %" PRIu64, row->version);
        err = jt_audit_act(db, act, JT_AUDIT_CUSTODIANS, 0, version);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_custodians_add(struct jt_db *db, const struct jt_custodian_stored *row,
                              const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, add(db, row, act)) : err;
}
