/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lockouts.h"

#include "store/audit_params.h"
#include "store/columns.h"
#include "store/query.h"

#include <stdio.h>
#include <string.h>

/* Lock-outs told one by one at a time; more of them are told by their number. */
#define TOLD_MAX 32

#define FAILURES JT_SQL_NUMBER(JT_LOCKOUT_FAILURES)
#define LOCK     "interval '" JT_SQL_NUMBER(JT_LOCKOUT_S) " s'"

/*
 * Failures count together as long as none comes later than LOCK after the one before, and begin
 * anew when a lock-out is over. While it lasts nothing changes it. Sorted, so that two nodes which
 * add to the same rows wait for each other in one order.
 */
#define GOES_ON "(l.last_at >= now() - " LOCK " AND coalesce(l.locked_until > now(), true))"
#define TOTAL \
    "CASE WHEN " GOES_ON " THEN least(l.n::int8 + excluded.n, 1000000) ELSE excluded.n END"
static const char add[] =
    "INSERT INTO login_failure AS l (client, place, n, last_at, locked_until) "
    "SELECT client, place, n, now(), CASE WHEN n >= " FAILURES " THEN now() + " LOCK " END "
    "FROM unnest($1::text[], $2::text[], $3::int4[]) f(client, place, n) ORDER BY client, place "
    "ON CONFLICT (client, place) DO UPDATE SET n = " TOTAL ", last_at = now(), "
    "locked_until = CASE WHEN l.locked_until > now() THEN l.locked_until "
    "WHEN " TOTAL " >= " FAILURES " THEN now() + " LOCK " END "
    "RETURNING client, place, n, coalesce(locked_until = now() + " LOCK ", false)";

/* Of too many those go that are the farthest from a lock-out, the oldest first. */
static const char bound[] =
    "DELETE FROM login_failure WHERE (client, place) IN (SELECT client, place FROM login_failure "
    "ORDER BY coalesce(locked_until > now(), false) DESC, n DESC, last_at DESC "
    "OFFSET " JT_SQL_NUMBER(JT_LOCKOUT_MAX_ROWS) ")";

static const char prune[] = "DELETE FROM login_failure WHERE last_at < now() - " LOCK
                            " AND coalesce(locked_until <= now(), true)";

static void put_failures(struct jt_params *p, const struct jt_login_failure *failures, size_t n)
{
    jt_params_init(p);
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, failures[i].client, strlen(failures[i].client));
    }
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, failures[i].place, strlen(failures[i].place));
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, failures[i].n);
    }
}

/* The pairs that are locked out from here on; the last one stands for those beyond TOLD_MAX. */
struct locked {
    size_t n, n_more;
    struct jt_login_failure pairs[TOLD_MAX];
};

static enum jt_err read_locked(const PGresult *res, struct locked *out)
{
    enum jt_err err = JT_OK;
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_login_failure pair = { .n = 0 };
        struct jt_row row = jt_row_init(res, i);
        jt_row_text(&row, 0, pair.client, sizeof pair.client);
        jt_row_text(&row, 1, pair.place, sizeof pair.place);
        pair.n = jt_row_u31(&row, 2);
        bool locked = jt_row_bool(&row, 3);
        err = jt_row_status(&row);
        if (err == JT_OK && locked && out->n < TOLD_MAX) {
            out->pairs[out->n++] = pair;
        } else if (err == JT_OK && locked) {
            out->n_more++;
        }
    }
    return err;
}

static enum jt_err tell(struct jt_db *db, const struct locked *locked)
{
    struct jt_audit_row rows[TOLD_MAX + 1];
    size_t n = 0;
    for (; n < locked->n; n++) {
        rows[n] = (struct jt_audit_row){ .action = JT_AUDIT_LOGIN_LOCKED,
                                         .client = locked->pairs[n].client,
                                         .n_items = locked->pairs[n].n,
                                         .object = locked->pairs[n].place };
    }
    if (locked->n_more > 0) {
        rows[n++] = (struct jt_audit_row){ .action = JT_AUDIT_LOGIN_LOCKED,
                                           .client = "",
                                           .n_items = (uint32_t)locked->n_more,
                                           .object = "as many more clients and places" };
    }
    return n == 0 ? JT_OK : jt_audit_write(db, rows, n);
}

static enum jt_err add_all(struct jt_db *db, const struct jt_login_failure *failures, size_t n)
{
    struct jt_params p;
    struct locked locked = { .n = 0 };
    PGresult *res;
    put_failures(&p, failures, n);
    enum jt_err err = jt_db_query(db, add, &p, &res);
    if (err == JT_OK) {
        err = read_locked(res, &locked);
    }
    PQclear(res);
    if (err == JT_OK) {
        err = tell(db, &locked);
    }
    return err == JT_OK ? jt_db_change(db, bound, NULL, NULL) : err;
}

enum jt_err jt_lockouts_add(struct jt_db *db, const struct jt_login_failure *failures, size_t n)
{
    enum jt_err err = n <= JT_LOCKOUT_BATCH ? jt_db_begin(db) : JT_ERR_LIMIT;
    return err == JT_OK ? jt_db_end(db, add_all(db, failures, n)) : err;
}

enum jt_err jt_lockouts_prune(struct jt_db *db)
{
    enum jt_err err = jt_db_ensure(db);
    return err == JT_OK ? jt_db_change(db, prune, NULL, NULL) : err;
}

#define FAILURE(FIRST, NEXT, t)                                                                  \
    FIRST(TEXT, t "client", client)                                                              \
    NEXT(TEXT, t "place", place)                                                                 \
    NEXT(U31, "CASE WHEN " t "locked_until <= now() THEN 0 ELSE " t "n END", n)                  \
    NEXT(U63, "greatest(0, extract(epoch FROM now() - " t "last_at) * 1000)::int8", age_ms)      \
    NEXT(U63,                                                                                    \
         "greatest(0, coalesce(extract(epoch FROM " t "locked_until - now()) * 1000, 0))::int8", \
         locked_ms)

static JT_COLUMNS_READER(read_failure, FAILURE, struct jt_login_failure);

enum jt_err jt_lockouts_since(struct jt_db *db, uint64_t age_ms, jt_login_failure_fn *each,
                              void *arg)
{
    static const char sql[] = "SELECT " JT_COLUMNS(
        FAILURE, "") " FROM login_failure "
                     "WHERE last_at >= now() - $1::int8 * interval '1 ms' "
                     "ORDER BY last_at DESC LIMIT " JT_SQL_NUMBER(JT_LOCKOUT_MAX_ROWS);
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, age_ms);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        jt_params_clear(&p);
        return err;
    }
    PGresult *res;
    err = jt_db_query(db, sql, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_login_failure failure = { .n = 0 };
        struct jt_row row = jt_row_init(res, i);
        read_failure(&row, 0, &failure);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &failure);
        }
    }
    PQclear(res);
    return err;
}
