/* SPDX-License-Identifier: Apache-2.0 */
#include "store/clients.h"

#include "store/audit_params.h"
#include "store/query.h"
#include "store/set_columns.h"
#include "store/sets.h"

#include <string.h>

#define COLUMNS JT_COLUMNS(JT_CLIENT_ROW, "")

JT_COLUMNS_READER(jt_client_row_read, JT_CLIENT_ROW, struct jt_client_row);
static JT_COLUMNS_PUTTER(put_row, JT_CLIENT_ROW, 8, struct jt_client_row);

/* Writes the row of a change by `sql`, $1 to $8, beside its set row; $9 is who did it. */
static enum jt_err write_row(struct jt_db *db, const char *sql,
                             const struct jt_client_change *change, const struct jt_act *act)
{
    enum jt_err err = jt_set_advance(db, &change->set);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, &change->row);
    jt_params_text(&p, act->actor);
    return jt_db_change_one(db, sql, &p);
}

/* The revision of the row tells whether it is as that left it. */
static enum jt_err record(struct jt_db *db, const struct jt_client_change *change,
                          const struct jt_act *act, enum jt_audit_action action, const char *object)
{
    enum jt_err err = jt_audit_act(db, act, action, 0, object);
    return err == JT_OK ? jt_db_remember(db, change->row.revision) : err;
}

static enum jt_err insert_row(struct jt_db *db, const struct jt_client_change *change,
                              const struct jt_act *act, const char *object)
{
    enum jt_err err = write_row(db,
                                "INSERT INTO client (" COLUMNS ", created_by) "
                                "VALUES (" JT_SQL_9_PARAMS ")",
                                change, act);
    if (err == JT_ERR_DB_DUPLICATE) {
        return JT_ERR_CLIENT_EXISTS;
    }
    return err == JT_OK ? record(db, change, act, JT_AUDIT_CLIENT_ADD, object) : err;
}

enum jt_err jt_client_insert_row(struct jt_db *db, const struct jt_client_change *change,
                                 const struct jt_act *act)
{
    return insert_row(db, change, act, change->row.spec.id);
}

enum jt_err jt_client_insert(struct jt_db *db, const struct jt_client_change *change,
                             const struct jt_act *act, const char *object)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    return jt_db_end(db, insert_row(db, change, act, object));
}

/* A client that gets a fresh key, or is let in again, is known: it is locked out no longer. */
static enum jt_err let_in(struct jt_db *db, const char *id, enum jt_audit_action action)
{
    static const char sql[] =
        "UPDATE login_failure SET n = 0, locked_until = NULL, last_at = now() "
        "WHERE client = $1";
    if (action != JT_AUDIT_CLIENT_ROTATE && action != JT_AUDIT_CLIENT_ENABLE &&
        action != JT_AUDIT_CLIENT_RECOVER) {
        return JT_OK;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, id);
    return jt_db_change(db, sql, &p, NULL);
}

static enum jt_err update_row(struct jt_db *db, const struct jt_client_change *change,
                              const struct jt_act *act, enum jt_audit_action action,
                              const char *object)
{
    static const char revoke[] = "UPDATE client SET (" COLUMNS ") = (" JT_SQL_8_PARAMS "), "
                                 "revoked_at = now(), revoked_by = $9 WHERE id = $1";
    static const char update[] = "UPDATE client SET (" COLUMNS ") = (" JT_SQL_8_PARAMS "), "
                                 "changed_at = now(), changed_by = $9 WHERE id = $1";
    bool revoked = change->row.state == JT_ROW_REVOKED;
    enum jt_err err = write_row(db, revoked ? revoke : update, change, act);
    if (err == JT_ERR_NO_CHANGE) {
        return JT_ERR_NO_CLIENT;
    }
    if (err == JT_OK) {
        err = let_in(db, change->row.spec.id, action);
    }
    return err == JT_OK ? record(db, change, act, action, object) : err;
}

enum jt_err jt_client_update(struct jt_db *db, const struct jt_client_change *change,
                             const struct jt_act *act, enum jt_audit_action action,
                             const char *object)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    return jt_db_end(db, update_row(db, change, act, action, object));
}

enum jt_err jt_client_get(struct jt_db *db, const char *id, struct jt_client_row *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, id);
    PGresult *res;
    err = jt_db_query_one(db, "SELECT " COLUMNS " FROM client WHERE id = $1", &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_client_row_read(&row, 0, out);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_CLIENT : err;
}

/* What the database adds to a row. */
#define ADDED(FIRST, NEXT, t)                                    \
    FIRST(TEXT, JT_SQL_TIME(t "created_at"), created_at)         \
    NEXT(TEXT, t "created_by", created_by)                       \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "revoked_at"), revoked_at) \
    NEXT(TEXT_OR_EMPTY, t "revoked_by", revoked_by)              \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "changed_at"), changed_at) \
    NEXT(TEXT_OR_EMPTY, t "changed_by", changed_by)

#define ADDED_COLUMNS JT_COLUMNS(ADDED, "")

static JT_COLUMNS_READER(read_added, ADDED, struct jt_client_info);

static enum jt_err list(struct jt_db *db, const char *sql, struct jt_params *p, jt_client_fn *each,
                        void *arg)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        jt_params_clear(p);
        return err;
    }
    PGresult *res;
    err = jt_db_query(db, sql, p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_client_info info = { 0 };
        struct jt_row row = jt_row_init(res, i);
        jt_client_row_read(&row, 0, &info.row);
        read_added(&row, JT_N_COLUMNS(JT_CLIENT_ROW), &info);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &info);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_clients_list(struct jt_db *db, const char *after, size_t max, jt_client_fn *each,
                            void *arg)
{
    static const char sql[] = "SELECT " COLUMNS ", " ADDED_COLUMNS " FROM client "
                              "WHERE id COLLATE \"C\" > $1 "
                              "ORDER BY id COLLATE \"C\" LIMIT $2::int8";
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, after);
    jt_params_u63(&p, max);
    return list(db, sql, &p, each, arg);
}

enum jt_err jt_clients_one(struct jt_db *db, const char *id, jt_client_fn *each, void *arg)
{
    static const char sql[] = "SELECT " COLUMNS ", " ADDED_COLUMNS " FROM client WHERE id = $1";
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, id);
    return list(db, sql, &p, each, arg);
}
