/* SPDX-License-Identifier: Apache-2.0 */
#include "store/shape.h"

#include "store/migrations.h"
#include "store/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE_MAX (256u << 10)

/*
 * Facts of the tables in the namespace whose OID is $1: kind, table and fact, all text. Names
 * inside definitions are printed by the server without a schema where that is first in the search
 * path, as it is for model and tables alike; whatever is printed with one is not what the
 * migrations named.
 *
 * A table of the model is temporary because it is the model; that alone is left out, and most of
 * the partitions of the audit, which come and go with the months: that they are tables and logged
 * is said of all together. What else somebody does to one of them is seen by each statement that
 * writes to it, and by the chain.
 */
/* SQL is laid out by hand. */
/* clang-format off */
#define TABLES \
    "tables AS (SELECT c.* FROM pg_class c WHERE c.relnamespace = $1::oid " \
    "AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT (c.relispartition AND c.relname ~ " \
    "'^audit_[0-9]{4}_[0-9]{2}$'))"
/* Of the model every table is temporary. These two are of use for a minute only. */
#define PERSISTENCE \
    "CASE WHEN $1::oid <> pg_my_temp_schema() THEN c.relpersistence::text " \
    "WHEN c.relname IN ('adoption', 'parcel') THEN 'u' ELSE 'p' END"
#define OF_TABLES(alias, column) "FROM " alias " JOIN tables c ON c.oid = " column " "

#define DESCRIPTION \
    TABLES ", facts (kind, name, fact) AS (" \
    "SELECT 'table', c.relname::text, concat_ws(' ', c.relkind, " \
    PERSISTENCE ", " \
    "am.amname, c.relispartition, c.relrowsecurity, c.relforcerowsecurity) " \
    "FROM tables c LEFT JOIN pg_am am ON am.oid = c.relam " \
    "UNION ALL SELECT 'column', c.relname::text, concat_ws(' ', a.attname, " \
    "format_type(a.atttypid, a.atttypmod), " \
    "CASE WHEN a.attnotnull THEN 'not null' END, nullif(a.attidentity, ''), " \
    "nullif(a.attgenerated, ''), " \
    "CASE WHEN a.attcollation <> 0 THEN (SELECT l.collname FROM pg_collation l WHERE l.oid = " \
    "a.attcollation) END, " \
    "pg_get_expr(d.adbin, d.adrelid)) " \
    OF_TABLES("pg_attribute a", "a.attrelid") \
    "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attnum > 0 " \
    "AND NOT a.attisdropped " \
    "UNION ALL SELECT 'constraint', c.relname::text, concat_ws(' ', pg_get_constraintdef(k.oid, " \
    "true), " \
    "CASE WHEN NOT k.convalidated THEN 'not valid' END, CASE WHEN k.condeferrable THEN " \
    "'deferrable' END) " \
    OF_TABLES("pg_constraint k", "k.conrelid") "WHERE k.contype <> 't' " \
    "UNION ALL SELECT CASE WHEN i.indisunique OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL " \
    "THEN 'index' " \
    "ELSE 'plain index' END, c.relname::text, concat_ws(' ', pg_get_indexdef(i.indexrelid, 0, " \
    "true), " \
    "CASE WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN 'not valid' END, " \
    "CASE WHEN NOT i.indimmediate THEN 'deferrable' END) " \
    OF_TABLES("pg_index i", "i.indrelid") \
    "UNION ALL SELECT 'trigger', c.relname::text, concat_ws(' ', CASE WHEN NOT t.tgisinternal " \
    "THEN t.tgname END, " \
    "t.tgfoid::regproc, t.tgtype, t.tgenabled) " OF_TABLES("pg_trigger t", "t.tgrelid") \
    "UNION ALL SELECT 'rule', c.relname::text, r.rulename::text " OF_TABLES("pg_rewrite " \
        "r", "r.ev_class") \
    "UNION ALL SELECT 'policy', c.relname::text, p.polname::text " \
    OF_TABLES("pg_policy p", "p.polrelid") \
    "UNION ALL SELECT DISTINCT 'partitions', c.relname::text, concat_ws(' ', m.relkind, " \
    "CASE WHEN $1::oid = pg_my_temp_schema() THEN 'p' ELSE m.relpersistence::text END, " \
    "m.relrowsecurity) " OF_TABLES("pg_inherits h", "h.inhparent") \
    "JOIN pg_class m ON m.oid = h.inhrelid WHERE c.relname = 'audit' " \
    "UNION ALL SELECT 'parent of', c.relname::text, h.inhrelid::regclass::text " \
    OF_TABLES("pg_inherits h", "h.inhparent") "WHERE c.relname <> 'audit' " \
    "UNION ALL SELECT 'child of', c.relname::text, h.inhparent::regclass::text " \
    OF_TABLES("pg_inherits h", "h.inhrelid") \
    "UNION ALL SELECT 'function', p.proname::text, '' FROM pg_proc p WHERE " \
    "p.pronamespace = $1::oid " \
    "UNION ALL SELECT 'operator', o.oprname::text, '' FROM pg_operator o WHERE " \
    "o.oprnamespace = $1::oid" \
    "), lines (kind, name, line) AS (SELECT kind, name, " \
    "translate(kind || ' ' || name || ': ' || fact, E'\\n\\r', '  ') FROM facts)"

static const char describe_model[] =
    "WITH " DESCRIPTION " "
    "SELECT convert_to(coalesce(string_agg(line, E'\\n'), ''), 'UTF8') FROM lines";

/*
 * $2 the model's lines. Tables that the model does not have are nobody's concern here: the record
 * of the migrations, and what operators keep beside it. An index that is neither unique nor over an
 * expression may stand there besides. Rights: each table of the model must be there to be read and
 * written; the audit is appended to.
 */
#define RIGHTS_OF(name) \
    "CASE WHEN " name " = 'audit' THEN 'SELECT, INSERT' " \
    "WHEN " name " IN ('node', 'parcel', 'adoption', 'retirement_range', 'retirement_worker', " \
    "'retirement_sample', 'stuck_card', 'write_off', 'quarantine', " \
    "'column_count') " \
    "THEN 'SELECT, INSERT, UPDATE, DELETE' " \
    "ELSE 'SELECT, INSERT, UPDATE' END"
static const char find_differences[] =
    "WITH " DESCRIPTION ", "
    "model (line) AS (SELECT unnest(string_to_array(convert_from($2::bytea, 'UTF8'), E'\\n'))), "
    "known (name) AS (SELECT substring(line FROM '^table ([^:]*):') FROM model WHERE line LIKE "
    "'table %'), "
    "differences (line) AS ("
    "(SELECT 'missing: ' || line FROM model EXCEPT ALL SELECT 'missing: ' || line FROM lines) "
    "UNION ALL "
    "(SELECT 'not of the schema: ' || line FROM lines WHERE kind <> 'plain index' AND "
    "(name IN (SELECT name FROM known) OR kind IN ('function', 'operator')) "
    "EXCEPT ALL SELECT 'not of the schema: ' || line FROM model) UNION ALL "
    "SELECT 'no right to ' || r.need || ' on table ' || k.name FROM known k JOIN tables c ON "
    "c.relname = k.name "
    "CROSS JOIN LATERAL unnest(string_to_array(" RIGHTS_OF("k.name") ", ', ')) AS r (need) "
    "WHERE NOT has_table_privilege(c.oid, r.need)) "
    "SELECT count(*), left(coalesce(string_agg(line, '; ' ORDER BY line !~ ': table ', line), ''), "
    "250) FROM differences"; /* at most 1,000 bytes */
/* clang-format on */

void jt_shape_clear(struct jt_shape *shape)
{
    free(shape->text);
    shape->text = NULL;
}

/* The OID of a namespace, as text. */
static enum jt_err find_namespace(struct jt_db *db, const char *sql, char out[static 16])
{
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, sql, NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, out, 16);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

static enum jt_err take_text(struct jt_db *db, const char *oid, struct jt_shape *shape)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, oid);
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, describe_model, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        size_t len;
        const uint8_t *text = jt_row_bytes(&row, 0, SHAPE_MAX, &len);
        shape->text = text == NULL ? NULL : strndup((const char *)text, len);
        err = row.bad ? JT_ERR_DB_FAULT : shape->text == NULL ? JT_ERR_NOMEM : JT_OK;
    }
    PQclear(res);
    return err;
}

/* Inside a transaction that will be rolled back. */
static enum jt_err run_model(struct jt_db *db, struct jt_shape *shape)
{
    enum jt_err err = jt_db_script(db, "SET LOCAL search_path = pg_temp");
    for (int i = 0; i < jt_n_migrations && err == JT_OK; i++) {
        err = jt_db_script(db, jt_migrations[i].sql);
    }
    char oid[16];
    if (err == JT_OK) {
        err = find_namespace(db, "SELECT pg_my_temp_schema()::text", oid);
    }
    return err == JT_OK ? take_text(db, oid, shape) : err;
}

enum jt_err jt_shape_learn(struct jt_db *db, struct jt_shape *shape)
{
    jt_shape_clear(shape);
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    err = run_model(db, shape);
    /* Rolled back in any case. */
    enum jt_err ended = jt_db_end(db, err == JT_OK ? JT_ERR_ROLLED_BACK : err);
    return err == JT_OK && ended == JT_ERR_ROLLED_BACK ? JT_OK : ended;
}

enum jt_err jt_shape_check(struct jt_db *db, const struct jt_shape *shape,
                           char message[static JT_SHAPE_MESSAGE])
{
    message[0] = '\0';
    char oid[16];
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = find_namespace(db, "SELECT coalesce(to_regnamespace('jeton')::oid::text, '0')", oid);
    }
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, oid);
    jt_params_bytes(&p, shape->text, strlen(shape->text));
    PGresult *res;
    err = jt_db_query_one(db, find_differences, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        uint64_t n = jt_row_u63(&row, 0);
        jt_row_text(&row, 1, message, JT_SHAPE_MESSAGE);
        err = row.bad ? JT_ERR_DB_FAULT : n > 0 ? JT_ERR_OUT_OF_SHAPE : JT_OK;
    }
    PQclear(res);
    return err;
}
