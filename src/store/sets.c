/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sets.h"

#include "store/query.h"
#include "store/set_columns.h"

#include <string.h>

#define SET_COLUMNS   "s.version, s.n, s.operators, s.nonce, s.digest, s.mac_epoch, s.mac"
#define N_SET_COLUMNS 7

static void read_set(struct jt_row *row, enum jt_set_kind kind, struct jt_set_row *out)
{
    *out = jt_set_row_empty(kind);
    out->version = jt_row_u63(row, 0);
    out->n = jt_row_u31(row, 1);
    out->operators = jt_row_u63(row, 2);
    jt_row_fixed(row, 3, out->nonce, sizeof out->nonce);
    jt_row_fixed(row, 4, out->digest, sizeof out->digest);
    out->mac_epoch = jt_row_u63(row, 5);
    jt_row_fixed(row, 6, out->mac, sizeof out->mac);
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
    static const char sql[] = "SELECT " SET_COLUMNS ", " JT_CLIENT_COLUMNS(
        "c") " FROM row_set s LEFT JOIN client c ON c.revision > $1 WHERE s.kind = 1";
    PGresult *res;
    *set = jt_set_row_empty(JT_SET_CLIENTS);
    enum jt_err err = read_since(db, sql, since, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        read_set(&row, JT_SET_CLIENTS, set);
        struct jt_client_row client;
        bool some = !jt_row_is_null(&row, N_SET_COLUMNS);
        if (some) {
            jt_client_columns_read(&row, N_SET_COLUMNS, &client);
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
    static const char sql[] = "SELECT " SET_COLUMNS ", " JT_FIELD_COLUMNS(
        "f") " FROM row_set s LEFT JOIN field f ON f.revision > $1 WHERE s.kind = 2";
    PGresult *res;
    *set = jt_set_row_empty(JT_SET_FIELDS);
    enum jt_err err = read_since(db, sql, since, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        read_set(&row, JT_SET_FIELDS, set);
        struct jt_field_row field;
        bool some = !jt_row_is_null(&row, N_SET_COLUMNS);
        if (some) {
            jt_field_columns_read(&row, N_SET_COLUMNS, &field);
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
    static const char first[] =
        "INSERT INTO row_set (kind, version, n, operators, nonce, digest, mac_epoch, mac) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    static const char later[] =
        "UPDATE row_set SET version = $2, n = $3, operators = $4, nonce = $5, digest = $6, "
        "mac_epoch = $7, mac = $8, changed_at = now() "
        "WHERE kind = $1 AND version = $2 - 1";
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, next->kind);
    jt_params_u63(&p, next->version);
    jt_params_u31(&p, next->n);
    jt_params_u63(&p, next->operators);
    jt_params_bytes(&p, next->nonce, sizeof next->nonce);
    jt_params_bytes(&p, next->digest, sizeof next->digest);
    jt_params_u63(&p, next->mac_epoch);
    jt_params_bytes(&p, next->mac, sizeof next->mac);
    enum jt_err err = jt_db_change_one(db, next->version == 1 ? first : later, &p);
    return err == JT_ERR_NO_CHANGE ? JT_ERR_SET_OLD : err;
}
