/* SPDX-License-Identifier: Apache-2.0 */
#include "store/endings.h"

#include "model/destruction.h"
#include "store/query.h"

#define COUNTED(of) "(SELECT count(*) FROM (SELECT FROM " of " LIMIT $1::int8) AS c)"
#define IN(state)   "(SELECT count(*) FROM open WHERE state = '" state "')::int4"

/* One word for all nodes, as api/res_destructions.c has it. */
static const char select_endings[] =
    "WITH open AS MATERIALIZED (SELECT d.generation, CASE "
    "WHEN g.destroyed_at IS NOT NULL THEN 'erasing' "
    "WHEN bool_or(n.view = 4) THEN 'cancelled' "
    "WHEN bool_or(n.view = 2) THEN 'grace' "
    "WHEN bool_or(n.view = 3) THEN 'due' ELSE 'waiting' END AS state, "
    "coalesce(max(greatest(n.left_s - extract(epoch FROM now() - n.at), 0)) "
    "FILTER (WHERE n.view = 2), 0)::int8 AS left_s "
    "FROM destruction d JOIN generation g ON g.number = d.generation "
    "LEFT JOIN destruction_node n ON n.generation = d.generation "
    "AND n.node IN (SELECT name FROM node) "
    "WHERE d.certified_at IS NULL GROUP BY d.generation, g.destroyed_at) "
    "SELECT " IN("waiting") ", " IN("grace") ", " IN("due") ", " IN("cancelled") ", " IN(
        "erasing") ", coalesce((SELECT max(left_s) FROM open), "
                   "0)::int8, " COUNTED("stuck_card") ", " COUNTED("quarantin"
                                                                   "e") ", "
                                                                        "(SELE"
                                                                        "CT "
                                                                        "count"
                                                                        "(*) "
                                                                        "FROM "
                                                                        "write"
                                                                        "_off "
                                                                        "WHERE"
                                                                        " done"
                                                                        "_at "
                                                                        "IS "
                                                                        "NULL)"
                                                                        "::"
                                                                        "int4";

_Static_assert(JT_DESTRUCTION_GRACE == 2 && JT_DESTRUCTION_DUE == 3 &&
                   JT_DESTRUCTION_CANCELLED == 4,
               "the numbers in select_endings");

enum jt_err jt_endings_read(struct jt_db *db, struct jt_endings *out)
{
    struct jt_params p;
    PGresult *res = NULL;
    *out = (struct jt_endings){ 0 };
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, JT_ENDINGS_COUNTED);
    err = jt_db_query_one(db, select_endings, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->waiting = jt_row_u31(&row, 0);
        out->grace = jt_row_u31(&row, 1);
        out->due = jt_row_u31(&row, 2);
        out->cancelled = jt_row_u31(&row, 3);
        out->erasing = jt_row_u31(&row, 4);
        out->grace_left_s = jt_row_u63(&row, 5);
        out->stuck_cards = jt_row_u63(&row, 6);
        out->written_off_cards = jt_row_u63(&row, 7);
        out->write_offs_waiting = jt_row_u31(&row, 8);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
