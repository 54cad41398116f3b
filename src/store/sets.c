/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sets.h"

#include "store/news.h"
#include "store/query.h"
#include "store/set_columns.h"

#include <string.h>

#define SET_ROW(FIRST, NEXT, t)         \
    FIRST(U8, t "kind", kind)           \
    NEXT(U63, t "version", version)     \
    NEXT(U31, t "n", n)                 \
    NEXT(U63, t "operators", operators) \
    NEXT(FIXED, t "nonce", nonce)       \
    NEXT(FIXED, t "digest", digest)     \
    NEXT(U63, t "mac_epoch", mac_epoch) \
    NEXT(FIXED, t "mac", mac)

#define COLUMNS        JT_COLUMNS(SET_ROW, "")
#define SET_COLUMNS    JT_COLUMNS(SET_ROW, "s.")
#define CLIENT_COLUMNS JT_COLUMNS(JT_CLIENT_ROW, "c.")
#define FIELD_COLUMNS  JT_COLUMNS(JT_FIELD_ROW, "f.")
#define N_SET_COLUMNS  JT_N_COLUMNS(SET_ROW)

static JT_COLUMNS_READER(read_row, SET_ROW, struct jt_set_row);
static JT_COLUMNS_PUTTER(put_row, SET_ROW, 8, struct jt_set_row);

/* The kind that was asked for, whatever the server says it gave. */
static void read_set(struct jt_row *row, enum jt_set_kind kind, struct jt_set_row *out)
{
    read_row(row, 0, out);
    row->bad = row->bad || out->kind != kind;
}

/*
 * One statement, so that set row and rows are of one snapshot: each row comes with the set row
 * beside it.
 */
static enum jt_err read_since(struct jt_db *db, const char *sql, uint64_t since, PGresult **res)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, since);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        jt_params_clear(&p);
        *res = NULL;
        return err;
    }
    return jt_db_query(db, sql, &p, res);
}

enum jt_err jt_set_clients_since(struct jt_db *db, uint64_t since, struct jt_set_row *set,
                                 jt_client_row_fn *each, void *arg)
{
    static const char sql[] =
        "SELECT " SET_COLUMNS ", " CLIENT_COLUMNS
        " FROM row_set s LEFT JOIN client c ON c.revision > $1 WHERE s.kind = " JT_SQL_CLIENTS;
    PGresult *res;
    *set = jt_set_row_empty(JT_SET_CLIENTS);
    enum jt_err err = read_since(db, sql, since, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        read_set(&row, JT_SET_CLIENTS, set);
        struct jt_client_row client = { 0 };
        bool some = !jt_row_is_null(&row, N_SET_COLUMNS);
        if (some) {
            jt_client_row_read(&row, N_SET_COLUMNS, &client);
        }
        err = jt_row_status(&row);
        if (err == JT_OK && some) {
            each(arg, &client);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_set_fields_since(struct jt_db *db, uint64_t since, struct jt_set_row *set,
                                jt_field_row_fn *each, void *arg)
{
    static const char sql[] =
        "SELECT " SET_COLUMNS ", " FIELD_COLUMNS
        " FROM row_set s LEFT JOIN field f ON f.revision > $1 WHERE s.kind = " JT_SQL_FIELDS;
    PGresult *res;
    *set = jt_set_row_empty(JT_SET_FIELDS);
    enum jt_err err = read_since(db, sql, since, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        read_set(&row, JT_SET_FIELDS, set);
        struct jt_field_row field = { 0 };
        bool some = !jt_row_is_null(&row, N_SET_COLUMNS);
        if (some) {
            jt_field_row_read(&row, N_SET_COLUMNS, &field);
        }
        err = jt_row_status(&row);
        if (err == JT_OK && some) {
            each(arg, &field);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_set_advance(struct jt_db *db, const struct jt_set_row *next)
{
    static const char first[] = "INSERT INTO row_set (" COLUMNS ") VALUES (" JT_SQL_8_PARAMS ") "
                                "ON CONFLICT DO NOTHING";
    static const char later[] = "UPDATE row_set SET (" COLUMNS ") = (" JT_SQL_8_PARAMS "), "
                                "changed_at = now() WHERE kind = $1 AND version = $2 - 1";
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, next);
    enum jt_err err = jt_db_change_one(db, next->version == 1 ? first : later, &p);
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err == JT_ERR_NO_CHANGE ? JT_ERR_SET_OLD : err;
}
