/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retirements.h"

#include "store/audit_params.h"
#include "store/query.h"
#include "store/retirement_columns.h"

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
                       "INSERT INTO retirement (generation, state, actor) "
                       "SELECT number, " JT_SQL_JOB_DRAINING ", $2::text FROM generation "
                       "WHERE number = $1 AND state = " JT_SQL_DRAINING " "
                       "ON CONFLICT DO NOTHING",
                       &p, &n_opened);
    if (err == JT_OK && n_opened > 0) {
        err = jt_audit_act_on(db, act, JT_AUDIT_RETIREMENT_START, generation);
    }
    PGresult *res = NULL;
    if (err == JT_OK) {
        jt_params_init(&p);
        jt_params_u63(&p, generation);
        err = jt_db_query_one(db,
                              "SELECT coalesce((SELECT state < " JT_SQL_JOB_CERTIFIED " "
                              "FROM retirement WHERE generation = g.number), false), "
                              "g.state = " JT_SQL_DRAINING " "
                              "FROM generation g WHERE number = $1",
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

/* Whether the job stands as it was asked for, and why not. */
static enum jt_err check_paused(struct jt_db *db, uint64_t generation, bool pause)
{
    struct jt_params p;
    PGresult *res;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    enum jt_err err =
        jt_db_query_one(db,
                        "SELECT state = " JT_SQL_JOB_DRAINING ", paused_at IS NOT NULL "
                        "FROM retirement WHERE generation = $1",
                        &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        bool draining = jt_row_bool(&row, 0), paused = jt_row_bool(&row, 1);
        err = row.bad ? JT_ERR_DB_FAULT : !draining ? JT_ERR_WRONG_STATE : JT_OK;
        if (err == JT_OK && paused != pause) {
            err = jt_fault_set(db->fault, JT_ERR_DB_UNTRUE,
                               "a retirement was to be paused or resumed, and was not");
        }
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_RETIREMENT : err;
}

enum jt_err jt_retirement_pause(struct jt_db *db, uint64_t generation, bool pause,
                                const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    uint64_t n_changed;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_bool(&p, pause);
    jt_params_text(&p, act->actor);
    err = jt_db_change(db,
                       "UPDATE retirement SET paused_at = CASE WHEN $2::bool THEN now() END, "
                       "paused_by = CASE WHEN $2::bool THEN $3::text END "
                       "WHERE generation = $1 AND state = " JT_SQL_JOB_DRAINING " "
                       "AND (paused_at IS NOT NULL) <> $2::bool",
                       &p, &n_changed);
    if (err == JT_OK) {
        err = check_paused(db, generation, pause);
    }
    if (err == JT_OK && n_changed > 0) {
        err = jt_audit_act_on(
            db, act, pause ? JT_AUDIT_RETIREMENT_PAUSE : JT_AUDIT_RETIREMENT_RESUME, generation);
    }
    return jt_db_end(db, err);
}

#define JOB(FIRST, NEXT, t)                                    \
    FIRST(U63, t "generation", generation)                     \
    NEXT(U8, "g.key_id", key_id)                               \
    NEXT(U8, t "state", state)                                 \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "paused_at"), paused_at) \
    NEXT(TEXT_OR_EMPTY, t "paused_by", paused_by)

#define CERTIFICATE(FIRST, NEXT, t)       \
    FIRST(TEXT, t "certificate", text)    \
    NEXT(FIXED, t "signature", signature) \
    NEXT(FIXED, t "public_key", public_key)

static JT_COLUMNS_READER(read_job, JOB, struct jt_retirement);
JT_COLUMNS_READER(jt_retirement_start_read, JT_RETIREMENT_START, struct jt_retirement_facts);
JT_COLUMNS_READER(jt_retirement_facts_read, JT_RETIREMENT_FACTS, struct jt_retirement_facts);
static JT_COLUMNS_READER(read_certificate, CERTIFICATE, struct jt_certificate);

enum {
    START = JT_N_COLUMNS(JOB),
    FACTS = START + JT_N_COLUMNS(JT_RETIREMENT_START),
    CERTIFIED = FACTS + JT_N_COLUMNS(JT_RETIREMENT_FACTS),
};
#define START_COLUMNS JT_COLUMNS(JT_RETIREMENT_START, "r.")
#define FACTS_COLUMNS JT_COLUMNS(JT_RETIREMENT_FACTS, "r.")
#define COLUMNS \
    JT_COLUMNS(JOB, "r.") ", " START_COLUMNS ", " FACTS_COLUMNS ", " JT_COLUMNS(CERTIFICATE, "r.")
#define SELECT_JOB \
    "SELECT " COLUMNS " FROM retirement r JOIN generation g ON g.number = r.generation "

static const char select_job[] = SELECT_JOB "WHERE r.generation = $1::int8";
static const char select_next[] =
    SELECT_JOB "WHERE r.state < " JT_SQL_JOB_CERTIFIED " "
               "ORDER BY r.generation <= $1::int8, r.generation LIMIT 1";

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
        read_job(&row, 0, out);
        out->facts.generation = out->generation;
        jt_retirement_start_read(&row, START, &out->facts);
        memcpy(out->actor, out->facts.actor, sizeof out->actor);
        if (out->state >= JT_RETIREMENT_RETIRED) {
            jt_retirement_facts_read(&row, FACTS, &out->facts);
        }
        if (out->state >= JT_RETIREMENT_CERTIFIED) {
            read_certificate(&row, CERTIFIED, &out->certificate);
            out->certificate.text_len = strlen(out->certificate.text);
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

enum jt_err jt_retirement_forget(struct jt_db *db, uint64_t generation)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    return jt_db_change(
        db,
        "WITH ranges AS (DELETE FROM retirement_range WHERE generation = $1::int8), "
        "workers AS (DELETE FROM retirement_worker WHERE generation = $1::int8), "
        "samples AS (DELETE FROM retirement_sample WHERE generation = $1::int8), "
        "asked AS (DELETE FROM write_off WHERE generation = $1::int8 AND done_at IS NULL) "
        "DELETE FROM stuck_card WHERE generation = $1::int8",
        &p, NULL);
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
    return jt_db_change_one(db,
                            "UPDATE retirement SET state = " JT_SQL_JOB_CERTIFIED
                            ", certificate = $2, "
                            "signature = $3, public_key = $4, certified_at = now() "
                            "WHERE generation = $1 AND state = " JT_SQL_JOB_RETIRED,
                            &p);
}
