/* SPDX-License-Identifier: Apache-2.0 */
#include "store/generations.h"

#include "store/audit_params.h"
#include "store/columns.h"
#include "store/locks.h"
#include "store/news.h"
#include "store/query.h"
#include "store/statements.h"

#include <string.h>

#define GENERATION_ROW(FIRST, NEXT, t)        \
    FIRST(U63, t "number", number)            \
    NEXT(U8, t "key_id", key_id)              \
    NEXT(U8, t "state", state)                \
    NEXT(FIXED, t "check_value", check_value) \
    NEXT(U63, t "mac_epoch", mac_epoch)       \
    NEXT(FIXED, t "mac", mac)

/* What the database adds to a row, and the counts. */
#define ADDED(FIRST, NEXT, t)                                                                     \
    FIRST(TEXT, JT_SQL_TIME(t "created_at"), created_at)                                          \
    NEXT(TEXT, t "created_by", created_by)                                                        \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "activated_at"), activated_at)                              \
    NEXT(TEXT_OR_EMPTY, t "activated_by", activated_by)                                           \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "draining_at"), draining_at)                                \
    NEXT(TEXT_OR_EMPTY, t "draining_by", draining_by)                                             \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "retired_at"), retired_at)                                  \
    NEXT(TEXT_OR_EMPTY, t "retired_by", retired_by)                                               \
    NEXT(TEXT_OR_EMPTY, t "holder_override", holder_override)                                     \
    NEXT(TEXT_OR_EMPTY, t "second_holder", second_holder)                                         \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "destroyed_at"), destroyed_at)                              \
    NEXT(TEXT_OR_EMPTY, t "destroyed_by", destroyed_by)                                           \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "compromised_at"), compromised_at)                          \
    NEXT(TEXT_OR_EMPTY, t "compromised_by", compromised_by)                                       \
    NEXT(TEXT_OR_EMPTY, t "compromised_why", compromised_why)                                     \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "adopt_at"), adopt_at)                                      \
    NEXT(TEXT_OR_EMPTY, t "planned_by", planned_by)                                               \
    NEXT(TIME, t "adopt_at", plan.adopt_at_us)                                                    \
    NEXT(TEXT_OR_EMPTY, t "planned_override", plan.holder_override)                               \
    NEXT(FIXED, "coalesce(" t "plan_mac, '\\x00000000000000000000000000000000')", plan.mac)       \
    NEXT(BOOL, "(" t "state = " JT_SQL_FUTURE " AND " t "adopt_at <= clock_timestamp()) IS TRUE", \
         due)                                                                                     \
    NEXT(U63, "coalesce(t.written, 0)::int8", rows_written)                                       \
    NEXT(U63, "coalesce(t.moved_in, 0)::int8", rows_moved_in)                                     \
    NEXT(U63, "coalesce(t.moved_out, 0)::int8", rows_moved_out)                                   \
    NEXT(U63, "coalesce(t.deleted, 0)::int8", rows_deleted)                                       \
    NEXT(U63, "coalesce(t.written_off, 0)::int8", rows_written_off)

static JT_COLUMNS_READER(read_row, GENERATION_ROW, struct jt_generation_row);
static JT_COLUMNS_READER(read_added, ADDED, struct jt_generation_info);
static JT_COLUMNS_PUTTER(put_row, GENERATION_ROW, 6, struct jt_generation_row);

#define COLUMNS      JT_COLUMNS(GENERATION_ROW, "")
#define INFO_COLUMNS JT_COLUMNS(GENERATION_ROW, "g.") ", " JT_COLUMNS(ADDED, "g.")

static const char select_info[] =
    "SELECT " INFO_COLUMNS " "
    "FROM generation g CROSS JOIN LATERAL ("
    "SELECT sum(written) AS written, sum(moved_in) AS moved_in, sum(moved_out) AS moved_out, "
    "sum(deleted) AS deleted, sum(written_off) AS written_off "
    "FROM tally WHERE generation = g.number) t "
    "WHERE $1::int8 IN (0, g.number) AND ($2::bool OR g.state <> " JT_SQL_DESTROYED ") "
    "ORDER BY g.number";

static enum jt_err read_info(const PGresult *res, int i, struct jt_generation_info *out)
{
    memset(out, 0, sizeof *out);
    struct jt_row row = jt_row_init(res, i);
    read_row(&row, 0, &out->row);
    read_added(&row, JT_N_COLUMNS(GENERATION_ROW), out);
    return jt_row_status(&row);
}

/* All generations, or the one with this number; without those that are destroyed, or with them. */
static enum jt_err select_generations(struct jt_db *db, uint64_t number, bool destroyed,
                                      PGresult **res)
{
    *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, number);
    jt_params_bool(&p, destroyed);
    return jt_db_query(db, select_info, &p, res);
}

static enum jt_err list(struct jt_db *db, bool destroyed, jt_generation_fn *each, void *arg)
{
    PGresult *res;
    enum jt_err err = select_generations(db, 0, destroyed, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_generation_info info;
        err = read_info(res, i, &info);
        if (err == JT_OK) {
            each(arg, &info);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_generations_list(struct jt_db *db, jt_generation_fn *each, void *arg)
{
    return list(db, true, each, arg);
}

enum jt_err jt_generations_kept(struct jt_db *db, jt_generation_fn *each, void *arg)
{
    return list(db, false, each, arg);
}

enum jt_err jt_generation_get(struct jt_db *db, uint64_t number, struct jt_generation_info *out)
{
    memset(out, 0, sizeof *out);
    if (number == 0) {
        return JT_ERR_NO_GENERATION;
    }
    PGresult *res;
    enum jt_err err = select_generations(db, number, true, &res);
    if (err == JT_OK) {
        err = PQntuples(res) == 0 ? JT_ERR_NO_GENERATION : read_info(res, 0, out);
    }
    PQclear(res);
    return err;
}

#define IS_ABANDONED "state = " JT_SQL_DESTROYED " AND activated_at IS NULL"

static enum jt_err read_rows(struct jt_db *db, const char *sql, struct jt_params *p,
                             struct jt_generation_row *out, size_t *n)
{
    PGresult *res;
    *n = 0;
    enum jt_err err = jt_db_query(db, sql, p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < JT_GENERATIONS_MAX; i++) {
        struct jt_row row = jt_row_init(res, i);
        out[*n] = (struct jt_generation_row){ .number = 0 };
        read_row(&row, 0, &out[(*n)++]);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_generations_read(struct jt_db *db, struct jt_generation_rows *out)
{
    PGresult *res = NULL;
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = read_rows(db,
                        "SELECT " COLUMNS " FROM generation WHERE state <> " JT_SQL_DESTROYED
                        " ORDER BY number LIMIT " JT_SQL_NUMBER(JT_GENERATIONS_MAX),
                        NULL, out->rows, &out->n);
    }
    if (err == JT_OK) {
        err =
            jt_db_query_one(db, "SELECT count(*) FROM generation WHERE " IS_ABANDONED, NULL, &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->n_abandoned = jt_row_u63(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_generations_abandoned(struct jt_db *db, uint64_t below,
                                     struct jt_generation_row *out, size_t *n)
{
    struct jt_params p;
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        jt_params_init(&p);
        jt_params_u63(&p, below);
        err = read_rows(db,
                        "SELECT " COLUMNS " FROM generation WHERE " IS_ABANDONED
                        " AND number < $1 ORDER BY number DESC "
                        "LIMIT " JT_SQL_NUMBER(JT_GENERATIONS_MAX),
                        &p, out, n);
    }
    for (size_t i = 0; i < *n; i++) {
        out[i].state = JT_GENERATION_FUTURE;
    }
    return err;
}

/*
 * A destroyed generation keeps its key id until every node has erased its key: a keeper holds one
 * key of an id only.
 */
static enum jt_err read_leaving(struct jt_db *db, struct jt_generations_taken *out)
{
    PGresult *res;
    enum jt_err err = jt_db_query(db,
                                  "SELECT g.key_id FROM generation g "
                                  "JOIN destruction d ON d.generation = g.number "
                                  "WHERE d.certified_at IS NULL",
                                  NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        jt_key_id_set_add(out->key_ids, jt_row_u8(&row, 0));
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

static enum jt_err read_taken(struct jt_db *db, struct jt_generations_taken *out)
{
    memset(out, 0, sizeof *out);
    PGresult *res;
    enum jt_err err =
        jt_db_query(db,
                    "SELECT " COLUMNS " FROM generation WHERE state <> " JT_SQL_DESTROYED
                    " OR number = (SELECT max(number) FROM generation)",
                    NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        struct jt_generation_row g;
        read_row(&row, 0, &g);
        err = jt_row_status(&row);
        if (g.number > out->highest) {
            out->highest = g.number;
        }
        if (g.state != JT_GENERATION_DESTROYED) {
            jt_key_id_set_add(out->key_ids, g.key_id);
        }
        out->n_future += g.state == JT_GENERATION_FUTURE;
    }
    PQclear(res);
    return err == JT_OK ? read_leaving(db, out) : err;
}

/*
 * Does not wait: whoever does not get it comes again. A statement of its own, so that what is read
 * behind it is read in a snapshot taken after it was had.
 */
static enum jt_err take_creator_lock(struct jt_db *db, bool *busy)
{
    bool had;
    enum jt_err err =
        jt_db_ask(db, "SELECT pg_try_advisory_xact_lock(" JT_CREATOR_LOCK ")", NULL, &had);
    *busy = err == JT_OK && !had;
    return *busy ? JT_ERR_DB_PASSING : err;
}

enum jt_err jt_generation_begin(struct jt_db *db, struct jt_generations_taken *taken, bool *busy)
{
    *busy = false;
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    err = take_creator_lock(db, busy);
    if (err == JT_OK) {
        err = read_taken(db, taken);
    }
    return err == JT_OK ? JT_OK : jt_db_end(db, err);
}

/* The time that a statement returns. */
static enum jt_err take_time(struct jt_db *db, const char *sql, struct jt_params *p,
                             char at[static JT_TIME_LEN])
{
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, sql, p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, at, JT_TIME_LEN);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_generation_must_stand(struct jt_db *db, const struct jt_generation_row *row)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, row);
    return jt_db_must(db,
                      "SELECT EXISTS (SELECT FROM generation WHERE "
                      "(" COLUMNS ") = (" JT_SQL_6_PARAMS "))",
                      &p, "the row of a generation does not stand as it was sent");
}

/* --- the date of a future generation --- */

/* $2: a date, or the beginning of 1970 for none. */
#define DATE            "nullif($2::timestamptz, to_timestamp(0))"
#define WITH_DATE(what) "CASE WHEN " DATE " IS NOT NULL THEN " what " END"

/*
 * Whoever is first in line becomes active first: a number below the active one's can never become
 * active any more, and holds up no other.
 */
#define IN_LINE                                                                                \
    "state = " JT_SQL_FUTURE " AND number > coalesce((SELECT max(a.number) FROM generation a " \
    "WHERE a.state = " JT_SQL_ACTIVE "), 0)"
static const char in_order[] =
    "SELECT NOT EXISTS (SELECT FROM generation WHERE " IN_LINE " AND number < $1 "
    "AND " DATE " IS NOT NULL AND (adopt_at IS NULL OR adopt_at > " DATE ")) "
    "AND NOT EXISTS (SELECT FROM generation WHERE state = " JT_SQL_FUTURE " AND number > $1 "
    "AND adopt_at < coalesce(" DATE ", 'infinity'))";

/* $3 actor, $4 reason or nothing, $5 MAC */
#define PLANNED_BY "(" WITH_DATE("$3") ")"
#define OVERRIDE   "(" WITH_DATE("nullif($4, '')") ")"
#define PLAN_MAC   "(" WITH_DATE("$5::bytea") ")"

static const char set_plan[] = "UPDATE generation SET adopt_at = " DATE ", planned_by = " PLANNED_BY
                               ", planned_override = " OVERRIDE ", plan_mac = " PLAN_MAC
                               " WHERE number = $1 AND state = " JT_SQL_FUTURE;

static const char plan_stands[] =
    "SELECT EXISTS (SELECT FROM generation WHERE number = $1 "
    "AND (adopt_at, planned_by, planned_override, plan_mac) "
    "IS NOT DISTINCT FROM (" DATE ", " PLANNED_BY ", " OVERRIDE ", " PLAN_MAC "))";

static void put_plan(struct jt_params *p, uint64_t number, const struct jt_generation_plan *plan,
                     const char *actor)
{
    jt_params_init(p);
    jt_params_u63(p, number);
    jt_params_time(p, plan->adopt_at_us);
    jt_params_text(p, actor);
    jt_params_text(p, plan->holder_override);
    jt_params_bytes(p, plan->mac, sizeof plan->mac);
}

static enum jt_err store_plan(struct jt_db *db, uint64_t number,
                              const struct jt_generation_plan *plan, const struct jt_act *act)
{
    struct jt_params p;
    bool ordered;
    jt_params_init(&p);
    jt_params_u63(&p, number);
    jt_params_time(&p, plan->adopt_at_us);
    enum jt_err err = jt_db_ask(db, in_order, &p, &ordered);
    if (err == JT_OK && !ordered) {
        err = JT_ERR_PLAN_ORDER;
    }
    if (err == JT_OK) {
        put_plan(&p, number, plan, act->actor);
        err = jt_db_change_one(db, set_plan, &p);
        err = err == JT_ERR_NO_CHANGE ? JT_ERR_WRONG_STATE : err;
    }
    if (err == JT_OK) {
        put_plan(&p, number, plan, act->actor);
        err = jt_db_must(db, plan_stands, &p,
                         "the date of a generation does not stand as it was sent");
    }
    return err == JT_OK ? jt_audit_act_on(db, act, JT_AUDIT_GENERATION_PLAN, number) : err;
}

/* --- making one --- */

static enum jt_err insert_row(struct jt_db *db, const struct jt_generation_row *row,
                              const struct jt_act *act, char created_at[static JT_TIME_LEN])
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, row);
    jt_params_text(&p, act->actor);
    enum jt_err err = take_time(db,
                                "INSERT INTO generation (" COLUMNS ", created_by) "
                                "VALUES (" JT_SQL_7_PARAMS ") RETURNING " JT_SQL_TIME("created_at"),
                                &p, created_at);
    /* nothing was inserted, and nobody said why */
    err = err == JT_ERR_NO_ROW         ? JT_ERR_DB_UNTRUE
          : err == JT_ERR_DB_DUPLICATE ? JT_ERR_KEY_ID_TAKEN
                                       : err;
    if (err == JT_OK) {
        err = jt_generation_must_stand(db, row);
    }
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_GENERATION_CREATE, row->number);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_generation_end(struct jt_db *db, enum jt_err err,
                              const struct jt_generation_row *row,
                              const struct jt_generation_plan *plan, const struct jt_act *act,
                              char created_at[static JT_TIME_LEN])
{
    created_at[0] = '\0';
    if (err == JT_OK) {
        err = row->state == JT_GENERATION_FUTURE ? insert_row(db, row, act, created_at)
                                                 : JT_ERR_INVALID;
    }
    if (err == JT_OK && plan != NULL) {
        err = store_plan(db, row->number, plan, act);
    }
    return jt_db_end(db, err);
}

enum jt_err jt_generation_abandon(struct jt_db *db, const struct jt_generation_row *row,
                                  const struct jt_act *act, char destroyed_at[static JT_TIME_LEN])
{
    destroyed_at[0] = '\0';
    if (row->state != JT_GENERATION_FUTURE) {
        return JT_ERR_WRONG_STATE;
    }
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->number);
    jt_params_i16(&p, row->key_id);
    jt_params_bytes(&p, row->check_value, sizeof row->check_value);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, act->actor);
    err = take_time(db,
                    "UPDATE generation SET state = " JT_SQL_DESTROYED
                    ", destroyed_at = now(), destroyed_by = $5 "
                    "WHERE number = $1 AND key_id = $2 AND check_value = $3 AND mac = $4 "
                    "AND state = " JT_SQL_FUTURE " RETURNING " JT_SQL_TIME("destroyed_at"),
                    &p, destroyed_at);
    err = err == JT_ERR_NO_ROW ? JT_ERR_WRONG_STATE : err;
    if (err == JT_OK) {
        struct jt_generation_row gone = *row;
        gone.state = JT_GENERATION_DESTROYED;
        err = jt_generation_must_stand(db, &gone);
    }
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_GENERATION_ABANDON, row->number);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return jt_db_end(db, err);
}

enum jt_err jt_generation_plan(struct jt_db *db, uint64_t number,
                               const struct jt_generation_plan *plan, const struct jt_act *act,
                               bool *busy)
{
    *busy = false;
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    err = take_creator_lock(db, busy);
    return jt_db_end(db, err == JT_OK ? store_plan(db, number, plan, act) : err);
}

enum jt_err jt_generation_next_due(struct jt_db *db, uint64_t *number, uint32_t *n_taken)
{
    static const char sql[] =
        "SELECT coalesce(min(number) FILTER (WHERE " IN_LINE
        " AND adopt_at <= clock_timestamp()), 0)::int8, "
        "(count(*) FILTER (WHERE state <> " JT_SQL_DESTROYED "))::int4 FROM generation";
    *number = 0;
    *n_taken = 0;
    PGresult *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query_one(db, sql, NULL, &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *number = jt_row_u63(&row, 0);
        *n_taken = jt_row_u31(&row, 1);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_generation_shows_no_card(struct jt_db *db, uint8_t key_id, bool *unused)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, key_id);
    return jt_db_ask(db, jt_statements[JT_SQL_UNUSED].sql, &p, unused);
}

enum jt_err jt_generation_is_unused(struct jt_db *db, uint8_t key_id, bool *unused)
{
    *unused = false;
    /* names READ COMMITTED: the snapshot is the statement's own */
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    err = jt_db_end(db, jt_generation_shows_no_card(db, key_id, unused));
    if (err != JT_OK) {
        *unused = false;
    }
    return err;
}
