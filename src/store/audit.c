/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"

#include "base/clock.h"
#include "store/audit_params.h"
#include "store/chain.h"
#include "store/columns.h"
#include "store/query.h"
#include "store/statements.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void add_text(struct jt_params *p, const char *text)
{
    jt_params_add_bytes(p, text_or_empty(text), strlen(text_or_empty(text)));
}

static void put_link(struct jt_params *p, const struct jt_link *link)
{
    static const struct jt_link none;
    const struct jt_link *l = link == NULL ? &none : link;
    jt_params_u31(p, l->what.start);
    jt_params_i16(p, (int16_t)l->what.connection);
    jt_params_u63(p, l->what.number);
    jt_params_time(p, l->at_us);
    jt_params_uuid(p, l->head);
}

static void add_origins(struct jt_params *p, const struct jt_audit_row *rows, size_t n)
{
    static const struct jt_origin nowhere;
    jt_params_array(p, JT_PG_UUID_ARRAY, n, JT_REQUEST_ID_LEN);
    for (size_t i = 0; i < n; i++) {
        const struct jt_origin *origin = rows[i].origin == NULL ? &nowhere : rows[i].origin;
        jt_params_add_bytes(p, origin->request, sizeof origin->request);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, n, JT_SOURCE_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct jt_origin *origin = rows[i].origin == NULL ? &nowhere : rows[i].origin;
        jt_params_add_bytes(p, origin->source, origin->source_len);
    }
}

void jt_audit_params(struct jt_params *p, const struct jt_audit *audit)
{
    const struct jt_audit_row *rows = audit->rows;
    size_t n = audit->n;
    put_link(p, audit->link);
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        add_text(p, rows[i].client);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, (int16_t)rows[i].action);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].field);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].n_items);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].n_done);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u64s(p, rows[i].ids, rows[i].n_ids);
    }
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 0);
    for (size_t i = 0; i < n; i++) {
        add_text(p, rows[i].object);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, (int16_t)rows[i].result);
    }
    add_origins(p, rows, n);
}

enum jt_err jt_audit_put(struct jt_db *db, const struct jt_audit *audit)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_audit_params(&p, audit);
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, jt_statements[JT_SQL_AUDIT].sql, &p, &res);
    PQclear(res);
    return err;
}

/* Before the first link of a transaction: the chain stands where the database has it. */
static enum jt_err take_up(struct jt_db *db)
{
    enum jt_err err =
        db->owner.sign == NULL ? JT_ERR_TRAIL_CLOSED : db->owner.ready(db->owner.arg, &db->chain);
    if (err == JT_OK && db->chain.doubtful) {
        err = jt_chain_settle_wait(db);
    }
    db->tentative = db->chain;
    return err;
}

enum jt_err jt_audit_write(struct jt_db *db, const struct jt_audit_row *rows, size_t n)
{
    struct jt_link *link = &db->link;
    enum jt_err err = db->n_links == 0 ? take_up(db) : JT_OK;
    if (err == JT_OK) {
        err = jt_chain_next(&db->tentative, rows, n, jt_clock_wall_us(), link);
    }
    if (err == JT_OK) {
        err = db->owner.sign(db->owner.arg, &link->what, link->head);
    }
    if (err == JT_OK) {
        err = jt_audit_put(db, &(struct jt_audit){ .link = link, .rows = rows, .n = n });
    }
    if (err == JT_OK) {
        jt_chain_stands(&db->tentative, link);
        db->n_links++;
    }
    return err;
}

enum jt_err jt_audit_act(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                         uint32_t field, const char *object)
{
    const struct jt_audit_row row = { .action = action,
                                      .client = act->actor,
                                      .field = field,
                                      .n_items = 1,
                                      .n_done = 1,
                                      .object = object,
                                      .origin = db->origin };
    enum jt_err err = jt_audit_write(db, &row, 1);
    return err == JT_ERR_DB_DUPLICATE || err == JT_ERR_DB_REFUSED ? JT_ERR_DB_FAULT : err;
}

#define READING(FIRST, NEXT, t)                                                                  \
    FIRST(TEXT, JT_SQL_TIME(t "at"), at)                                                         \
    NEXT(TEXT, t "client", client)                                                               \
    NEXT(TEXT, "coalesce((SELECT s.node FROM audit_start s WHERE s.id = " t "start), '')", node) \
    NEXT(UUID, t "request", request)

static JT_COLUMNS_READER(read_reading, READING, struct jt_audit_reading);

/* $1 field, $2 id as 8 bytes, $3 and $4 times, empty: unbounded; $5 at most so many; $6 action */
#define READING_COLUMNS JT_COLUMNS(READING, "a.")
static const char find_readings[] =
    "SELECT " READING_COLUMNS " FROM audit a "
    "WHERE a.action = $6::int2 AND a.field = $1::int4 AND position($2::bytea IN a.ids) > 0 "
    "AND EXISTS (SELECT FROM generate_series(0, octet_length(a.ids) / 8 - 1) i "
    "WHERE substring(a.ids FROM i * 8 + 1 FOR 8) = $2::bytea) "
    "AND a.at >= coalesce(nullif($3::text, '')::timestamptz, '-infinity') "
    "AND a.at < coalesce(nullif($4::text, '')::timestamptz, 'infinity') "
    "ORDER BY a.at, a.start, a.connection, a.link, a.place LIMIT $5::int8";

enum jt_err jt_audit_readings(struct jt_db *db, uint32_t field, uint64_t id, const char *since,
                              const char *until, size_t max, jt_audit_reading_fn *each, void *arg)
{
    uint8_t id_bytes[JT_ROW_ID_LEN];
    jt_put_u64(id_bytes, id);
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, field);
    jt_params_bytes(&p, id_bytes, sizeof id_bytes);
    jt_params_text(&p, since);
    jt_params_text(&p, until);
    jt_params_u63(&p, max);
    jt_params_i16(&p, JT_AUDIT_DETOKENIZE);
    PGresult *res;
    enum jt_err err = jt_db_query(db, find_readings, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_audit_reading reading;
        struct jt_row row = jt_row_init(res, i);
        read_reading(&row, 0, &reading);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &reading);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_audit_record_rows(struct jt_db *db, const struct jt_audit_row *rows, size_t n)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, jt_audit_write(db, rows, n)) : err;
}

enum jt_err jt_audit_record(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            const char *object)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, jt_audit_act(db, act, action, 0, object)) : err;
}

enum jt_err jt_audit_act_on(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            uint64_t generation)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, generation);
    enum jt_err err = jt_audit_act(db, act, action, 0, number);
    return err == JT_OK ? jt_db_remember(db, generation) : err;
}
