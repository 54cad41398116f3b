/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retirement_ranges.h"

#include "store/query.h"
#include "store/retirement_columns.h"

#define CLAIMED_UNTIL "clock_timestamp() + interval '" JT_SQL_NUMBER(JT_RANGE_CLAIM_S) " s'"
#define RANGE_COLUMNS                                                                \
    "r.from_bucket, r.from_id, r.to_bucket, r.to_id, r.cursor_bucket, r.cursor_id, " \
    "r.moved, r.stuck"
#define JOB_GOES_ON "j.state = " JT_SQL_JOB_DRAINING " AND j.paused_at IS NULL"

static void read_cursor(struct jt_row *row, int column, struct jt_card_cursor *out)
{
    out->bucket = jt_row_u15(row, column);
    out->id = jt_row_u63(row, column + 1);
}

static void put_cursor(struct jt_params *p, struct jt_card_cursor at)
{
    jt_params_i16(p, (int16_t)at.bucket);
    jt_params_u63(p, at.id);
}

/* Node, incarnation and worker. */
static void put_owner(struct jt_params *p, const struct jt_range_owner *owner)
{
    jt_params_text(p, owner->node->name);
    jt_params_uuid(p, owner->node->incarnation);
    jt_params_i16(p, (int16_t)owner->worker);
}

static enum jt_err read_range(const PGresult *res, struct jt_retirement_range *out)
{
    struct jt_row row = jt_row_init(res, 0);
    read_cursor(&row, 0, &out->from);
    read_cursor(&row, 2, &out->to);
    read_cursor(&row, 4, &out->cursor);
    out->n_moved = jt_row_u63(&row, 6);
    out->n_stuck = jt_row_u63(&row, 7);
    return jt_row_status(&row);
}

/*
 * Its claim is over; or it reaches further than any claim, as after the server's clock was set
 * back.
 */
#define IS_FREE(r) \
    "(" r ".claimed_until < clock_timestamp() OR " r ".claimed_until > " CLAIMED_UNTIL ")"

/*
 * $1 generation, $2 node, $3 incarnation, $4 worker. Materialized: the planner may run a subquery
 * once for each range, and then it passes over the one that it had.
 */
static const char take_free[] =
    "WITH x AS MATERIALIZED (SELECT o.from_bucket, o.from_id FROM retirement_range o "
    "WHERE o.generation = $1::int8 AND " IS_FREE(
        "o") " "
             "ORDER BY o.from_bucket, o.from_id LIMIT 1 FOR UPDATE SKIP LOCKED) "
             "UPDATE retirement_range r SET node = $2::text, incarnation = $3::uuid, "
             "worker = $4::int2, claimed_until = " CLAIMED_UNTIL " FROM x "
             "WHERE r.generation = $1::int8 AND r.from_bucket = x.from_bucket "
             "AND r.from_id = x.from_id RETURNING " RANGE_COLUMNS;

/* A range whose worker has not been heard of in time. JT_ERR_NO_ROW: there is none. */
static enum jt_err take_over(struct jt_db *db, const struct jt_range_owner *owner,
                             struct jt_retirement_range *out)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, out->generation);
    put_owner(&p, owner);
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, take_free, &p, &res);
    if (err == JT_OK) {
        err = read_range(res, out);
    }
    PQclear(res);
    return err;
}

/*
 * Locks the job: ranges are handed out one at a time. JT_ERR_NO_ROW: nobody is to work on it now.
 * *handed_out: all of the pass is.
 */
static enum jt_err lock_job(struct jt_db *db, struct jt_retirement_range *out, bool *handed_out)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, out->generation);
    PGresult *res;
    enum jt_err err =
        jt_db_query_one(db,
                        "SELECT g.key_id, j.walked_bucket, j.walked_id, j.handed_out "
                        "FROM retirement j JOIN generation g ON g.number = j.generation "
                        "WHERE j.generation = $1::int8 AND " JOB_GOES_ON " FOR UPDATE OF j",
                        &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->key_id = jt_row_u8(&row, 0);
        read_cursor(&row, 1, &out->from);
        *handed_out = jt_row_bool(&row, 3);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

/* The range from->to, which is handed out with that. */
static enum jt_err hand_out(struct jt_db *db, const struct jt_range_owner *owner,
                            const struct jt_retirement_range *range)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, range->generation);
    put_cursor(&p, range->from);
    put_cursor(&p, range->to);
    put_owner(&p, owner);
    enum jt_err err = jt_db_insert_one(
        db,
        "INSERT INTO retirement_range (generation, from_bucket, from_id, to_bucket, to_id, "
        "cursor_bucket, cursor_id, node, incarnation, worker, claimed_until) "
        "VALUES ($1::int8, $2::int2, $3::int8, $4::int2, $5::int8, $2::int2, $3::int8, $6::text, "
        "$7::uuid, $8::int2, " CLAIMED_UNTIL ")",
        &p);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, range->generation);
    put_cursor(&p, range->to);
    jt_params_bool(&p, range->to.id == JT_CARD_CURSOR_END.id);
    return jt_db_change_one(db,
                            "UPDATE retirement SET walked_bucket = $2::int2, walked_id = $3::int8, "
                            "handed_out = $4::bool WHERE generation = $1::int8",
                            &p);
}

/* Whether a worker would find something to do for the job `j`. */
#define TO_HAVE                                                    \
    "(NOT j.handed_out OR EXISTS (SELECT FROM retirement_range r " \
    "WHERE r.generation = j.generation AND " IS_FREE("r") "))"

enum jt_err jt_range_next_job(struct jt_db *db, uint64_t after, uint64_t *generation)
{
    *generation = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, after);
    PGresult *res;
    err = jt_db_query_one(db,
                          "SELECT j.generation FROM retirement j WHERE " JOB_GOES_ON " "
                          "AND " TO_HAVE " "
                          "ORDER BY j.generation <= $1::int8, j.generation LIMIT 1",
                          &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *generation = jt_row_u63(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_range_claim(struct jt_db *db, uint64_t generation,
                           const struct jt_range_owner *owner, size_t n,
                           struct jt_retirement_range *out)
{
    *out = (struct jt_retirement_range){ .generation = generation };
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    bool handed_out = false;
    err = lock_job(db, out, &handed_out);
    if (err == JT_OK) {
        struct jt_retirement_range left = *out;
        err = take_over(db, owner, &left);
        if (err == JT_OK) {
            *out = left;
        }
        if (err != JT_ERR_NO_ROW || handed_out) {
            return jt_db_end(db, err);
        }
        err = jt_cards_cut(db, out->key_id, out->from, n, &out->to);
    }
    if (err == JT_OK) {
        out->cursor = out->from;
        err = hand_out(db, owner, out);
    }
    return jt_db_end(db, err);
}

/* $1 generation, $2 and $3 where the range begins, $4 node, $5 incarnation, $6 worker. */
#define IS_OWNERS                                                                    \
    "r.generation = $1::int8 AND r.from_bucket = $2::int2 AND r.from_id = $3::int8 " \
    "AND r.node = $4::text AND r.incarnation = $5::uuid AND r.worker = $6::int2"

static void put_range(struct jt_params *p, const struct jt_retirement_range *range,
                      const struct jt_range_owner *owner)
{
    jt_params_init(p);
    jt_params_u63(p, range->generation);
    put_cursor(p, range->from);
    put_owner(p, owner);
}

#define WORKER_INTO                                                              \
    "INSERT INTO retirement_worker (node, worker, generation, moved_in_1000_s, " \
    "throttled_by, noted_at) "
#define WORKER_ANEW                                                                      \
    "ON CONFLICT (node, worker) DO UPDATE SET generation = excluded.generation, "        \
    "moved_in_1000_s = excluded.moved_in_1000_s, throttled_by = excluded.throttled_by, " \
    "noted_at = excluded.noted_at"

/* $7 and $8 the cursor, $9 moved, $10 stuck. */
#define SET_PROGRESS \
    "cursor_bucket = $7::int2, cursor_id = $8::int8, moved = $9::int8, stuck = $10::int8"

static void put_progress(struct jt_params *p, const struct jt_retirement_range *range)
{
    put_cursor(p, range->cursor);
    jt_params_u63(p, range->n_moved);
    jt_params_u63(p, range->n_stuck);
}

enum jt_err jt_range_renew(struct jt_db *db, const struct jt_retirement_range *range,
                           const struct jt_range_owner *owner, const struct jt_worker_note *note,
                           bool *paused)
{
    *paused = false;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    put_range(&p, range, owner);
    put_progress(&p, range);
    jt_params_u63(&p, note->moved_in_1000_s);
    jt_params_i16(&p, (int16_t)note->throttled_by);
    PGresult *res;
    err = jt_db_query_one(db,
                          "WITH mine AS (UPDATE retirement_range r SET " SET_PROGRESS ", "
                          "claimed_until = " CLAIMED_UNTIL " WHERE " IS_OWNERS " RETURNING 1), "
                          "told AS (" WORKER_INTO
                          "SELECT $4::text, $6::int2, $1::int8, $11::int8, $12::int2, "
                          "clock_timestamp() FROM mine " WORKER_ANEW ") "
                          "SELECT j.paused_at IS NOT NULL FROM retirement j, mine "
                          "WHERE j.generation = $1::int8 AND j.state = " JT_SQL_JOB_DRAINING,
                          &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *paused = jt_row_bool(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_RANGE_LOST : err;
}

enum jt_err jt_worker_note(struct jt_db *db, uint64_t generation,
                           const struct jt_range_owner *owner, const struct jt_worker_note *note)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, owner->node->name);
    jt_params_i16(&p, (int16_t)owner->worker);
    jt_params_u63(&p, generation);
    jt_params_u63(&p, note->moved_in_1000_s);
    jt_params_i16(&p, (int16_t)note->throttled_by);
    return jt_db_change_one(db,
                            WORKER_INTO "VALUES ($1::text, $2::int2, $3::int8, $4::int8, "
                                        "$5::int2, clock_timestamp()) " WORKER_ANEW,
                            &p);
}

enum jt_err jt_range_end(struct jt_db *db, const struct jt_retirement_range *range,
                         const struct jt_range_owner *owner)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    put_range(&p, range, owner);
    err = jt_db_change_one(db, "DELETE FROM retirement_range r WHERE " IS_OWNERS, &p);
    return err == JT_ERR_NO_CHANGE ? JT_ERR_RANGE_LOST : err;
}

enum jt_err jt_range_give_back(struct jt_db *db, const struct jt_retirement_range *range,
                               const struct jt_range_owner *owner)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    put_range(&p, range, owner);
    put_progress(&p, range);
    err = jt_db_change_one(db,
                           "UPDATE retirement_range r SET " SET_PROGRESS
                           ", claimed_until = '-infinity' WHERE " IS_OWNERS,
                           &p);
    return err == JT_ERR_NO_CHANGE ? JT_ERR_RANGE_LOST : err;
}

enum jt_err jt_pass_look(struct jt_db *db, uint64_t generation, struct jt_pass *out)
{
    *out = (struct jt_pass){ 0 };
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    PGresult *res;
    err = jt_db_query_one(db,
                          "SELECT j.handed_out AND NOT EXISTS (SELECT FROM retirement_range r "
                          "WHERE r.generation = j.generation), " TO_HAVE
                          " FROM retirement j WHERE j.generation = $1::int8",
                          &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->is_over = jt_row_bool(&row, 0);
        out->to_have = jt_row_bool(&row, 1);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_pass_begin(struct jt_db *db, uint64_t generation)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    return jt_db_change_one(db,
                            "UPDATE retirement j SET walked_bucket = 0, walked_id = 0, "
                            "handed_out = false WHERE j.generation = $1::int8 AND j.handed_out "
                            "AND j.state = " JT_SQL_JOB_DRAINING " "
                            "AND NOT EXISTS (SELECT FROM retirement_range r "
                            "WHERE r.generation = j.generation)",
                            &p);
}

enum jt_err jt_range_workers(struct jt_db *db, uint64_t generation, struct jt_workers_seen *out)
{
    *out = (struct jt_workers_seen){ 0 };
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    PGresult *res;
    err = jt_db_query_one(db,
                          "SELECT count(*) FILTER (WHERE w.worker > 0), "
                          "coalesce(sum(w.moved_in_1000_s), 0)::int8, "
                          "coalesce(mode() WITHIN GROUP (ORDER BY w.throttled_by), 0)::int2 "
                          "FROM retirement_worker w WHERE w.generation = $1::int8 "
                          "AND w.noted_at > clock_timestamp() - "
                          "interval '" JT_SQL_NUMBER(JT_WORKER_FRESH_S) " s'",
                          &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->n = jt_row_u63(&row, 0);
        out->moved_in_1000_s = jt_row_u63(&row, 1);
        out->throttled_by = (enum jt_throttle_reason)jt_row_u15(&row, 2);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
