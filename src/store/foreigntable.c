/* SPDX-License-Identifier: Apache-2.0 */
#include "store/foreigntable.h"

#include "base/secmem.h"
#include "store/query.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the application's clock, not of ours: an index of ten million rows takes its time. */
#define NO_TIMEOUT 0

/* --- the connection --- */

/* A password on a command line is everybody's. */
static bool has_password(const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    bool found = false;
    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        found = found ||
                ((strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0) &&
                 o->val != NULL);
    }
    PQconninfoFree(options);
    return found;
}

enum jt_err jt_foreign_open(const char *conninfo, struct jt_foreign *out)
{
    *out = (struct jt_foreign){ 0 };
    if (has_password(conninfo)) {
        return JT_ERR_BAD_CONNINFO;
    }
    enum jt_err err = jt_db_new(conninfo, "jeton column", NO_TIMEOUT, &out->db);
    return err == JT_OK ? jt_db_ensure(out->db) : err;
}

void jt_foreign_close(struct jt_foreign *f)
{
    jt_db_free(f->db);
    f->db = NULL;
}

enum jt_err jt_foreign_database(struct jt_foreign *f)
{
    PGresult *res;
    enum jt_err err = jt_db_query_one(f->db, "SELECT current_database()::text", NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, f->column.database, sizeof f->column.database);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

/* --- names of what is made --- */

/* FNV-1a: draft-eastlake-fnv. */
static uint32_t checksum(const char *table, const char *column)
{
    uint32_t sum = 2166136261u;
    for (const char *p = table; *p != '\0'; p++) {
        sum = (sum ^ (uint8_t)*p) * 16777619u;
    }
    sum *= 16777619u; /* a NUL between them */
    for (const char *p = column; *p != '\0'; p++) {
        sum = (sum ^ (uint8_t)*p) * 16777619u;
    }
    return sum;
}

/*
 * A table may have several registered columns, so the names of both are in it; where these are too
 * long, so much of them as has room, and a checksum.
 */
static void name_made(const struct jt_foreign *f, const char *column, const char *suffix,
                      char out[static JT_APP_NAME_MAX + 1])
{
    const char *table = f->column.table;
    int n = snprintf(out, JT_APP_NAME_MAX + 1, "%s_%s_%s", table, column, suffix);
    if (n < 0 || n > JT_APP_NAME_MAX) {
        (void)snprintf(out, JT_APP_NAME_MAX + 1, "%.19s_%.15s_%08x_%s", table, column,
                       checksum(table, column), suffix);
    }
}

static void name_indices(const struct jt_foreign *f, char plain[static JT_APP_NAME_MAX + 1],
                         char key_id[static JT_APP_NAME_MAX + 1])
{
    name_made(f, f->column.value, "jeton_plain", plain);
    name_made(f, f->column.envelope, "jeton_key_id", key_id);
}

/* --- the catalogue --- */

/* SQL is laid out by hand. */
/* clang-format off */
static const char look_up[] =
    "SELECT c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid) "
    "AND k.attnum IS NOT NULL "
    "AND kt.typname IN ('int2', 'int4', 'int8', 'numeric', 'text', 'varchar', 'bpchar', 'uuid') "
    "AND kt.typnamespace = 'pg_catalog'::regnamespace AND k.attgenerated = '' "
    "AND (v.attnum IS NULL OR (vt.typname IN ('int8', 'numeric', 'text', 'varchar', 'bpchar') "
    "AND vt.typnamespace = 'pg_catalog'::regnamespace AND v.attgenerated = '')) "
    "AND (e.attnum IS NULL OR (et.oid = 'bytea'::regtype AND e.attgenerated = '')), "
    "v.attnum IS NOT NULL, "
    "coalesce(et.oid = 'bytea'::regtype, false), "
    "NOT coalesce(v.attnotnull, true), "
    "coalesce(k.attnotnull, false) AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid "
    "AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL "
    "AND i.indnkeyatts = 1 AND i.indkey[0] = k.attnum), "
    "EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid "
    "JOIN pg_am a ON a.oid = x.relam WHERE i.indrelid = c.oid AND a.amname = 'btree' "
    "AND i.indisvalid AND i.indisready AND i.indnkeyatts = 1 AND i.indkey[0] = k.attnum "
    "AND pg_get_expr(i.indpred, i.indrelid) = '(' || quote_ident($4) || ' IS NOT NULL)'), "
    "EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid "
    "JOIN pg_am a ON a.oid = x.relam WHERE i.indrelid = c.oid AND a.amname = 'btree' "
    "AND i.indisvalid AND i.indisready AND i.indnkeyatts = 2 AND i.indkey[0] = 0 "
    "AND i.indkey[1] = k.attnum "
    "AND pg_get_expr(i.indexprs, i.indrelid) = 'get_byte(' || quote_ident($5) || ', 0)' "
    "AND pg_get_expr(i.indpred, i.indrelid) = '(' || quote_ident($5) || ' IS NOT NULL)'), "
    "pg_is_in_recovery(), coalesce(kt.typname, '')::text, "
    "EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid "
    "WHERE i.indrelid = c.oid AND x.relname = $6), "
    "EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid "
    "WHERE i.indrelid = c.oid AND x.relname = $7) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname = $3 AND k.attnum > 0 "
    "AND NOT k.attisdropped LEFT JOIN pg_type kt ON kt.oid = k.atttypid "
    "LEFT JOIN pg_attribute v ON v.attrelid = c.oid AND v.attname = $4 AND v.attnum > 0 "
    "AND NOT v.attisdropped LEFT JOIN pg_type vt ON vt.oid = v.atttypid "
    "LEFT JOIN pg_attribute e ON e.attrelid = c.oid AND e.attname = $5 AND e.attnum > 0 "
    "AND NOT e.attisdropped LEFT JOIN pg_type et ON et.oid = e.atttypid "
    "WHERE n.nspname = $1 AND c.relname = $2";
/* clang-format on */

enum jt_err jt_foreign_inspect(struct jt_foreign *f)
{
    char plain[JT_APP_NAME_MAX + 1], key_id[JT_APP_NAME_MAX + 1];
    struct jt_params p;
    PGresult *res;
    name_indices(f, plain, key_id);
    (void)snprintf(f->table, sizeof f->table, "\"%s\".\"%s\"", f->column.schema, f->column.table);
    jt_params_init(&p);
    jt_params_text(&p, f->column.schema);
    jt_params_text(&p, f->column.table);
    jt_params_text(&p, f->column.key);
    jt_params_text(&p, f->column.value);
    jt_params_text(&p, f->column.envelope);
    jt_params_text(&p, plain);
    jt_params_text(&p, key_id);
    enum jt_err err = jt_db_query_one(f->db, look_up, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        f->is_table = jt_row_bool(&row, 0);
        f->has_value = jt_row_bool(&row, 1);
        f->has_envelope = jt_row_bool(&row, 2);
        f->value_null = jt_row_bool(&row, 3);
        f->key_unique = jt_row_bool(&row, 4);
        f->by_value = jt_row_bool(&row, 5);
        f->by_key_id = jt_row_bool(&row, 6);
        f->is_standby = jt_row_bool(&row, 7);
        jt_row_text(&row, 8, f->key_type, sizeof f->key_type);
        f->plain_in_way = jt_row_bool(&row, 9);
        f->key_id_in_way = jt_row_bool(&row, 10);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_OK : err; /* there is no such table */
}

/* --- making what is missing --- */

bool jt_foreign_preparation(const struct jt_foreign *f, int i, char sql[static JT_FOREIGN_SQL_MAX])
{
    const struct jt_appcolumn *c = &f->column;
    char plain[JT_APP_NAME_MAX + 1], key_id[JT_APP_NAME_MAX + 1];
    bool by_value = f->by_value || !f->has_value;
    /* An index of the name that does not serve is what a broken attempt has left. */
    const bool due[] = {
        !f->has_envelope, f->has_value && !f->value_null,    !by_value && f->plain_in_way,
        !by_value,        !f->by_key_id && f->key_id_in_way, !f->by_key_id
    };
    int at = 0, n_due = (int)(sizeof due / sizeof due[0]), n = -1;
    while (at < n_due && (!due[at] || i-- > 0)) {
        at++;
    }
    name_indices(f, plain, key_id);
    switch (at) {
    case 0:
        n = snprintf(sql, JT_FOREIGN_SQL_MAX, "ALTER TABLE %s ADD COLUMN \"%s\" bytea", f->table,
                     c->envelope);
        break;
    case 1:
        n = snprintf(sql, JT_FOREIGN_SQL_MAX, "ALTER TABLE %s ALTER COLUMN \"%s\" DROP NOT NULL",
                     f->table, c->value);
        break;
    case 2:
    case 4:
        n = snprintf(sql, JT_FOREIGN_SQL_MAX, "DROP INDEX CONCURRENTLY \"%s\".\"%s\"", c->schema,
                     at == 2 ? plain : key_id);
        break;
    case 3:
        n = snprintf(sql, JT_FOREIGN_SQL_MAX,
                     "CREATE INDEX CONCURRENTLY \"%s\" ON %s (\"%s\") WHERE \"%s\" IS NOT NULL",
                     plain, f->table, c->key, c->value);
        break;
    case 5:
        n = snprintf(sql, JT_FOREIGN_SQL_MAX,
                     "CREATE INDEX CONCURRENTLY \"%s\" ON %s (get_byte(\"%s\", 0), \"%s\") "
                     "WHERE \"%s\" IS NOT NULL",
                     key_id, f->table, c->envelope, c->key, c->envelope);
    }
    return n > 0 && n < JT_FOREIGN_SQL_MAX;
}

enum jt_err jt_foreign_run(struct jt_foreign *f, const char *sql)
{
    /* CREATE INDEX CONCURRENTLY waits for old transactions, and holds nobody up by it */
    bool waits_well = strstr(sql, "CONCURRENTLY") != NULL;
    enum jt_err err =
        jt_db_script(f->db, waits_well ? "SET lock_timeout = 0" : "SET lock_timeout = '3s'");
    if (err == JT_OK) {
        err = jt_db_script(f->db, sql);
    }
    if (err == JT_OK) {
        err = jt_db_script(f->db, "SET lock_timeout = 0");
    }
    return err;
}

void jt_foreign_forbid(const struct jt_foreign *f, char sql[static JT_FOREIGN_SQL_MAX])
{
    char name[JT_APP_NAME_MAX + 1];
    name_made(f, f->column.value, "jeton_no_plain", name);
    (void)snprintf(sql, JT_FOREIGN_SQL_MAX,
                   "ALTER TABLE %s ADD CONSTRAINT \"%s\" CHECK (\"%s\" IS NULL) NOT VALID",
                   f->table, name, f->column.value);
}

enum jt_err jt_foreign_is_forbidden(struct jt_foreign *f, bool *out)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, f->table);
    jt_params_text(&p, f->column.value);
    return jt_db_ask(f->db,
                     "SELECT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = "
                     "$1::text::regclass AND k.contype = 'c' AND pg_get_expr(k.conbin, "
                     "k.conrelid) = '(' || quote_ident($2) || ' IS NULL)')",
                     &p, out);
}

/* --- rows --- */

void jt_foreign_rows_clear(struct jt_foreign_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        free(rows->all[i].key);
    }
    if (rows->all != NULL) {
        jt_wipe(rows->all, rows->n * sizeof *rows->all);
    }
    free(rows->all);
    *rows = (struct jt_foreign_rows){ 0 };
}

/* Columns key, value, version, envelope: NULL where there is none. */
static enum jt_err take_rows(const PGresult *res, struct jt_foreign_rows *out)
{
    int n = PQntuples(res);
    out->all = calloc((size_t)n + 1, sizeof *out->all);
    if (out->all == NULL) {
        return JT_ERR_NOMEM;
    }
    for (int i = 0; i < n; i++) {
        struct jt_foreign_row *r = &out->all[i];
        struct jt_row row = jt_row_init(res, i);
        r->key = strndup(PQgetvalue(res, i, 0), (size_t)PQgetlength(res, i, 0));
        out->n = (size_t)i + 1;
        jt_row_text_or_empty(&row, 1, r->value, sizeof r->value);
        jt_row_text_or_empty(&row, 2, r->version, sizeof r->version);
        r->envelope_len = jt_row_is_null(&row, 3)
                              ? 0
                              : (uint8_t)jt_row_copy(&row, 3, r->envelope, sizeof r->envelope);
        if (r->key == NULL) {
            return JT_ERR_NOMEM;
        }
        if (jt_row_status(&row) != JT_OK) {
            return jt_row_status(&row);
        }
    }
    return JT_OK;
}

static enum jt_err ask_rows(struct jt_foreign *f, struct jt_params *p, struct jt_foreign_rows *out,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

/* `out` is cleared on failure. */
static enum jt_err ask_rows(struct jt_foreign *f, struct jt_params *p, struct jt_foreign_rows *out,
                            const char *format, ...)
{
    char sql[JT_FOREIGN_SQL_MAX];
    PGresult *res = NULL;
    va_list args;
    *out = (struct jt_foreign_rows){ 0 };
    va_start(args, format);
    int n = vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    enum jt_err err = n > 0 && (size_t)n < sizeof sql ? JT_OK : JT_ERR_LIMIT;
    if (err == JT_OK) {
        err = jt_db_query(f->db, sql, p, &res);
    }
    if (err == JT_OK) {
        err = take_rows(res, out);
    }
    PQclear(res);
    if (err != JT_OK) {
        jt_foreign_rows_clear(out);
    }
    return err;
}

#define VALUE "CASE WHEN octet_length(t.\"%s\"::text) <= 64 THEN t.\"%s\"::text END"

/* The condition that goes on behind a key: parameter `n`, where there is one. */
static void behind(const struct jt_foreign *f, const char *after, int n, char *out, size_t size)
{
    out[0] = '\0';
    if (after != NULL) {
        (void)snprintf(out, size, "AND t.\"%s\" > $%d::text::%s ", f->column.key, n, f->key_type);
    }
}

enum jt_err jt_foreign_next_plain(struct jt_foreign *f, const char *after, bool unsealed,
                                  size_t limit, struct jt_foreign_rows *out)
{
    const struct jt_appcolumn *c = &f->column;
    char from[200], without[100] = "";
    struct jt_params p;
    jt_params_init(&p);
    behind(f, after, 1, from, sizeof from);
    if (after != NULL) {
        jt_params_text(&p, after);
    }
    if (unsealed) {
        (void)snprintf(without, sizeof without, "AND t.\"%s\" IS NULL ", c->envelope);
    }
    return ask_rows(f, &p, out,
                    "SELECT t.\"%s\"::text, " VALUE ", t.ctid::text || ' ' || t.xmin::text, "
                    "NULL::bytea FROM %s t WHERE t.\"%s\" IS NOT NULL %s%s"
                    "ORDER BY t.\"%s\" LIMIT %zu",
                    c->key, c->value, c->value, f->table, c->value, from, without, c->key, limit);
}

enum jt_err jt_foreign_next_sealed(struct jt_foreign *f, uint8_t key_id, const char *after,
                                   size_t limit, struct jt_foreign_rows *out)
{
    const struct jt_appcolumn *c = &f->column;
    char from[200];
    struct jt_params p;
    jt_params_init(&p);
    behind(f, after, 1, from, sizeof from);
    if (after != NULL) {
        jt_params_text(&p, after);
    }
    return ask_rows(f, &p, out,
                    "SELECT t.\"%s\"::text, NULL::text, NULL::text, CASE WHEN "
                    "octet_length(t.\"%s\") <= 64 THEN t.\"%s\" END FROM %s t "
                    "WHERE t.\"%s\" IS NOT NULL AND get_byte(t.\"%s\", 0) = %d %s"
                    "ORDER BY t.\"%s\" LIMIT %zu",
                    c->key, c->envelope, c->envelope, f->table, c->envelope, c->envelope, key_id,
                    from, c->key, limit);
}

enum jt_err jt_foreign_sample(struct jt_foreign *f, size_t limit, struct jt_foreign_rows *out)
{
    const struct jt_appcolumn *c = &f->column;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, f->table);
    /* as many blocks as rows are wanted: some have none, most have dozens */
    return ask_rows(f, &p, out,
                    "SELECT t.\"%s\"::text, NULL::text, NULL::text, CASE WHEN "
                    "octet_length(t.\"%s\") <= 64 THEN t.\"%s\" END FROM %s t "
                    "TABLESAMPLE SYSTEM ((SELECT least(100, 100.0 * %zu / greatest(1, "
                    "pg_relation_size($1::text::regclass) / current_setting('block_size')::int8)"
                    "))) WHERE t.\"%s\" IS NOT NULL LIMIT %zu",
                    c->key, c->envelope, c->envelope, f->table, limit, c->envelope, limit);
}

static enum jt_err ask_number(struct jt_foreign *f, const char *sql, struct jt_params *p,
                              uint64_t *out)
{
    PGresult *res;
    enum jt_err err = jt_db_query_one(f->db, sql, p, &res);
    *out = 0;
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *out = jt_row_u63(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

/* --- writing --- */

/*
 * $1 keys, $2 what was read, $3 what is to be written. The row is locked first, where nobody else
 * has it and it is as it was read; what is locked cannot change any more. Those count that are as
 * they were to be: a trigger may have put something else.
 */
static enum jt_err write_rows(struct jt_foreign *f, const struct jt_foreign_rows *rows,
                              const char *as_read, const char *set, const char *done,
                              bool by_version, uint64_t *n)
{
    const char *key = f->column.key;
    char sql[JT_FOREIGN_SQL_MAX];
    struct jt_params p;
    size_t n_fresh = 0;
    *n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        n_fresh += rows->all[i].fresh_len > 0;
    }
    if (n_fresh == 0) {
        return JT_OK;
    }
    jt_params_init(&p);
    jt_params_array(&p, JT_PG_TEXT_ARRAY, n_fresh, 16);
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->all[i].fresh_len > 0) {
            jt_params_add_bytes(&p, rows->all[i].key, strlen(rows->all[i].key));
        }
    }
    jt_params_array(&p, by_version ? JT_PG_TEXT_ARRAY : JT_PG_BYTEA_ARRAY, n_fresh, 32);
    for (size_t i = 0; i < rows->n; i++) {
        const struct jt_foreign_row *r = &rows->all[i];
        if (r->fresh_len > 0 && by_version) {
            jt_params_add_bytes(&p, r->version, strlen(r->version));
        } else if (r->fresh_len > 0) {
            jt_params_add_bytes(&p, r->envelope, r->envelope_len);
        }
    }
    jt_params_array(&p, JT_PG_BYTEA_ARRAY, n_fresh, 32);
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->all[i].fresh_len > 0) {
            jt_params_add_bytes(&p, rows->all[i].fresh, rows->all[i].fresh_len);
        }
    }
    int len = snprintf(
        sql, sizeof sql,
        "WITH w AS (SELECT t.\"%s\" AS k, u.fresh FROM unnest($1, $2, $3) AS u (k, was, fresh) "
        "JOIN %s t ON t.\"%s\" = u.k::%s AND %s = u.was FOR NO KEY UPDATE OF t SKIP LOCKED), "
        "d AS (UPDATE %s t SET %s FROM w WHERE t.\"%s\" = w.k RETURNING %s AS done) "
        "SELECT count(*) FILTER (WHERE done) FROM d",
        key, f->table, key, f->key_type, as_read, f->table, set, key, done);
    if (len < 0 || (size_t)len >= sizeof sql) {
        jt_params_clear(&p);
        return JT_ERR_LIMIT;
    }
    enum jt_err err = jt_db_begin(f->db);
    if (err != JT_OK) {
        jt_params_clear(&p);
        return err;
    }
    return jt_db_end(f->db, ask_number(f, sql, &p, n));
}

enum jt_err jt_foreign_seal(struct jt_foreign *f, const struct jt_foreign_rows *rows,
                            bool keep_plain, uint64_t *n)
{
    const char *e = f->column.envelope, *v = f->column.value;
    char set[200], done[200];
    (void)snprintf(set, sizeof set,
                   keep_plain ? "\"%s\" = w.fresh" : "\"%s\" = w.fresh, \"%s\" = NULL", e, v);
    (void)snprintf(done, sizeof done,
                   keep_plain ? "t.\"%s\" = w.fresh" : "t.\"%s\" = w.fresh AND t.\"%s\" IS NULL", e,
                   v);
    return write_rows(f, rows, "t.ctid::text || ' ' || t.xmin::text", set, done, true, n);
}

enum jt_err jt_foreign_reseal(struct jt_foreign *f, const struct jt_foreign_rows *rows, uint64_t *n)
{
    char set[100], as_read[100], done[100];
    (void)snprintf(set, sizeof set, "\"%s\" = w.fresh", f->column.envelope);
    (void)snprintf(as_read, sizeof as_read, "t.\"%s\"", f->column.envelope);
    (void)snprintf(done, sizeof done, "t.\"%s\" = w.fresh", f->column.envelope);
    return write_rows(f, rows, as_read, set, done, false, n);
}

/* --- counting --- */

enum jt_err jt_foreign_count_plain(struct jt_foreign *f, uint64_t *n)
{
    char sql[JT_FOREIGN_SQL_MAX];
    *n = 0;
    if (!f->has_value) {
        return JT_OK;
    }
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s t WHERE t.\"%s\" IS NOT NULL",
                   f->table, f->column.value);
    return ask_number(f, sql, NULL, n);
}

enum jt_err jt_foreign_count_sealed(struct jt_foreign *f, uint8_t key_id, uint64_t *n)
{
    const char *e = f->column.envelope;
    char sql[JT_FOREIGN_SQL_MAX];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM %s t WHERE t.\"%s\" IS NOT NULL AND "
                   "get_byte(t.\"%s\", 0) = %d",
                   f->table, e, e, key_id);
    return ask_number(f, sql, NULL, n);
}

enum jt_err jt_foreign_next_key_id(struct jt_foreign *f, uint8_t above, uint8_t *out)
{
    const char *e = f->column.envelope, *k = f->column.key;
    char sql[JT_FOREIGN_SQL_MAX];
    uint64_t found = 0;
    (void)snprintf(sql, sizeof sql,
                   "SELECT coalesce((SELECT get_byte(t.\"%s\", 0) FROM %s t WHERE t.\"%s\" IS NOT "
                   "NULL AND get_byte(t.\"%s\", 0) > %d ORDER BY get_byte(t.\"%s\", 0), t.\"%s\" "
                   "LIMIT 1), 0)::int8",
                   e, f->table, e, e, above, e, k);
    enum jt_err err = ask_number(f, sql, NULL, &found);
    bool good = found == 0 || (found > above && found <= UINT8_MAX);
    *out = err == JT_OK && good ? (uint8_t)found : 0;
    return err == JT_OK && !good ? JT_ERR_PROTOCOL : err;
}

enum jt_err jt_foreign_begin_snapshot(struct jt_foreign *f)
{
    enum jt_err err = jt_db_ensure(f->db);
    return err == JT_OK ? jt_db_script(f->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                        : err;
}

void jt_foreign_end_snapshot(struct jt_foreign *f)
{
    enum jt_err err = jt_db_script(f->db, "ROLLBACK");
    (void)err; /* nothing was written: a session that is gone has ended it */
}
