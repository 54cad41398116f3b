/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writeoffs.h"

#include "store/audit_params.h"
#include "store/news.h"
#include "store/query.h"
#include "store/ring_rule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELDS_MAX 512 /* of one list; audit rows */

/* One transaction on its way. */
struct carrying {
    const struct jt_writeoff_txn *in;
    bool *moved; /* of each card */
    bool done;   /* the request was there to be carried out */
    size_t n_moved;
    uint64_t *ids;
    struct jt_audit_row *rows;
};

static void carrying_clear(struct carrying *c)
{
    free(c->moved);
    free(c->ids);
    free(c->rows);
}

static void add_list(struct jt_params *p, const struct jt_writeoff_txn *in)
{
    jt_params_array(p, JT_PG_INT2_ARRAY, in->n, 2);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_i16(p, (int16_t)in->rows[i].bucket);
    }
    jt_params_array(p, JT_PG_INT8_ARRAY, in->n, 8);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_u63(p, in->rows[i].id);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, in->n, 4);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_u31(p, in->rows[i].field);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, in->n, JT_PG_UUID_LEN);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_bytes(p, in->rows[i].fingerprint, JT_FINGERPRINT_LEN);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, in->n, JT_PAN_ENVELOPE_MAX);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_bytes(p, in->rows[i].envelope, in->rows[i].envelope_len);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, in->n, JT_PAN_MAX_PACKED);
    for (size_t i = 0; i < in->n; i++) {
        const struct jt_digits *digits = &in->rows[i].digits;
        jt_params_add_bytes(p, digits->packed, digits->packed_len);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, in->n, 2);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_i16(p, in->causes[i]);
    }
}

static enum jt_err take(struct carrying *c, const PGresult *res)
{
    struct jt_ring_check check;
    struct jt_row head = jt_row_init(res, 0);
    if (jt_row_u63(&head, 0) != 0) {
        return JT_ERR_DB_FAULT;
    }
    enum jt_err err = jt_ring_rule_take(&head, 1, c->in->epoch, &check);
    c->n_moved = (size_t)jt_row_u63(&head, 4);
    c->done = jt_row_bool(&head, 5);
    if (err == JT_OK) {
        err = jt_row_status(&head);
    }
    if (err == JT_OK && !jt_ring_rule_held(&check, c->in->epoch)) {
        return JT_ERR_RING_MOVED;
    }
    for (int i = 1; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        uint64_t place = jt_row_u63(&row, 0);
        if (row.bad || place == 0 || place > c->in->n) {
            return JT_ERR_DB_FAULT;
        }
        c->moved[place - 1] = true;
    }
    return err;
}

static enum jt_err move(struct jt_db *db, const struct jt_node_spec *node, struct carrying *c)
{
    const struct jt_writeoff_txn *in = c->in;
    struct jt_params p;
    PGresult *res = NULL;
    jt_params_init(&p);
    jt_params_u63(&p, in->epoch);
    jt_params_text(&p, node->name);
    jt_params_uuid(&p, node->incarnation);
    jt_params_u63(&p, in->from.generation);
    jt_params_i16(&p, in->from.key_id);
    jt_params_u31(&p, in->number);
    jt_params_u31(&p, in->writer);
    add_list(&p, in);
    jt_params_bytes(&p, in->warrant, in->warrant_len);
    enum jt_err err = jt_db_query(db, jt_statements[JT_SQL_WRITE_OFF].sql, &p, &res);
    if (err == JT_OK) {
        err = take(c, res);
    }
    PQclear(res);
    return err;
}

/* The ids of a field's cards side by side. False: there is an audit row of its field already. */
static bool add_ids(const struct carrying *c, size_t first, size_t *n_ids)
{
    uint32_t field = c->in->rows[first].field;
    for (size_t i = 0; i < first; i++) {
        if (c->moved[i] && c->in->rows[i].field == field) {
            return false;
        }
    }
    for (size_t i = first; i < c->in->n; i++) {
        if (c->moved[i] && c->in->rows[i].field == field) {
            c->ids[(*n_ids)++] = c->in->rows[i].id;
        }
    }
    return true;
}

/*
 * A row for each field. A stranger can have written as many field numbers as there are rows: what
 * is beyond FIELDS_MAX is in the last one, which then names no field.
 */
static enum jt_err audit(struct jt_db *db, const struct carrying *c, const struct jt_act *act)
{
    char object[24];
    size_t n = 0, n_ids = 0;
    (void)snprintf(object, sizeof object, "%" PRIu64, c->in->from.generation);
    for (size_t i = 0; i < c->in->n; i++) {
        size_t before = n_ids;
        if (!c->moved[i] || !add_ids(c, i, &n_ids)) {
            continue;
        }
        bool full = n == FIELDS_MAX;
        struct jt_audit_row *row = &c->rows[full ? n - 1 : n];
        if (!full) {
            *row = (struct jt_audit_row){ .action = JT_AUDIT_WRITE_OFF,
                                          .client = act->actor,
                                          .field = c->in->rows[i].field,
                                          .object = object,
                                          .ids = c->ids + before,
                                          .origin = db->origin };
            n++;
        } else {
            row->field = 0;
        }
        row->n_ids += n_ids - before;
        row->n_items = row->n_done = (uint32_t)row->n_ids;
    }
    return n > 0 ? jt_audit_write(db, c->rows, n) : JT_OK;
}

/*
 * The audit rows name what went, so they come behind it, and the keeper is asked for their link
 * while the rows are locked: nobody else writes to these but who mends or deletes them.
 */
static enum jt_err carry_out(struct jt_db *db, const struct jt_node_spec *node, struct carrying *c,
                             const struct jt_act *act)
{
    PGresult *res = NULL;
    enum jt_err err = jt_db_query(db, jt_statements[JT_SQL_RING_LOCK].sql, NULL, &res);
    PQclear(res);
    if (err == JT_OK) {
        err = move(db, node, c);
    }
    if (err == JT_OK && c->done) {
        err = audit(db, c, act);
    }
    if (err == JT_OK && c->done) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_writeoff_carry_out(struct jt_db *db, const struct jt_node_spec *node,
                                  const struct jt_writeoff_txn *txn, const struct jt_act *act,
                                  size_t *n_moved)
{
    struct carrying c = { .in = txn };
    *n_moved = 0;
    c.moved = calloc(txn->n + 1, sizeof *c.moved);
    c.ids = calloc(txn->n + 1, sizeof *c.ids);
    c.rows = calloc(FIELDS_MAX, sizeof *c.rows);
    enum jt_err err =
        c.moved == NULL || c.ids == NULL || c.rows == NULL ? JT_ERR_NOMEM : jt_db_begin(db);
    if (err == JT_OK) {
        err = jt_db_end(db, carry_out(db, node, &c, act));
    }
    if (err == JT_OK) {
        *n_moved = c.n_moved;
    }
    carrying_clear(&c);
    return err;
}
