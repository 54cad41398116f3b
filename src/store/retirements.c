/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retirements.h"

#include "store/audit_params.h"
#include "store/query.h"

#include <stdio.h>
#include <string.h>

enum jt_err jt_retirement_open(struct jt_db *db, uint64_t generation, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_text(&p, act->actor);
    uint64_t n_opened;
    err = jt_db_change(db,
                       "INSERT INTO retirement (generation, state, actor) SELECT number, 1, "
                       "$2::text FROM generation "
                       "WHERE number = $1 AND state = 3 ON CONFLICT DO NOTHING",
                       &p, &n_opened);
    if (err == JT_OK && n_opened > 0) {
        err = jt_audit_act_on(db, act, JT_AUDIT_RETIREMENT_START, generation);
    }
    PGresult *res = NULL;
    if (err == JT_OK) {
        jt_params_init(&p);
        jt_params_u63(&p, generation);
        err = jt_db_query_one(db,
                              "SELECT coalesce((SELECT state < 3 FROM retirement WHERE generation "
                              "= g.number), false), "
                              "g.state = 3 FROM generation g WHERE number = $1",
                              &p, &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        bool open = jt_row_bool(&row, 0), draining = jt_row_bool(&row, 1);
        err = row.bad ? JT_ERR_DB_FAULT : open ? JT_OK : JT_ERR_WRONG_STATE;
        if (err == JT_ERR_WRONG_STATE && draining) {
            err = jt_fault_set(db->fault, JT_ERR_DB_UNTRUE,
                               "a retirement was to be recorded, and was not");
        }
    }
    PQclear(res);
    return jt_db_end(db, err == JT_ERR_NO_ROW ? JT_ERR_NO_GENERATION : err);
}

#define SELECT_JOB(where)                                                                         \
    "SELECT r.generation, g.key_id, r.state, r.actor, " JT_SQL_TIME(                              \
        "r.started_at") ", "                                                                      \
                        "r.rows_written, r.rows_moved_in, r.rows_moved_out, r.rows_left, r.lsn, " \
                        "r.timeline, r.system_identifier, "                                       \
                        "r.epoch, " JT_SQL_TIME(                                                  \
                            "r.retired_at") ", r.node, r.certificate, r.signature, r.public_key " \
                                            "FROM retirement r JOIN generation g ON g.number = "  \
                                            "r.generation " where
static const char select_job[] = SELECT_JOB("WHERE r.generation = $1::int8");
static const char select_next[] =
    SELECT_JOB("WHERE r.state < 3 ORDER BY r.generation <= $1::int8, r.generation LIMIT 1");

static void read_facts(struct jt_row *row, struct jt_retirement_facts *facts)
{
    facts->rows_written = jt_row_u63(row, 5);
    facts->rows_moved_in = jt_row_u63(row, 6);
    facts->rows_moved_out = jt_row_u63(row, 7);
    facts->rows_left = jt_row_u63(row, 8);
    facts->lsn = jt_row_raw64(row, 9, JT_PG_LSN);
    facts->timeline = jt_row_u31(row, 10);
    facts->system_identifier = jt_row_raw64(row, 11, JT_PG_INT8);
    facts->epoch = jt_row_u63(row, 12);
    jt_row_text(row, 13, facts->retired_at, sizeof facts->retired_at);
    jt_row_text(row, 14, facts->node, sizeof facts->node);
}

static void read_certificate(struct jt_row *row, struct jt_certificate *certificate)
{
    jt_row_text(row, 15, certificate->text, sizeof certificate->text);
    certificate->text_len = strlen(certificate->text);
    jt_row_fixed(row, 16, certificate->signature, sizeof certificate->signature);
    jt_row_fixed(row, 17, certificate->public_key, sizeof certificate->public_key);
}

static enum jt_err select_one(struct jt_db *db, const char *sql, uint64_t generation,
                              struct jt_retirement *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    PGresult *res;
    err = jt_db_query_one(db, sql, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->generation = out->facts.generation = jt_row_u63(&row, 0);
        out->key_id = jt_row_u8(&row, 1);
        out->state = (enum jt_retirement_state)jt_row_u8(&row, 2);
        jt_row_text(&row, 3, out->actor, sizeof out->actor);
        memcpy(out->facts.actor, out->actor, sizeof out->facts.actor);
        jt_row_text(&row, 4, out->facts.started_at, sizeof out->facts.started_at);
        if (out->state >= JT_RETIREMENT_RETIRED) {
            read_facts(&row, &out->facts);
        }
        if (out->state >= JT_RETIREMENT_CERTIFIED) {
            read_certificate(&row, &out->certificate);
        }
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_RETIREMENT : err;
}

enum jt_err jt_retirement_next(struct jt_db *db, uint64_t after, struct jt_retirement *out)
{
    return select_one(db, select_next, after, out);
}

enum jt_err jt_retirement_get(struct jt_db *db, uint64_t generation, struct jt_retirement *out)
{
    return select_one(db, select_job, generation, out);
}

enum jt_err jt_retirement_certify(struct jt_db *db, uint64_t generation,
                                  const struct jt_certificate *certificate)
{
    if (strlen(certificate->text) != certificate->text_len) {
        return JT_ERR_INVALID;
    }
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_text(&p, certificate->text);
    jt_params_bytes(&p, certificate->signature, sizeof certificate->signature);
    jt_params_bytes(&p, certificate->public_key, sizeof certificate->public_key);
    return jt_db_change_one(
        db,
        "UPDATE retirement SET state = 3, certificate = $2, signature = $3, public_key = $4, "
        "certified_at = now() WHERE generation = $1 AND state = 2",
        &p);
}
