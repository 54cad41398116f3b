/* SPDX-License-Identifier: Apache-2.0 */
#include "store/held_use.h"

#include "store/columns.h"
#include "store/query.h"

/* Arrays of flags travel as smallints. */
static void add(struct jt_params *p, const struct jt_held_used *used, size_t n)
{
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, used[i].field);
    }
    jt_params_array(p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(p, used[i].generation);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, used[i].sealed);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, used[i].opened);
    }
}

enum jt_err jt_held_use_record(struct jt_db *db, const char *node, const struct jt_held_used *used,
                               size_t n)
{
    static const char sql[] =
        "INSERT INTO held_use AS h (field, generation, node, last_seal, last_open) "
        "SELECT u.field, u.generation, $1::text, CASE WHEN u.sealed = 1 THEN now() END, "
        "CASE WHEN u.opened = 1 THEN now() END "
        "FROM unnest($2::int4[], $3::int8[], $4::int2[], $5::int2[]) AS u (field, generation, "
        "sealed, opened) "
        "ON CONFLICT (field, generation, node) DO UPDATE SET "
        "last_seal = coalesce(excluded.last_seal, h.last_seal), "
        "last_open = coalesce(excluded.last_open, h.last_open)";
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node);
    add(&p, used, n);
    uint64_t n_changed = 0;
    err = jt_db_change(db, sql, &p, &n_changed);
    return err == JT_OK && n_changed != n ? JT_ERR_DB_UNTRUE : err;
}

#define LAST(FIRST, NEXT, t)                                        \
    FIRST(TEXT, t "name", field)                                    \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME("max(h.last_seal)"), sealed_at) \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME("max(h.last_open)"), opened_at)

static JT_COLUMNS_READER(read_last, LAST, struct jt_held_last);

enum jt_err jt_held_use_list(struct jt_db *db, uint64_t generation, jt_held_last_fn *each,
                             void *arg)
{
    struct jt_params p;
    PGresult *res;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    err = jt_db_query(
        db,
        "SELECT " JT_COLUMNS(
            LAST,
            "f.") " FROM held_use h JOIN field f ON f.id = "
                  "h.field WHERE h.generation = $1::int8 GROUP BY f.id, f.name ORDER BY f.name",
        &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_held_last last;
        struct jt_row row = jt_row_init(res, i);
        read_last(&row, 0, &last);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &last);
        }
    }
    PQclear(res);
    return err;
}
