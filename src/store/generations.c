/* SPDX-License-Identifier: Apache-2.0 */
#include "store/generations.h"

#include "store/audit_params.h"
#include "store/generation_stands.h"
#include "store/query.h"
#include "store/statements.h"

#include <string.h>

/* SQL is laid out by hand. */
/* clang-format off */
static const char select_info[] =
    "SELECT g.number, g.key_id, g.state, g.check_value, g.mac_epoch, g.mac, "
    JT_SQL_TIME("g.created_at") ", g.created_by, " JT_SQL_TIME("g.activated_at") ", "
    "g.activated_by, "
    JT_SQL_TIME("g.draining_at") ", " JT_SQL_TIME("g.retired_at") ", g.retired_by, "
    "g.holder_override, "
    JT_SQL_TIME("g.destroyed_at") ", g.destroyed_by, "
    "coalesce(t.written, 0)::int8, coalesce(t.moved_in, 0)::int8, coalesce(t.moved_out, 0)::int8 "
    "FROM generation g CROSS JOIN LATERAL ("
    "SELECT sum(written) AS written, sum(moved_in) AS moved_in, sum(moved_out) AS moved_out "
    "FROM tally WHERE generation = g.number) t "
    "WHERE $1::int8 IN (0, g.number) ORDER BY g.number";
/* clang-format on */

static enum jt_err read_info(const PGresult *res, int i, struct jt_generation_info *out)
{
    memset(out, 0, sizeof *out);
    struct jt_row row = jt_row_init(res, i);
    out->row.number = jt_row_u63(&row, 0);
    out->row.key_id = jt_row_u8(&row, 1);
    out->row.state = jt_row_u8(&row, 2);
    jt_row_fixed(&row, 3, out->row.check_value, sizeof out->row.check_value);
    out->row.mac_epoch = jt_row_u63(&row, 4);
    jt_row_fixed(&row, 5, out->row.mac, sizeof out->row.mac);
    jt_row_text(&row, 6, out->created_at, sizeof out->created_at);
    jt_row_text(&row, 7, out->created_by, sizeof out->created_by);
    jt_row_text_or_empty(&row, 8, out->activated_at, sizeof out->activated_at);
    jt_row_text_or_empty(&row, 9, out->activated_by, sizeof out->activated_by);
    jt_row_text_or_empty(&row, 10, out->draining_at, sizeof out->draining_at);
    jt_row_text_or_empty(&row, 11, out->retired_at, sizeof out->retired_at);
    jt_row_text_or_empty(&row, 12, out->retired_by, sizeof out->retired_by);
    jt_row_text_or_empty(&row, 13, out->holder_override, sizeof out->holder_override);
    jt_row_text_or_empty(&row, 14, out->destroyed_at, sizeof out->destroyed_at);
    jt_row_text_or_empty(&row, 15, out->destroyed_by, sizeof out->destroyed_by);
    out->rows_written = jt_row_u63(&row, 16);
    out->rows_moved_in = jt_row_u63(&row, 17);
    out->rows_moved_out = jt_row_u63(&row, 18);
    return jt_row_status(&row);
}

/* All generations, or the one with this number. */
static enum jt_err select_generations(struct jt_db *db, uint64_t number, PGresult **res)
{
    *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, number);
    return jt_db_query(db, select_info, &p, res);
}

enum jt_err jt_generations_list(struct jt_db *db, jt_generation_fn *each, void *arg)
{
    PGresult *res;
    enum jt_err err = select_generations(db, 0, &res);
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

enum jt_err jt_generation_get(struct jt_db *db, uint64_t number, struct jt_generation_info *out)
{
    memset(out, 0, sizeof *out);
    if (number == 0) {
        return JT_ERR_NOT_FOUND;
    }
    PGresult *res;
    enum jt_err err = select_generations(db, number, &res);
    if (err == JT_OK) {
        err = PQntuples(res) == 0 ? JT_ERR_NOT_FOUND : read_info(res, 0, out);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_generations_taken(struct jt_db *db, struct jt_generations_taken *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    PGresult *res;
    err = jt_db_query(db, "SELECT number, key_id, state FROM generation", NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        uint64_t number = jt_row_u63(&row, 0);
        uint8_t key_id = jt_row_u8(&row, 1);
        uint8_t state = jt_row_u8(&row, 2);
        err = jt_row_status(&row);
        if (number > out->highest) {
            out->highest = number;
        }
        if (state != JT_GENERATION_DESTROYED) {
            jt_key_id_set_add(out->key_ids, key_id);
        }
        out->n_future += state == JT_GENERATION_FUTURE;
    }
    PQclear(res);
    return err;
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

/* $1 to $6: the row as it is sent. */
static void put_row(struct jt_params *p, const struct jt_generation_row *row)
{
    jt_params_init(p);
    jt_params_u63(p, row->number);
    jt_params_i16(p, row->key_id);
    jt_params_i16(p, row->state);
    jt_params_bytes(p, row->check_value, sizeof row->check_value);
    jt_params_u63(p, row->mac_epoch);
    jt_params_bytes(p, row->mac, sizeof row->mac);
}

enum jt_err jt_generation_must_stand(struct jt_db *db, const struct jt_generation_row *row)
{
    struct jt_params p;
    put_row(&p, row);
    return jt_db_must(db,
                      "SELECT EXISTS (SELECT FROM generation WHERE (number, key_id, state, "
                      "check_value, mac_epoch, mac) "
                      "= ($1, $2, $3, $4, $5, $6))",
                      &p, "the row of a generation does not stand as it was sent");
}

enum jt_err jt_generation_insert(struct jt_db *db, const struct jt_generation_row *row,
                                 const struct jt_act *act, char created_at[static JT_TIME_LEN])
{
    created_at[0] = '\0';
    if (row->state != JT_GENERATION_FUTURE) {
        return JT_ERR_INVALID;
    }
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    put_row(&p, row);
    jt_params_text(&p, act->actor);
    err = take_time(
        db,
        "INSERT INTO generation (number, key_id, state, check_value, mac_epoch, mac, created_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING " JT_SQL_TIME("created_at"),
        &p, created_at);
    /* nothing was inserted, and nobody said why */
    err = err == JT_ERR_NOT_FOUND ? JT_ERR_PROTOCOL : err;
    if (err == JT_OK) {
        err = jt_generation_must_stand(db, row);
    }
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_GENERATION_CREATE, row->number);
    }
    return jt_db_end(db, err);
}

enum jt_err jt_generation_abandon(struct jt_db *db, const struct jt_generation_row *row,
                                  const struct jt_act *act, char destroyed_at[static JT_TIME_LEN])
{
    destroyed_at[0] = '\0';
    if (row->state != JT_GENERATION_FUTURE) {
        return JT_ERR_CONFLICT;
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
    err = take_time(
        db,
        "UPDATE generation SET state = 5, destroyed_at = now(), destroyed_by = $5 "
        "WHERE number = $1 AND key_id = $2 AND check_value = $3 AND mac = $4 AND state = 1 "
        "RETURNING " JT_SQL_TIME("destroyed_at"),
        &p, destroyed_at);
    err = err == JT_ERR_NOT_FOUND ? JT_ERR_CONFLICT : err;
    if (err == JT_OK) {
        struct jt_generation_row gone = *row;
        gone.state = JT_GENERATION_DESTROYED;
        err = jt_generation_must_stand(db, &gone);
    }
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_GENERATION_ABANDON, row->number);
    }
    return jt_db_end(db, err);
}

enum jt_err jt_ack_insert(struct jt_db *db, uint64_t generation, const struct jt_ack *ack)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_text(&p, ack->node);
    jt_params_uuid(&p, ack->incarnation);
    jt_params_bytes(&p, ack->challenge, sizeof ack->challenge);
    jt_params_bytes(&p, ack->mac, sizeof ack->mac);
    return jt_db_insert_one(
        db,
        "INSERT INTO key_ack (generation, node, incarnation, challenge, mac) "
        "VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (generation, node) DO UPDATE SET incarnation = excluded.incarnation, "
        "challenge = excluded.challenge, mac = excluded.mac, at = excluded.at",
        &p);
}

enum jt_err jt_ack_get(struct jt_db *db, uint64_t generation, const char *node, struct jt_ack *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_text(&p, node);
    PGresult *res;
    err = jt_db_query_one(
        db,
        "SELECT node, incarnation, challenge, mac FROM key_ack WHERE generation = $1 AND node = $2",
        &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, out->node, sizeof out->node);
        jt_row_uuid(&row, 1, out->incarnation);
        jt_row_fixed(&row, 2, out->challenge, sizeof out->challenge);
        jt_row_fixed(&row, 3, out->mac, sizeof out->mac);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_generation_is_unused(struct jt_db *db, uint8_t key_id, bool *unused)
{
    *unused = false;
    /* names READ COMMITTED: the snapshot is the statement's own */
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, key_id);
    PGresult *res;
    err = jt_db_query_one(db, jt_statements[JT_SQL_UNUSED].sql, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *unused = jt_row_bool(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    err = jt_db_end(db, err);
    if (err != JT_OK) {
        *unused = false;
    }
    return err;
}
