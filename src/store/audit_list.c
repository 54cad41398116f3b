/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit_list.h"

#include "base/clock.h"
#include "store/query.h"

#include <stdlib.h>
#include <string.h>

#define SPAN_MIN_US UINT64_C(1000000)
#define SPAN_GROWS  4
#define QUICK_MS    200  /* after a span that took no longer the next one is longer */
#define SLOW_MS     600  /* and after one that took longer it is shorter */
#define PATIENCE_MS 2000 /* no span begins later */
#define IDS_MAX     8192
#define TEXT_MAX    256
#define IDS_LEN     (IDS_MAX * JT_ROW_ID_LEN)

static const char *const action_names[] = {
    [JT_AUDIT_TOKENIZE] = "tokenize",
    [JT_AUDIT_DETOKENIZE] = "detokenize",
    [JT_AUDIT_FIELD_ADD] = "field-add",
    [JT_AUDIT_CLIENT_ADD] = "client-add",
    [JT_AUDIT_GENERATION_CREATE] = "generation-create",
    [JT_AUDIT_GENERATION_ACTIVATE] = "generation-activate",
    [JT_AUDIT_RETIREMENT_START] = "retirement-start",
    [JT_AUDIT_GENERATION_RETIRE] = "generation-retire",
    [JT_AUDIT_IDS_ACCEPT] = "ids-accept",
    [JT_AUDIT_NUMERIC_ACCEPT] = "numeric-accept",
    [JT_AUDIT_GENERATION_ABANDON] = "generation-abandon",
    [JT_AUDIT_LOOKUP] = "lookup",
    [JT_AUDIT_READ_MASKED] = "read-masked",
    [JT_AUDIT_DELETE] = "delete",
    [JT_AUDIT_FIELD_CHANGE] = "field-change",
    [JT_AUDIT_ENCRYPT] = "encrypt",
    [JT_AUDIT_DECRYPT] = "decrypt",
    [JT_AUDIT_REENCRYPT] = "reencrypt",
    [JT_AUDIT_PURGE] = "purge",
    [JT_AUDIT_CLIENT_REVOKE] = "client-revoke",
    [JT_AUDIT_SETS_ACCEPT] = "sets-accept",
    [JT_AUDIT_CLIENT_ROTATE] = "client-rotate",
    [JT_AUDIT_CLIENT_DISABLE] = "client-disable",
    [JT_AUDIT_CLIENT_ENABLE] = "client-enable",
    [JT_AUDIT_CLIENT_PERMIT] = "client-permit",
    [JT_AUDIT_CLIENT_RECOVER] = "client-recover",
    [JT_AUDIT_LOGIN_LOCKED] = "login-locked",
    [JT_AUDIT_REFUSED] = "refused",
    [JT_AUDIT_LOGIN_REFUSED] = "login-refused",
    [JT_AUDIT_LOST] = "lost",
    [JT_AUDIT_GUESS_BRAKE] = "guess-brake",
    [JT_AUDIT_HONEY_OPENED] = "honey-opened",
    [JT_AUDIT_HONEY_ADD] = "honey-add",
    [JT_AUDIT_HONEY_REMOVE] = "honey-remove",
    [JT_AUDIT_NODE_REMOVE] = "node-remove",
    [JT_AUDIT_BACKUP_MAKE] = "backup-make",
    [JT_AUDIT_BACKUP_VERIFY] = "backup-verify",
    [JT_AUDIT_BACKUP_FORGET] = "backup-forget",
    [JT_AUDIT_KEYS_RESTORE] = "keys-restore",
    [JT_AUDIT_GENERATION_PLAN] = "generation-plan",
    [JT_AUDIT_GENERATION_COMPROMISE] = "generation-compromise",
    [JT_AUDIT_RETIREMENT_PAUSE] = "retirement-pause",
    [JT_AUDIT_RETIREMENT_RESUME] = "retirement-resume",
    [JT_AUDIT_REPAIR] = "repair",
    [JT_AUDIT_CUSTODIANS] = "custodians",
    [JT_AUDIT_DESTRUCTION_REQUEST] = "destruction-request",
    [JT_AUDIT_DESTRUCTION_APPROVE] = "destruction-approve",
    [JT_AUDIT_GENERATION_DESTROY] = "generation-destroy",
    [JT_AUDIT_DESTRUCTION_CERTIFY] = "destruction-certify",
    [JT_AUDIT_RECOVERY_REQUEST] = "recovery-request",
    [JT_AUDIT_RECOVERY_APPROVE] = "recovery-approve",
    [JT_AUDIT_RECOVER] = "recover",
    [JT_AUDIT_WRITE_OFF_REQUEST] = "write-off-request",
    [JT_AUDIT_WRITE_OFF_APPROVE] = "write-off-approve",
    [JT_AUDIT_WRITE_OFF] = "write-off",
    [JT_AUDIT_COLUMN_ADD] = "column-add",
    [JT_AUDIT_COLUMN_REMOVE] = "column-remove",
    [JT_AUDIT_COLUMN_COUNT] = "column-count",
};
#define N_ACTIONS (sizeof action_names / sizeof action_names[0])

const char *jt_audit_action_name(int action)
{
    return action >= 0 && (size_t)action < N_ACTIONS ? action_names[action] : NULL;
}

int jt_audit_action_of(const char *name)
{
    for (size_t i = 0; i < N_ACTIONS; i++) {
        if (action_names[i] != NULL && strcmp(action_names[i], name) == 0) {
            return (int)i;
        }
    }
    return 0;
}

/* --- rows --- */

/* $1 and $2 from and before which time; $3 to $7 the row after which; $8 client, $9 action, $10
 * field, $11 request; $12 at most so many */
static const char list_rows[] =
    "SELECT a.at, a.start::int8, a.connection, a.link, a.place, a.action, a.result, a.field, "
    "a.n_items, a.n_done, a.client, a.object, a.source, a.request, a.head, a.ids, "
    "coalesce((SELECT f.name FROM field f WHERE f.id = a.field), ''), "
    "coalesce((SELECT s.node FROM audit_start s WHERE s.id = a.start), '') FROM audit a "
    "WHERE a.at >= $1::timestamptz AND a.at < $2::timestamptz "
    "AND (a.at, a.start::int8, a.connection, a.link, a.place) > ($3::timestamptz, $4::int8, "
    "$5::int2, $6::int8, $7::int2) AND ($8::text = '' OR a.client = $8) "
    "AND ($9::int4 = 0 OR a.action = $9) AND ($10::int4 = 0 OR a.field = $10) "
    "AND ($11::bytea = '' OR a.request = nullif(encode($11, 'hex'), '')::uuid) "
    "ORDER BY a.at, a.start, a.connection, a.link, a.place LIMIT $12::int8";

/* From the first row that there can be, in the bounds that are asked for, to now. */
static const char find_bounds[] =
    "SELECT greatest(coalesce((SELECT min(s.at) FROM audit_start s), now()), "
    "coalesce(nullif($1::text, '')::timestamptz, '-infinity')), "
    "least(now() + interval '1 day', coalesce(nullif($2::text, '')::timestamptz, 'infinity')), "
    "now()";

static uint64_t time_of(struct jt_row *row, int column)
{
    return jt_row_raw64(row, column, JT_PG_TIMESTAMPTZ) + JT_PG_EPOCH_US;
}

struct listing {
    const struct jt_audit_filter *filter;
    jt_audit_view_fn *each;
    void *arg;
    size_t n;
    uint64_t from_us, before_us; /* what is left to be read */
    struct jt_audit_view view;
    struct jt_origin origin;
    char client[TEXT_MAX], object[TEXT_MAX];
    uint64_t ids[IDS_MAX];
};

static void read_ids(struct jt_row *row, int column, struct listing *l)
{
    size_t len;
    const uint8_t *p = jt_row_bytes(row, column, IDS_LEN, &len);
    row->bad |= len % JT_ROW_ID_LEN != 0;
    l->view.row.n_ids = p == NULL ? 0 : len / JT_ROW_ID_LEN;
    for (size_t i = 0; i < l->view.row.n_ids; i++) {
        l->ids[i] = jt_get_u64(p + i * JT_ROW_ID_LEN);
    }
}

static enum jt_err take_row(const PGresult *res, int i, struct listing *l)
{
    struct jt_row row = jt_row_init(res, i);
    struct jt_audit_view *v = &l->view;
    *v = (struct jt_audit_view){
        .row = { .client = l->client, .object = l->object, .origin = &l->origin, .ids = l->ids }
    };
    l->origin = (struct jt_origin){ .source_len = 0 };
    v->at.at_us = time_of(&row, 0);
    v->at.start = (int64_t)jt_row_raw64(&row, 1, JT_PG_INT8);
    v->at.connection = jt_row_u15(&row, 2);
    v->at.link = jt_row_u63(&row, 3);
    v->at.place = jt_row_u15(&row, 4);
    v->row.action = (enum jt_audit_action)jt_row_u15(&row, 5);
    v->row.result = (enum jt_err)jt_row_u15(&row, 6);
    v->row.field = jt_row_u31(&row, 7);
    v->row.n_items = jt_row_u31(&row, 8);
    v->row.n_done = jt_row_u31(&row, 9);
    jt_row_text(&row, 10, l->client, sizeof l->client);
    jt_row_text(&row, 11, l->object, sizeof l->object);
    l->origin.source_len = (uint8_t)jt_row_copy(&row, 12, l->origin.source, JT_SOURCE_MAX);
    jt_row_uuid(&row, 13, l->origin.request);
    v->has_head = !jt_row_is_null(&row, 14);
    if (v->has_head) {
        jt_row_uuid(&row, 14, v->head);
    }
    read_ids(&row, 15, l);
    jt_row_text(&row, 16, v->field, sizeof v->field);
    jt_row_text(&row, 17, v->node, sizeof v->node);
    enum jt_err err = jt_row_status(&row);
    if (err == JT_OK) {
        l->n++;
        l->each(l->arg, v);
    }
    return err;
}

static enum jt_err list_span(struct jt_db *db, struct listing *l, uint64_t from_us,
                             uint64_t before_us)
{
    const struct jt_audit_filter *f = l->filter;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_time(&p, from_us);
    jt_params_time(&p, before_us);
    jt_params_time(&p, f->after.at_us);
    jt_params_raw64(&p, JT_PG_INT8, (uint64_t)f->after.start);
    jt_params_i16(&p, (int16_t)f->after.connection);
    jt_params_u63(&p, f->after.link);
    jt_params_i16(&p, (int16_t)f->after.place);
    jt_params_text(&p, f->client);
    jt_params_u31(&p, f->action);
    jt_params_u31(&p, f->field);
    jt_params_bytes(&p, f->request, f->request == NULL ? 0 : JT_REQUEST_ID_LEN);
    jt_params_u63(&p, f->max - l->n);
    PGresult *res;
    enum jt_err err = jt_db_query(db, list_rows, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        err = take_row(res, i, l);
    }
    PQclear(res);
    return err;
}

static enum jt_err bounds_of(struct jt_db *db, const struct jt_audit_filter *f, uint64_t *from_us,
                             uint64_t *before_us, uint64_t *now_us)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, f->since);
    jt_params_text(&p, f->until);
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, find_bounds, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *from_us = time_of(&row, 0);
        *before_us = time_of(&row, 1);
        *now_us = time_of(&row, 2);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

/*
 * Reads spans until there is enough, or no time. One that is too long for the connection's time-out
 * is tried again as a shorter one, unless there was some way before it.
 */
static enum jt_err list_spans(struct jt_db *db, struct listing *l)
{
    int64_t begun_ms = jt_clock_ms(), span_begun_ms = begun_ms;
    uint64_t span_us = SPAN_MIN_US, first_us = l->from_us;
    enum jt_err err = JT_OK;
    while (err == JT_OK && l->from_us < l->before_us && l->n < l->filter->max &&
           (span_begun_ms - begun_ms < PATIENCE_MS || l->from_us == first_us)) {
        uint64_t left_us = l->before_us - l->from_us;
        uint64_t to_us = l->from_us + (left_us > span_us ? span_us : left_us);
        err = list_span(db, l, l->from_us, to_us);
        int64_t now_ms = jt_clock_ms();
        if (err == JT_OK) {
            l->from_us = to_us;
            span_us = now_ms - span_begun_ms <= QUICK_MS  ? span_us * SPAN_GROWS
                      : now_ms - span_begun_ms <= SLOW_MS ? span_us
                                                          : span_us / SPAN_GROWS;
        } else if (err == JT_ERR_DB_PASSING && span_us > SPAN_MIN_US) {
            err = JT_OK;
            span_us /= SPAN_GROWS * SPAN_GROWS;
        } else if (err == JT_ERR_DB_PASSING && l->from_us > first_us) {
            return JT_OK;
        }
        span_us = span_us < SPAN_MIN_US ? SPAN_MIN_US : span_us;
        span_begun_ms = now_ms;
    }
    return err;
}

/*
 * Where the next page begins. Before `stable_us` nothing is added any more, so that it may begin
 * between two rows there, and later only behind a row that was told.
 */
static struct jt_audit_cursor ended_at(const struct listing *l, uint64_t stable_us)
{
    uint64_t us = l->from_us < stable_us ? l->from_us : stable_us;
    if (l->n == l->filter->max || (l->n > 0 && l->view.at.at_us >= us)) {
        return l->view.at;
    }
    if (l->filter->after.at_us >= us) {
        return l->filter->after;
    }
    return (struct jt_audit_cursor){ .at_us = us - 1,
                                     .start = UINT32_MAX,
                                     .connection = INT16_MAX,
                                     .link = INT64_MAX,
                                     .place = INT16_MAX };
}

enum jt_err jt_audit_list(struct jt_db *db, const struct jt_audit_filter *filter,
                          jt_audit_view_fn *each, void *arg, struct jt_audit_seen *seen)
{
    struct listing *l = calloc(1, sizeof *l);
    uint64_t now_us;
    *seen = (struct jt_audit_seen){ .more = false };
    if (l == NULL) {
        return JT_ERR_NOMEM;
    }
    l->filter = filter;
    l->each = each;
    l->arg = arg;
    enum jt_err err = bounds_of(db, filter, &l->from_us, &l->before_us, &now_us);
    if (err == JT_OK) {
        l->from_us = filter->after.at_us > l->from_us ? filter->after.at_us : l->from_us;
        err = list_spans(db, l);
    }
    if (err == JT_OK) {
        seen->stable_us = now_us - JT_AUDIT_SETTLES_US;
        seen->more = l->n == filter->max || l->from_us < l->before_us;
        seen->last = ended_at(l, seen->stable_us);
    }
    free(l);
    return err;
}

/* --- starts --- */

static enum jt_err take_start(const PGresult *res, int i, struct jt_audit_start *start)
{
    struct jt_row row = jt_row_init(res, i);
    size_t len;
    start->id = jt_row_u31(&row, 0);
    jt_row_text(&row, 1, start->node, sizeof start->node);
    jt_row_uuid(&row, 2, start->incarnation);
    start->at_us = time_of(&row, 3);
    start->predecessor = jt_row_u31(&row, 4);
    const uint8_t *ends = jt_row_bytes(&row, 5, JT_AUDIT_ENDS_MAX * JT_AUDIT_END_LEN, &len);
    start->n_ends = ends == NULL ? 0 : len / JT_AUDIT_END_LEN;
    for (size_t e = 0; e < start->n_ends; e++) {
        jt_audit_end_unpack(ends + e * JT_AUDIT_END_LEN, &start->ends[e]);
    }
    jt_row_fixed(&row, 6, start->mac, sizeof start->mac);
    return jt_row_status(&row);
}

enum jt_err jt_audit_starts(struct jt_db *db, jt_audit_start_fn *each, void *arg)
{
    struct jt_audit_start start = { .ends = calloc(JT_AUDIT_ENDS_MAX, sizeof *start.ends) };
    if (start.ends == NULL) {
        return JT_ERR_NOMEM;
    }
    PGresult *res;
    enum jt_err err = jt_db_query(db,
                                  "SELECT s.id, s.node, s.incarnation, s.at, s.predecessor, "
                                  "s.ends, s.mac FROM audit_start s WHERE s.id > 0 "
                                  "ORDER BY s.at, s.id",
                                  NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        err = take_start(res, i, &start);
        if (err == JT_OK) {
            each(arg, &start);
        }
    }
    PQclear(res);
    free(start.ends);
    return err;
}
