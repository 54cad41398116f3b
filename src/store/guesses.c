/* SPDX-License-Identifier: Apache-2.0 */
#include "store/guesses.h"

#include "store/query.h"

#include <stdlib.h>
#include <string.h>

/* More than any limit: what is stored cannot run over. */
#define HIGHEST "1000000000"

static const char add[] =
    "INSERT INTO guess AS g (day, class, n) SELECT day, class, n "
    "FROM unnest($1::int4[], $2::uuid[], $3::int4[]) AS u (day, class, n) ORDER BY day, class "
    "ON CONFLICT (day, class) DO UPDATE SET n = least(g.n::int8 + excluded.n, " HIGHEST ") "
    "RETURNING day, class, n";

static int by_row(const void *a, const void *b)
{
    const struct jt_guess_count *x = a, *y = b;
    return x->day != y->day ? (x->day < y->day ? -1 : 1)
                            : memcmp(x->class_mac, y->class_mac, sizeof x->class_mac);
}

static void read_count(struct jt_row *row, struct jt_guess_count *out)
{
    out->day = jt_row_u31(row, 0);
    jt_row_uuid(row, 1, out->class_mac);
    out->n = jt_row_u31(row, 2);
}

/* Each row that was asked for, and no other. */
static enum jt_err take_rows(const PGresult *res, struct jt_guess_count *counts, size_t n)
{
    if ((size_t)PQntuples(res) != n) {
        return JT_ERR_DB_UNTRUE;
    }
    for (size_t i = 0; i < n; i++) {
        struct jt_guess_count count = { .n = 0 };
        struct jt_row row = jt_row_init(res, (int)i);
        read_count(&row, &count);
        enum jt_err err = jt_row_status(&row);
        struct jt_guess_count *mine =
            err == JT_OK ? bsearch(&count, counts, n, sizeof *counts, by_row) : NULL;
        if (mine == NULL || count.n < mine->n) {
            return err == JT_OK ? JT_ERR_DB_UNTRUE : err;
        }
        mine->n = count.n;
    }
    return JT_OK;
}

enum jt_err jt_guesses_add(struct jt_db *db, struct jt_guess_count *counts, size_t n)
{
    struct jt_params p;
    PGresult *res = NULL;
    enum jt_err err = n <= JT_GUESS_BATCH ? jt_db_ensure(db) : JT_ERR_LIMIT;
    if (err != JT_OK) {
        return err;
    }
    qsort(counts, n, sizeof *counts, by_row);
    jt_params_init(&p);
    jt_params_array(&p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(&p, counts[i].day);
    }
    jt_params_array(&p, JT_PG_UUID_ARRAY, n, JT_ROW_MAC_LEN);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(&p, counts[i].class_mac, JT_ROW_MAC_LEN);
    }
    jt_params_array(&p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(&p, counts[i].n);
    }
    err = jt_db_query(db, add, &p, &res);
    if (err == JT_OK) {
        err = take_rows(res, counts, n);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_guesses_of_day(struct jt_db *db, uint32_t day, uint32_t max, jt_guess_count_fn *each,
                              void *arg)
{
    static const char sql[] = "SELECT day, class, n FROM guess WHERE day = $1::int4 "
                              "ORDER BY n DESC LIMIT $2::int4";
    struct jt_params p;
    PGresult *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u31(&p, day);
    jt_params_u31(&p, max);
    err = jt_db_query(db, sql, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_guess_count count = { .n = 0 };
        struct jt_row row = jt_row_init(res, i);
        read_count(&row, &count);
        err = jt_row_status(&row);
        if (err == JT_OK && count.day != day) {
            err = JT_ERR_DB_FAULT;
        }
        if (err == JT_OK) {
            each(arg, &count);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_guesses_prune(struct jt_db *db, uint32_t today, uint64_t *n)
{
    static const char sql[] =
        "DELETE FROM guess WHERE (day, class) IN (SELECT day, class FROM guess "
        "WHERE day <= $1::int4 - " JT_SQL_NUMBER(JT_GUESS_DAYS) " LIMIT " JT_SQL_NUMBER(
            JT_GUESS_BATCH) ")";
    struct jt_params p;
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u31(&p, today);
    return jt_db_change(db, sql, &p, n);
}
