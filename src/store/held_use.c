/* SPDX-License-Identifier: Apache-2.0 */
#include "store/held_use.h"

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
