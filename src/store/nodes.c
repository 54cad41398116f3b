/* SPDX-License-Identifier: Apache-2.0 */
#include "store/nodes.h"

#include "base/clock.h"
#include "store/locks.h"
#include "store/node_columns.h"
#include "store/ring_lock.h"
#include "store/timeouts.h"

#include <string.h>

#define LOCK_OF_NAME   "(hashtextextended($1::text, " JT_NODE_NAME_SEED "))"
#define LOCK_OF_NUMBER "(" JT_NODE_LOCKS "::int8 + $1::int2)"
#define SO_MANY_MS(n)  "(" n "::int8 * interval '1 millisecond')"

/* A number that was given up lately, by another node than $1. */
#define REST                                                                                       \
    "EXISTS (SELECT FROM node_number r WHERE r.number = s.n AND r.released_at > now() - interval " \
    "'1 day'"

/* The session's lock of a name, by pg_try_advisory_lock or pg_advisory_unlock. */
static enum jt_err ask_name_lock(struct jt_db *db, const char *sql, const char *name, bool *had)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, name);
    return jt_db_ask(db, sql, &p, had);
}

static enum jt_err ask_number_lock(struct jt_db *db, const char *sql, uint8_t number, bool *had)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, number);
    return jt_db_ask(db, sql, &p, had);
}

/* Takes the node's lock if it is not held yet. JT_ERR_NODE_TAKEN when another session holds it. */
static enum jt_err take_lock(struct jt_db *db, const char *name)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK || db->holds_node_lock) {
        return err;
    }
    err = ask_name_lock(db, "SELECT pg_try_advisory_lock" LOCK_OF_NAME, name, &db->holds_node_lock);
    return err == JT_OK && !db->holds_node_lock ? JT_ERR_NODE_TAKEN : err;
}

static void free_lock(struct jt_db *db, const char *name)
{
    if (db->holds_node_lock) {
        bool freed;
        enum jt_err err = ask_name_lock(db, "SELECT pg_advisory_unlock" LOCK_OF_NAME, name, &freed);
        (void)err; /* a session that cannot unlock is lost, and its lock with it */
        db->holds_node_lock = false;
    }
}

static void put_place(struct jt_params *p, const struct jt_node_spec *node)
{
    jt_params_init(p);
    jt_params_text(p, node->name);
    jt_params_uuid(p, node->incarnation);
}

/* Whether the row is this incarnation's. */
static enum jt_err row_is_ours(struct jt_db *db, const struct jt_node_spec *node, bool *ours)
{
    struct jt_params p;
    put_place(&p, node);
    return jt_db_ask(db, "SELECT EXISTS (SELECT FROM node WHERE name = $1 AND incarnation = $2)",
                     &p, ours);
}

/*
 * take_lock for a front that may have had the lock before. While the row is still ours, whoever
 * else holds the lock is most likely our own old session, which the server has not missed yet:
 * JT_ERR_DB_AWAY.
 */
enum jt_err jt_node_claim(struct jt_db *db, const struct jt_node_spec *node)
{
    enum jt_err err = take_lock(db, node->name);
    if (err == JT_ERR_NODE_TAKEN) {
        bool ours;
        enum jt_err asked = row_is_ours(db, node, &ours);
        err = asked != JT_OK ? asked : ours ? JT_ERR_DB_AWAY : JT_ERR_NODE_TAKEN;
    }
    return err;
}

/* --- the number --- */

#define MAX_CANDIDATES 16
static const char candidates[] =
    "SELECT s.n::int2 FROM generate_series(1, 255) AS s (n) WHERE CASE WHEN s.n = $2::int2 "
    "THEN NOT EXISTS (SELECT FROM node o WHERE o.number = s.n AND o.name <> $1::text) "
    "AND NOT " REST " AND r.name <> $1::text) "
    "ELSE NOT EXISTS (SELECT FROM node o WHERE o.number = s.n) AND NOT " REST ") END "
    "ORDER BY s.n <> $2::int2, s.n LIMIT " JT_SQL_NUMBER(MAX_CANDIDATES);

static enum jt_err find_candidates(struct jt_db *db, const char *name, uint8_t pinned,
                                   uint8_t out[static MAX_CANDIDATES], size_t *n)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, name);
    jt_params_i16(&p, pinned);
    PGresult *res;
    *n = 0;
    enum jt_err err = jt_db_query(db, candidates, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < MAX_CANDIDATES; i++) {
        struct jt_row row = jt_row_init(res, i);
        out[(*n)++] = jt_row_u8(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_node_number_take(struct jt_db *db, const char *name, uint8_t pinned, uint8_t *number,
                                bool *busy)
{
    uint8_t numbers[MAX_CANDIDATES];
    size_t n;
    *busy = false;
    *number = 0;
    enum jt_err err = find_candidates(db, name, pinned, numbers, &n);
    bool had = false;
    for (size_t i = 0; i < n && err == JT_OK && !had; i++) {
        *number = numbers[i];
        err = ask_number_lock(db, "SELECT pg_try_advisory_lock" LOCK_OF_NUMBER, *number, &had);
        if (*number == pinned) {
            break; /* somebody is about to register under it; what comes of that decides */
        }
    }
    if (err == JT_OK && !had) {
        *busy = n > 0;
        err = n > 0 ? JT_ERR_DB_PASSING : JT_ERR_NODE_NUMBERS;
    }
    *number = had ? *number : 0;
    return err;
}

enum jt_err jt_node_number_look(struct jt_db *db, const char *name, uint8_t pinned, uint8_t *number)
{
    uint8_t numbers[MAX_CANDIDATES];
    size_t n;
    enum jt_err err = find_candidates(db, name, pinned, numbers, &n);
    *number = err == JT_OK && n > 0 ? numbers[0] : 0;
    return err == JT_OK && n == 0 ? JT_ERR_NODE_NUMBERS : err;
}

void jt_node_number_give_back(struct jt_db *db, uint8_t number)
{
    bool freed;
    if (number != 0 && jt_db_ensure(db) == JT_OK) {
        enum jt_err err =
            ask_number_lock(db, "SELECT pg_advisory_unlock" LOCK_OF_NUMBER, number, &freed);
        (void)err; /* as in free_lock */
    }
}

enum jt_err jt_node_keeper_is_shared(struct jt_db *db, const char *name,
                                     const uint8_t keeper[static JT_INCARNATION_LEN], bool *shared,
                                     char other[static JT_NODE_NAME_MAX + 1])
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, name);
    jt_params_uuid(&p, keeper);
    PGresult *res;
    *shared = false;
    enum jt_err err = jt_db_query(db,
                                  "SELECT name FROM node WHERE name <> $1 AND "
                                  "keeper_incarnation = $2 AND " JT_SQL_LEASED("") " LIMIT 1",
                                  &p, &res);
    if (err == JT_OK && PQntuples(res) == 1) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, other, JT_NODE_NAME_MAX + 1);
        err = jt_row_status(&row);
        *shared = err == JT_OK;
    }
    PQclear(res);
    return err;
}

/* --- the row --- */

static enum jt_err check_epoch(struct jt_db *db, uint64_t epoch)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, epoch);
    bool same;
    enum jt_err err = jt_db_ask(db, "SELECT EXISTS (SELECT FROM ring WHERE epoch = $1)", &p, &same);
    return err == JT_OK && !same ? JT_ERR_RING_MOVED : err;
}

/* The row is as it was sent. */
static enum jt_err check_row(struct jt_db *db, const struct jt_node_row *row)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_node_row_put(&p, row);
    return jt_db_must(db,
                      "SELECT EXISTS (SELECT FROM node WHERE (" JT_NODE_COLUMNS ") = "
                      "(" JT_SQL_7_PARAMS ") AND " JT_SQL_LEASED("") ")",
                      &p, "the node's row does not stand as it was sent");
}

/* The number of the row before, if it is another one, begins to rest. */
static enum jt_err remove_old_row(struct jt_db *db, const struct jt_node_spec *node)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node->name);
    jt_params_i16(&p, node->number);
    enum jt_err err = jt_db_change(db,
                                   "WITH gone AS (DELETE FROM node WHERE name = $1 "
                                   "AND number <> $2 RETURNING *) " JT_SQL_RELEASE,
                                   &p, NULL);
    jt_params_init(&p);
    jt_params_text(&p, node->name);
    return err == JT_OK ? jt_db_change(db, "DELETE FROM node WHERE name = $1", &p, NULL) : err;
}

/* Taking the place counts as a renewal: the first one makes the row of a number. */
static enum jt_err begin_pulse(struct jt_db *db, uint8_t number)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, number);
    return jt_db_change_one(db,
                            "INSERT INTO pulse AS p (number, renewals) VALUES ($1, 1) "
                            "ON CONFLICT (number) DO UPDATE SET renewals = p.renewals + 1",
                            &p);
}

static enum jt_err replace_row(struct jt_db *db, const struct jt_node_row *row, uint64_t epoch,
                               int lease_ms)
{
    if (!db->holds_node_lock) {
        return JT_ERR_DB_AWAY; /* the session was lost in between, and the lock with it */
    }
    enum jt_err err = check_epoch(db, epoch);
    if (err == JT_OK) {
        err = remove_old_row(db, &row->spec);
    }
    if (err == JT_OK) {
        struct jt_params p;
        jt_params_init(&p);
        jt_node_row_put(&p, row);
        jt_params_u63(&p, (uint64_t)lease_ms);
        err = jt_db_insert_one(db,
                               "INSERT INTO node (" JT_NODE_COLUMNS ", lease_until, renewed_at) "
                               "VALUES (" JT_SQL_7_PARAMS
                               ", clock_timestamp() + " SO_MANY_MS("$8") ", clock_timestamp())",
                               &p);
    }
    if (err == JT_OK) {
        err = begin_pulse(db, row->spec.number);
    }
    return err == JT_OK ? check_row(db, row) : err;
}

enum jt_err jt_node_register(struct jt_db *db, const struct jt_node_row *row, uint64_t epoch,
                             int lease_ms, bool *busy)
{
    enum jt_err err = jt_ring_lock_begin(db, busy);
    return err == JT_OK ? jt_db_end(db, replace_row(db, row, epoch, lease_ms)) : err;
}

enum jt_err jt_node_check(struct jt_db *db, const struct jt_node_spec *node)
{
    enum jt_err err = jt_node_claim(db, node);
    if (err != JT_OK) {
        return err;
    }
    bool ours;
    err = row_is_ours(db, node, &ours);
    return err == JT_OK && !ours ? JT_ERR_NODE_GONE : err;
}

/* No row of this incarnation was changed: why not. */
static enum jt_err why_unchanged(struct jt_db *db, const struct jt_node_spec *node,
                                 enum jt_err not_changed)
{
    bool ours;
    enum jt_err err = row_is_ours(db, node, &ours);
    return err != JT_OK ? err : ours ? not_changed : JT_ERR_NODE_GONE;
}

/*
 * Lease and count in one statement. The count rises only from one that is not behind: otherwise the
 * rise would hide that the database went back.
 */
static const char renew[] =
    "WITH beat AS (UPDATE pulse SET renewals = renewals + 1 WHERE number = $4 AND renewals >= $5 "
    "RETURNING renewals) UPDATE node SET renewed_at = clock_timestamp(), "
    "lease_until = clock_timestamp() + " SO_MANY_MS(
        "$3") " FROM beat "
              "WHERE name = $1 AND incarnation = $2 AND " JT_SQL_LEASED(
                  "") " RETURNING beat.renewals";

enum jt_err jt_node_renew(struct jt_db *db, const struct jt_node_spec *node, int lease_ms,
                          uint64_t *renewals)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    PGresult *res;
    put_place(&p, node);
    jt_params_u63(&p, (uint64_t)lease_ms);
    jt_params_i16(&p, node->number);
    jt_params_u63(&p, *renewals);
    err = jt_db_query_one(db, renew, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        uint64_t now = jt_row_u63(&row, 0);
        err = jt_row_status(&row);
        *renewals = err == JT_OK ? now : *renewals;
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? why_unchanged(db, node, JT_ERR_LEASE_OVER) : err;
}

enum jt_err jt_node_update(struct jt_db *db, const struct jt_node_row *row)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_node_row_put(&p, row);
    uint64_t n = 0;
    err = jt_db_change(db,
                       "UPDATE node SET keeper_incarnation = $4, id_mark = $5, mac_epoch = $6, "
                       "mac = $7 WHERE name = $1 AND number = $2 AND incarnation = $3",
                       &p, &n);
    return err == JT_OK && n != 1 ? why_unchanged(db, &row->spec, JT_ERR_DB_UNTRUE) : err;
}

static enum jt_err remove_row(struct jt_db *db, const struct jt_node_spec *node)
{
    struct jt_params p;
    put_place(&p, node);
    uint64_t n_removed; /* none where another front has taken the place */
    enum jt_err err = jt_db_change(db,
                                   "WITH gone AS (DELETE FROM node WHERE name = $1 AND "
                                   "incarnation = $2 RETURNING *) " JT_SQL_RELEASE,
                                   &p, &n_removed);
    return err == JT_OK && n_removed > 1 ? JT_ERR_DB_UNTRUE : err;
}

/* The process ends: its lock is freed in any case, and the row is gone for whoever comes next. */
enum jt_err jt_node_leave(struct jt_db *db, const struct jt_node_spec *node)
{
    int64_t deadline_ms = jt_clock_ms() + JT_NODE_LEAVE_MS;
    bool busy;
    enum jt_err err = jt_ring_lock_begin(db, &busy);
    while (err != JT_OK && busy && jt_clock_ms() < deadline_ms) {
        jt_clock_pause(JT_LOCK_PAUSE_MS);
        err = jt_ring_lock_begin(db, &busy);
    }
    err = err == JT_OK ? jt_db_end(db, remove_row(db, node)) : err;
    free_lock(db, node->name);
    return err;
}
