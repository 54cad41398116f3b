/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retirement_samples.h"

#include "store/query.h"
#include "store/retirement_columns.h"
#include "store/tally.h"

#include <string.h>

#define MINUTE_NOW "(extract(epoch FROM now()) / 60)::int4"
#define KEPT_MIN   "1440"

/* clang-format off */
/* Of the rows `t` of the tally: cards that stand, and those that workers of the job moved out. */
#define ROWS_NOW "coalesce(sum(t.written + t.moved_in - t.moved_out - t.deleted - "\
    "t.written_off), 0)::int8"
#define WRITER   "t.writer % " JT_SQL_NUMBER(JT_TALLY_WRITERS)
#define BY_JOB \
    "coalesce(sum(t.moved_out) FILTER (WHERE " WRITER " = " JT_SQL_NUMBER(JT_TALLY_RETIREMENT) \
    " OR " WRITER " >= " JT_SQL_NUMBER(JT_TALLY_WORKERS) "), 0)::int8"
/* clang-format on */

enum jt_err jt_samples_take(struct jt_db *db)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    return jt_db_change(
        db,
        "WITH old AS (DELETE FROM retirement_sample s WHERE s.minute < " MINUTE_NOW " - " KEPT_MIN
        " OR NOT EXISTS (SELECT FROM generation g WHERE g.number = s.generation AND g.state "
        "= " JT_SQL_DRAINING ")) "
        "INSERT INTO retirement_sample (generation, minute, rows, moved_by_job) "
        "SELECT g.number, " MINUTE_NOW ", n.rows, n.by_job FROM generation g "
        "CROSS JOIN LATERAL (SELECT " ROWS_NOW " AS rows, " BY_JOB " AS by_job FROM tally t "
        "WHERE t.generation = g.number) AS n "
        "WHERE g.state = " JT_SQL_DRAINING " ON CONFLICT (generation, minute) DO NOTHING",
        NULL, NULL);
}

/*
 * $1 generation, $2 rate of one node. `s`: the oldest sample. A card that the job moved would not
 * have gone by itself in that time, so it counts as one that is still there. With `left` cards of
 * left + gone after `span` seconds, less than one is left after span * ln(left) / ln((left + gone)
 * / left) more.
 */
/* clang-format off */
#define SECONDS(n) "(now() + " n " * interval '1 second')"
#define BY_ITSELF \
    "CASE WHEN s.left_ = 0 THEN 0 WHEN s.gone > 0 THEN least(s.span * " \
    "greatest(ln(s.left_::float8), 0) / ln((s.left_ + s.gone)::float8 / s.left_), 3e9) END"
#define WITH_THE_JOB \
    "CASE WHEN s.left_ = 0 THEN 0 WHEN r.rate > 0 THEN s.left_ / r.rate::float8 END"

static const char project[] =
    "WITH now_ AS (SELECT g.state = " JT_SQL_DRAINING " AS draining, n.* FROM generation g "
    "CROSS JOIN LATERAL (SELECT " ROWS_NOW " AS rows, " BY_JOB " AS by_job FROM tally t "
    "WHERE t.generation = g.number) AS n WHERE g.number = $1::int8), "
    "then_ AS (SELECT s.minute, s.rows, s.moved_by_job FROM retirement_sample s "
    "WHERE s.generation = $1::int8 ORDER BY s.minute LIMIT 1), "
    "seen AS (SELECT n.draining, greatest(n.rows, 0) AS left_, "
    "CASE WHEN t.minute IS NULL THEN 0 ELSE "
    "greatest(extract(epoch FROM now()) - t.minute * 60.0, 0) END AS span, "
    "greatest(coalesce(t.rows - n.rows - (n.by_job - t.moved_by_job), 0), 0) AS gone "
    "FROM now_ n LEFT JOIN then_ t ON true), "
    "last_ AS (SELECT r.rows_moved_out / greatest(extract(epoch FROM r.retired_at - "
    "r.started_at), 0.001) AS rate FROM retirement r WHERE r.state > " JT_SQL_JOB_DRAINING " "
    "AND r.rows_moved_out > 0 ORDER BY r.retired_at DESC LIMIT 1), "
    "rate_ AS (SELECT CASE WHEN $2::int8 > 0 THEN $2::int8 * greatest((SELECT count(*) FROM "
    "node), 1) ELSE coalesce((SELECT l.rate FROM last_ l), 0)::int8 END AS rate) "
    "SELECT s.draining, s.left_, s.span::int8, s.gone, "
    JT_SQL_TIME(SECONDS(BY_ITSELF)) ", r.rate, $2::int8 > 0, "
    JT_SQL_TIME(SECONDS(WITH_THE_JOB)) " FROM seen s, rate_ r";
/* clang-format on */

enum jt_err jt_samples_project(struct jt_db *db, uint64_t generation, uint64_t rate,
                               struct jt_projection *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    PGresult *res;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_u63(&p, rate);
    err = jt_db_query_one(db, project, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        bool draining = jt_row_bool(&row, 0);
        out->rows_left = jt_row_u63(&row, 1);
        out->observed_s = jt_row_u63(&row, 2);
        out->gone_by_itself = jt_row_u63(&row, 3);
        jt_row_text_or_empty(&row, 4, out->end_by_itself, sizeof out->end_by_itself);
        out->job_rate = jt_row_u63(&row, 5);
        out->rate_is_option = jt_row_bool(&row, 6);
        jt_row_text_or_empty(&row, 7, out->end_by_job, sizeof out->end_by_job);
        err = row.bad ? JT_ERR_DB_FAULT : draining ? JT_OK : JT_ERR_WRONG_STATE;
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_GENERATION : err;
}
