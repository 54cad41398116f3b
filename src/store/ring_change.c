/* SPDX-License-Identifier: Apache-2.0 */
#include "store/generations.h"

#include "store/audit_params.h"
#include "store/history.h"
#include "store/retirement_columns.h"
#include "store/news.h"
#include "store/ring_lock.h"
#include "store/statements.h"

#include <string.h>

/* A change that only marks a generation as compromised: no state moves. */
static bool marks_only(const struct jt_ring_change *c)
{
    return c->compromised != 0 && c->n_rows == 1 && c->rows[0].number == c->compromised;
}

/* A retired generation leaves the ring: its key may be erased from now on. */
static bool destroys(const struct jt_ring_change *c)
{
    return c->rows[0].state == JT_GENERATION_DESTROYED;
}

static enum jt_err check_input(const struct jt_ring_change *c)
{
    if (c->next->epoch <= c->from_epoch || c->n_rows < 1 || c->n_rows > 2) {
        return JT_ERR_INVALID;
    }
    if (destroys(c)) {
        return c->n_rows == 1 && c->proof_of_zero && c->facts == NULL ? JT_OK : JT_ERR_INVALID;
    }
    if (c->proof_of_zero && (c->n_rows != 1 || c->facts == NULL)) {
        return JT_ERR_INVALID;
    }
    if (marks_only(c)) {
        return c->proof_of_zero ? JT_ERR_INVALID : JT_OK;
    }
    size_t n_active = 0;
    for (size_t i = 0; i < c->n_rows; i++) {
        uint8_t state = c->rows[i].state;
        n_active += state == JT_GENERATION_ACTIVE;
        if (state != JT_GENERATION_ACTIVE && state != JT_GENERATION_DRAINING &&
            state != JT_GENERATION_RETIRED) {
            return JT_ERR_INVALID;
        }
        if ((state == JT_GENERATION_RETIRED) != c->proof_of_zero) {
            return JT_ERR_INVALID; /* no retirement without the proof */
        }
    }
    return n_active == (c->proof_of_zero ? 0 : 1) ? JT_OK : JT_ERR_INVALID;
}

static enum jt_err check_epoch(struct jt_db *db, uint64_t from_epoch)
{
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, "SELECT epoch FROM ring FOR UPDATE", NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        uint64_t epoch = jt_row_u63(&row, 0);
        err = row.bad ? JT_ERR_DB_FAULT : epoch == from_epoch ? JT_OK : JT_ERR_RING_MOVED;
    }
    PQclear(res);
    return err;
}

/* Every node that is registered now has proved, to a keeper, that it holds the key (I3). */
static enum jt_err check_adopters(struct jt_db *db, const struct jt_ring_change *c)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_array(&p, JT_PG_TEXT_ARRAY, c->n_adopters, 32);
    for (size_t i = 0; i < c->n_adopters; i++) {
        const char *name = c->adopters[i].spec.name;
        jt_params_add_bytes(&p, name, strlen(name));
    }
    jt_params_array(&p, JT_PG_UUID_ARRAY, c->n_adopters, JT_PG_UUID_LEN);
    for (size_t i = 0; i < c->n_adopters; i++) {
        jt_params_add_bytes(&p, c->adopters[i].spec.incarnation, JT_INCARNATION_LEN);
    }
    jt_params_array(&p, JT_PG_UUID_ARRAY, c->n_adopters, JT_PG_UUID_LEN);
    for (size_t i = 0; i < c->n_adopters; i++) {
        jt_params_add_bytes(&p, c->adopters[i].keeper, JT_INCARNATION_LEN);
    }
    bool all;
    enum jt_err err =
        jt_db_ask(db,
                  "SELECT NOT EXISTS (SELECT FROM node n WHERE NOT EXISTS (SELECT FROM "
                  "unnest($1::text[], $2::uuid[], $3::uuid[]) AS a (name, incarnation, keeper) "
                  "WHERE a.name = n.name AND a.incarnation = n.incarnation "
                  "AND a.keeper = n.keeper_incarnation))",
                  &p, &all);
    return err == JT_OK && !all ? JT_ERR_NODES_MISSING : err;
}

/*
 * The proof of zero once more, under the lock: a statement of its own, so that its snapshot was
 * taken after the lock was had. Every writer waits for it, so it is cut short.
 */
static enum jt_err check_unused(struct jt_db *db, uint8_t key_id, bool *busy)
{
    enum jt_err err = jt_db_script(db, JT_SQL_RING_PROOF);
    if (err != JT_OK) {
        return err;
    }
    bool unused;
    err = jt_generation_shows_no_card(db, key_id, &unused);
    *busy = err != JT_OK && strcmp(db->sqlstate, JT_SQLSTATE_QUERY_CANCELED) == 0;
    if (err == JT_OK && !unused) {
        err = JT_ERR_NOT_EMPTY;
    }
    return err == JT_OK ? jt_db_script(db, JT_SQL_RING_STATEMENT) : err;
}

/*
 * $1 to $5: number, key id, check value, epoch of the MAC, MAC; $6 actor; $7 override, $8 second
 * holder. Each names the state that must be left.
 */
#define SET_ROW(what)                                                                 \
    "UPDATE generation SET mac_epoch = $4, mac = $5, holder_override = coalesce($7, " \
    "holder_override), second_holder = coalesce($8, second_holder), " what
#define WHERE_ROW(state) \
    " WHERE number = $1 AND key_id = $2 AND check_value = $3 AND state = " state
static const char to_active[] =
    SET_ROW("state = " JT_SQL_ACTIVE ", activated_at = now(), activated_by = $6")
        WHERE_ROW(JT_SQL_FUTURE);
static const char to_draining[] =
    SET_ROW("state = " JT_SQL_DRAINING ", draining_at = now(), draining_by = $6")
        WHERE_ROW(JT_SQL_ACTIVE);
static const char to_retired[] =
    SET_ROW("state = " JT_SQL_RETIRED ", retired_at = now(), retired_by = $6")
        WHERE_ROW(JT_SQL_DRAINING);
static const char to_destroyed[] =
    SET_ROW("state = " JT_SQL_DESTROYED ", destroyed_at = now(), destroyed_by = $6")
        WHERE_ROW(JT_SQL_RETIRED);

static const char *change_to(uint8_t state)
{
    return state == JT_GENERATION_ACTIVE      ? to_active
           : state == JT_GENERATION_DRAINING  ? to_draining
           : state == JT_GENERATION_DESTROYED ? to_destroyed
                                              : to_retired;
}

/*
 * No row was changed. JT_ERR_WRONG_STATE: there is none in the state that this step starts from;
 * JT_ERR_DB_UNTRUE: there is, and the server passed it over.
 */
static enum jt_err check_left_out(struct jt_db *db, const struct jt_generation_row *row)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->number);
    jt_params_i16(&p, row->key_id);
    jt_params_bytes(&p, row->check_value, sizeof row->check_value);
    jt_params_i16(&p, (int16_t)(row->state - 1));
    enum jt_err err =
        jt_db_must(db,
                   "SELECT NOT EXISTS (SELECT FROM generation WHERE number = $1 AND key_id = $2 "
                   "AND check_value = $3 AND state = $4)",
                   &p, "the state of a generation was to be changed, and was not");
    return err == JT_OK ? JT_ERR_WRONG_STATE : err;
}

static enum jt_err change_generation(struct jt_db *db, const struct jt_ring_change *c,
                                     const struct jt_generation_row *row)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->number);
    jt_params_i16(&p, row->key_id);
    jt_params_bytes(&p, row->check_value, sizeof row->check_value);
    jt_params_u63(&p, row->mac_epoch);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, c->act->actor);
    /* Both belong to the generation that is activated, not to the one that it replaces. */
    const char *const of_active[] = { c->holder_override, c->second_holder };
    for (size_t i = 0; i < 2; i++) {
        if (of_active[i] == NULL || row->state != JT_GENERATION_ACTIVE) {
            jt_params_null_text(&p);
        } else {
            jt_params_text(&p, of_active[i]);
        }
    }
    enum jt_err err = jt_db_change_one(db, change_to(row->state), &p);
    return err == JT_ERR_NO_CHANGE ? check_left_out(db, row) : err;
}

/* $1 to $6: number, key id, check value, epoch of the MAC, MAC, state; $7 actor; $8 why */
static const char mark_only[] =
    "UPDATE generation SET mac_epoch = $4, mac = $5, compromised_at = now(), compromised_by = $7, "
    "compromised_why = $8 WHERE number = $1 AND key_id = $2 AND check_value = $3 AND state = $6";
static const char mark_beside[] =
    "UPDATE generation SET compromised_at = now(), compromised_by = $2, compromised_why = $3 "
    "WHERE number = $1";
static const char mark_stands[] =
    "SELECT EXISTS (SELECT FROM generation WHERE number = $1 AND compromised_at = now() "
    "AND compromised_by = $2 AND compromised_why = $3)";

static void put_mark(struct jt_params *p, const struct jt_ring_change *c)
{
    jt_params_init(p);
    jt_params_u63(p, c->compromised);
    jt_params_text(p, c->act->actor);
    jt_params_text(p, c->compromised_why);
}

static enum jt_err mark_compromised(struct jt_db *db, const struct jt_ring_change *c)
{
    struct jt_params p;
    const struct jt_generation_row *row = &c->rows[0];
    if (marks_only(c)) {
        jt_params_init(&p);
        jt_params_u63(&p, row->number);
        jt_params_i16(&p, row->key_id);
        jt_params_bytes(&p, row->check_value, sizeof row->check_value);
        jt_params_u63(&p, row->mac_epoch);
        jt_params_bytes(&p, row->mac, sizeof row->mac);
        jt_params_i16(&p, row->state);
        jt_params_text(&p, c->act->actor);
        jt_params_text(&p, c->compromised_why);
    } else {
        put_mark(&p, c);
    }
    enum jt_err err = jt_db_change_one(db, marks_only(c) ? mark_only : mark_beside, &p);
    if (err == JT_ERR_NO_CHANGE) {
        return JT_ERR_WRONG_STATE;
    }
    if (err == JT_OK) {
        put_mark(&p, c);
        err = jt_db_must(db, mark_stands, &p, "a generation was to be marked, and was not");
    }
    return err == JT_OK
               ? jt_audit_act_on(db, c->act, JT_AUDIT_GENERATION_COMPROMISE, c->compromised)
               : err;
}

/* What leaves the active state goes first: at no moment may two be active. */
static enum jt_err change_generations(struct jt_db *db, const struct jt_ring_change *c)
{
    enum jt_err err = JT_OK;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < c->n_rows && err == JT_OK; i++) {
            bool becomes_active = c->rows[i].state == JT_GENERATION_ACTIVE;
            if (becomes_active == (pass == 1)) {
                err = change_generation(db, c, &c->rows[i]);
            }
        }
    }
    return err;
}

static enum jt_err replace_ring(struct jt_db *db, const struct jt_ring_change *c)
{
    /* The epoch was found and locked before, in this transaction: there is no race to lose. */
    enum jt_err err = jt_ring_row_replace(db, c->next, c->from_epoch);
    return err == JT_ERR_NO_CHANGE ? JT_ERR_DB_UNTRUE : err;
}

/* What the change is: whoever believes it must find it there. */
static enum jt_err check_written(struct jt_db *db, const struct jt_ring_change *c)
{
    enum jt_err err = jt_ring_must_stand(db, c->next);
    for (size_t i = 0; i < c->n_rows && err == JT_OK; i++) {
        err = jt_generation_must_stand(db, &c->rows[i]);
    }
    return err;
}

/*
 * Writes the facts into the open retirement job and reads them back.
 */
#define FACTS JT_COLUMNS(JT_RETIREMENT_START, "r.") ", " JT_COLUMNS(JT_RETIREMENT_FACTS, "r.")
static const char record_facts[] =
    "UPDATE retirement r SET state = " JT_SQL_JOB_RETIRED ", retired_at = now(), "
    "node = $2, epoch = $3, rows_left = 0, rows_written = t.written, rows_moved_in = t.moved_in, "
    "rows_moved_out = t.moved_out, rows_deleted = t.deleted, "
    "rows_written_off = t.written_off, lsn = at.lsn, "
    "timeline = " JT_SQL_TIMELINE_AT(
        "at.lsn") ", "
                  "system_identifier = " JT_SQL_SYSTEM_IDENTIFIER " "
                  "FROM (SELECT coalesce(sum(written), 0)::int8 AS written, "
                  "coalesce(sum(moved_in), 0)::int8 AS moved_in, "
                  "coalesce(sum(moved_out), 0)::int8 AS moved_out, "
                  "coalesce(sum(deleted), 0)::int8 AS deleted, "
                  "coalesce(sum(written_off), 0)::int8 AS written_off "
                  "FROM tally WHERE generation = $1) t, "
                  "(SELECT pg_current_wal_insert_lsn() AS lsn) at "
                  "WHERE r.generation = $1 AND r.state = " JT_SQL_JOB_DRAINING " "
                  "RETURNING " FACTS;

static enum jt_err record_retirement(struct jt_db *db, const struct jt_ring_change *c)
{
    struct jt_retirement_facts *facts = c->facts;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, c->rows[0].number);
    jt_params_text(&p, facts->node);
    jt_params_u63(&p, c->next->epoch);
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, record_facts, &p, &res);
    if (err == JT_ERR_NO_ROW) {
        return JT_ERR_NO_JOB; /* nobody opened a job */
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        facts->generation = c->rows[0].number;
        jt_retirement_start_read(&row, 0, facts);
        jt_retirement_facts_read(&row, JT_N_COLUMNS(JT_RETIREMENT_START), facts);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

static enum jt_err record_act(struct jt_db *db, const struct jt_ring_change *c)
{
    if (destroys(c)) {
        return jt_audit_act_on(db, c->act, JT_AUDIT_GENERATION_DESTROY, c->rows[0].number);
    }
    if (c->proof_of_zero) {
        return jt_audit_act_on(db, c->act, JT_AUDIT_GENERATION_RETIRE, c->rows[0].number);
    }
    size_t activated = c->rows[0].state == JT_GENERATION_ACTIVE ? 0 : 1;
    return jt_audit_act_on(db, c->act, JT_AUDIT_GENERATION_ACTIVATE, c->rows[activated].number);
}

/* What must be so before anything is written. */
static enum jt_err check_before(struct jt_db *db, const struct jt_ring_change *change, bool *busy)
{
    enum jt_err err = check_epoch(db, change->from_epoch);
    if (err == JT_OK && !change->proof_of_zero && !marks_only(change)) {
        err = check_adopters(db, change);
    }
    if (err == JT_OK && change->proof_of_zero) {
        err = check_unused(db, change->rows[0].key_id, busy);
    }
    return err;
}

static enum jt_err write_generations(struct jt_db *db, const struct jt_ring_change *change)
{
    enum jt_err err = marks_only(change) ? JT_OK : change_generations(db, change);
    return err == JT_OK && change->compromised != 0 ? mark_compromised(db, change) : err;
}

enum jt_err jt_ring_change(struct jt_db *db, const struct jt_ring_change *change, bool *busy)
{
    *busy = false;
    enum jt_err err = check_input(change);
    if (err == JT_OK) {
        err = jt_ring_lock_begin(db, busy);
    }
    if (err != JT_OK) {
        return err;
    }
    err = check_before(db, change, busy);
    if (err == JT_OK) {
        err = write_generations(db, change);
    }
    if (err == JT_OK) {
        err = replace_ring(db, change);
    }
    if (err == JT_OK) {
        err = check_written(db, change);
    }
    if (err == JT_OK && change->facts != NULL) {
        err = record_retirement(db, change);
    }
    if (err == JT_OK && !marks_only(change)) {
        err = record_act(db, change);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return jt_db_end(db, err);
}
