/* SPDX-License-Identifier: Apache-2.0 */
#include "store/budgets.h"

#include "store/query.h"

#include <string.h>

/* What the quota $6 has left once $4 items went back. `b` is the row as it stands, locked. */
#define LEFT    "greatest($6::int8 - greatest(b.used - $4::int8, 0), 0)"
#define GRANTED "CASE WHEN " LEFT " >= $5::int8 THEN least($7::int8, " LEFT ") ELSE 0 END"
/* The same of a row that is new. */
#define FIRST "CASE WHEN $6::int8 >= $5::int8 THEN least($7::int8, $6::int8) ELSE 0 END"

/* `granted` is a column because RETURNING cannot tell what a row was before. */
static const char reserve[] =
    "INSERT INTO client_budget AS b (client, operation, day, used, granted) "
    "VALUES ($1::text, $2::int2, $3::int4, " FIRST ", " FIRST ") "
    "ON CONFLICT (client, operation, day) DO UPDATE SET granted = " GRANTED ", "
    "used = greatest(b.used - $4::int8, 0) + " GRANTED " RETURNING granted, used";

enum jt_err jt_budget_reserve(struct jt_db *db, const struct jt_budget_part *part, uint64_t need,
                              uint64_t want, uint32_t quota, uint64_t *granted, uint64_t *used)
{
    struct jt_params p;
    PGresult *res = NULL;
    *granted = *used = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_text(&p, part->client);
    jt_params_i16(&p, (int16_t)part->operation);
    jt_params_u31(&p, part->day);
    jt_params_u63(&p, part->n);
    jt_params_u63(&p, need);
    jt_params_u63(&p, quota);
    jt_params_u63(&p, want);
    err = jt_db_query_one(db, reserve, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *granted = jt_row_u63(&row, 0);
        *used = jt_row_u63(&row, 1);
        err = jt_row_status(&row);
    }
    PQclear(res);
    if (err == JT_OK && (*granted > want || *granted > *used)) {
        err = JT_ERR_DB_UNTRUE;
    }
    return err;
}

/* Sorted, so that two fronts which stop at one time lock the rows in one order. */
static const char give_back[] =
    "WITH part AS MATERIALIZED (SELECT b.client, b.operation, b.day, g.n "
    "FROM unnest($1::text[], $2::int2[], $3::int4[], $4::int8[]) AS g (client, operation, day, n) "
    "JOIN client_budget b USING (client, operation, day) "
    "ORDER BY b.client, b.operation, b.day FOR UPDATE OF b) "
    "UPDATE client_budget AS b SET used = greatest(b.used - part.n, 0) FROM part "
    "WHERE (b.client, b.operation, b.day) = (part.client, part.operation, part.day)";

enum jt_err jt_budget_give_back(struct jt_db *db, const struct jt_budget_part *parts, size_t n)
{
    struct jt_params p;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_array(&p, JT_PG_TEXT_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(&p, parts[i].client, strlen(parts[i].client));
    }
    jt_params_array(&p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(&p, (int16_t)parts[i].operation);
    }
    jt_params_array(&p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(&p, parts[i].day);
    }
    jt_params_array(&p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(&p, parts[i].n);
    }
    return jt_db_change(db, give_back, &p, NULL);
}

enum jt_err jt_budget_prune(struct jt_db *db, uint32_t today)
{
    static const char sql[] =
        "DELETE FROM client_budget WHERE day <= $1::int4 - " JT_SQL_NUMBER(JT_BUDGET_DAYS);
    struct jt_params p;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u31(&p, today);
    return jt_db_change(db, sql, &p, NULL);
}
