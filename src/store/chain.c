/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chain.h"

#include "base/container.h"
#include "crypto/digest.h"
#include "store/query.h"
#include "store/txn.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(JT_AUDIT_DIGEST_LEN == JT_SHA256_LEN, "a digest is a SHA-256");

#define DIGEST_VERSION 1
#define ROWS_MAX_BYTES (64u << 20)

void jt_chain_begin(struct jt_chain *chain, uint32_t start, uint16_t connection,
                    const uint8_t mac[static JT_ROW_MAC_LEN])
{
    *chain = (struct jt_chain){ .start = start, .connection = connection };
    memcpy(chain->head, mac, sizeof chain->head);
}

enum jt_err jt_audit_ids_digest(const struct jt_audit_row *row,
                                uint8_t out[static JT_AUDIT_DIGEST_LEN])
{
    memset(out, 0, JT_AUDIT_DIGEST_LEN);
    if (row->n_ids == 0 || row->ids == NULL) {
        if (row->ids_digest != NULL) {
            memcpy(out, row->ids_digest, JT_AUDIT_DIGEST_LEN);
        }
        return JT_OK;
    }
    struct jt_buf ids;
    jt_buf_init(&ids, ROWS_MAX_BYTES);
    uint8_t *p = jt_buf_append(&ids, JT_ROW_ID_LEN * row->n_ids);
    for (size_t i = 0; p != NULL && i < row->n_ids; i++) {
        jt_put_u64(p + JT_ROW_ID_LEN * i, row->ids[i]);
    }
    enum jt_err err = jt_buf_status(&ids);
    if (err == JT_OK) {
        err = jt_sha256(ids.data, ids.len, out);
    }
    jt_buf_clear(&ids);
    return err;
}

/* Bytes with their number before them, in as many bytes as it may need. */
static void put_counted(struct jt_buf *out, const void *p, size_t len, size_t max)
{
    if (len > max) {
        out->err = JT_ERR_LIMIT;
        return;
    }
    if (max > UINT8_MAX) {
        jt_buf_u16(out, (uint16_t)len);
    } else {
        jt_buf_u8(out, (uint8_t)len);
    }
    jt_buf_put(out, p, len);
}

static void put_text(struct jt_buf *out, const char *text, size_t max)
{
    put_counted(out, text, text == NULL ? 0 : strlen(text), max);
}

/*
 * By their digest: so the trail can be shown and verified without them, which say when a card came.
 */
static void put_ids(struct jt_buf *out, const struct jt_audit_row *row)
{
    uint8_t digest[JT_AUDIT_DIGEST_LEN];
    enum jt_err err = jt_audit_ids_digest(row, digest);
    jt_buf_u32(out, (uint32_t)row->n_ids);
    jt_buf_put(out, digest, sizeof digest);
    out->err = out->err == JT_OK ? err : out->err;
}

static void put_row(struct jt_buf *out, const struct jt_audit_row *row)
{
    static const struct jt_origin nowhere;
    const struct jt_origin *origin = row->origin == NULL ? &nowhere : row->origin;
    jt_buf_u16(out, (uint16_t)row->action);
    jt_buf_u16(out, (uint16_t)row->result);
    jt_buf_u32(out, row->field);
    jt_buf_u32(out, row->n_items);
    jt_buf_u32(out, row->n_done);
    put_text(out, row->client, UINT8_MAX);
    put_text(out, row->object, UINT16_MAX);
    put_counted(out, origin->source, origin->source_len, UINT8_MAX);
    jt_buf_put(out, origin->request, sizeof origin->request);
    put_ids(out, row);
}

enum jt_err jt_audit_digest(const struct jt_audit_row *rows, size_t n, uint64_t at_us,
                            uint8_t out[static JT_AUDIT_DIGEST_LEN])
{
    struct jt_buf message;
    jt_buf_init(&message, ROWS_MAX_BYTES);
    jt_buf_u8(&message, DIGEST_VERSION);
    jt_buf_u64(&message, at_us);
    jt_buf_u16(&message, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        put_row(&message, &rows[i]);
    }
    enum jt_err err = n > INT16_MAX ? JT_ERR_LIMIT : jt_buf_status(&message);
    if (err == JT_OK) {
        err = jt_sha256(message.data, message.len, out);
    }
    jt_buf_clear(&message);
    return err;
}

enum jt_err jt_audit_run_on(const uint8_t running[static JT_AUDIT_DIGEST_LEN],
                            const uint8_t digest[static JT_AUDIT_DIGEST_LEN],
                            uint8_t out[static JT_AUDIT_DIGEST_LEN])
{
    uint8_t both[2 * JT_AUDIT_DIGEST_LEN];
    memcpy(both, running, JT_AUDIT_DIGEST_LEN);
    memcpy(both + JT_AUDIT_DIGEST_LEN, digest, JT_AUDIT_DIGEST_LEN);
    return jt_sha256(both, sizeof both, out);
}

enum jt_err jt_chain_next(const struct jt_chain *chain, const struct jt_audit_row *rows, size_t n,
                          uint64_t at_us, struct jt_link *out)
{
    *out = (struct jt_link){ .what = { .start = chain->start,
                                       .connection = chain->connection,
                                       .number = chain->number + 1 },
                             .at_us = at_us > chain->at_us ? at_us : chain->at_us };
    memcpy(out->what.previous, chain->head, sizeof chain->head);
    enum jt_err err = jt_audit_digest(rows, n, out->at_us, out->what.digest);
    return err == JT_OK ? jt_audit_run_on(chain->running, out->what.digest, out->running) : err;
}

void jt_chain_stands(struct jt_chain *chain, const struct jt_link *link)
{
    chain->number = link->what.number;
    chain->at_us = link->at_us;
    memcpy(chain->head, link->head, sizeof chain->head);
    memcpy(chain->running, link->running, sizeof chain->running);
    chain->doubtful = false;
}

void jt_chain_doubt(struct jt_chain *chain, const struct jt_link *link, int backend)
{
    chain->doubtful = true;
    chain->backend = backend;
    chain->sent = *link;
}

/* --- after an unknown outcome --- */

static void ask_for_session(struct jt_params *p, const struct jt_chain *chain,
                            const char *application)
{
    jt_params_u31(p, (uint32_t)chain->backend);
    jt_params_text(p, application);
}

static void ask_for_link(struct jt_params *p, const struct jt_chain *chain)
{
    jt_params_u31(p, chain->sent.what.start);
    jt_params_i16(p, (int16_t)chain->sent.what.connection);
    jt_params_u63(p, chain->sent.what.number);
    jt_params_time(p, chain->sent.at_us);
}

/* A session that lives may yet commit. */
static enum jt_err take_session(const PGresult *res)
{
    enum jt_err err = JT_OK;
    for (int i = 0; i < PQntuples(res) && err == JT_OK; i++) {
        struct jt_row row = jt_row_init(res, i);
        bool gone = jt_row_bool(&row, 0);
        err = row.bad ? JT_ERR_DB_FAULT : gone ? JT_OK : JT_ERR_DB_PASSING;
    }
    return err;
}

static enum jt_err take_link(struct jt_chain *chain, const PGresult *res)
{
    if (PQntuples(res) == 0) {
        chain->doubtful = false; /* it came to nothing: its number is free */
        return JT_OK;
    }
    uint8_t head[JT_PG_UUID_LEN];
    struct jt_row row = jt_row_init(res, 0);
    jt_row_uuid(&row, 0, head);
    enum jt_err err = jt_row_status(&row);
    if (err == JT_OK && (PQntuples(res) != 1 || memcmp(head, chain->sent.head, sizeof head) != 0)) {
        err = JT_ERR_TRAIL_FOREIGN;
    }
    if (err == JT_OK) {
        jt_chain_stands(chain, &chain->sent);
    }
    return err;
}

struct settling {
    struct jt_txn txn;
    struct jt_chain *chain;
    jt_chain_settled_fn *done;
    void *arg;
};

static enum jt_err take(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    struct settling *s = jt_container_of(txn, struct settling, txn);
    return statement == JT_SQL_END_SESSION ? take_session(res) : take_link(s->chain, res);
}

static void settling_free(struct settling *s)
{
    jt_txn_clear(&s->txn);
    free(s);
}

static void finish(struct jt_txn *txn, enum jt_err err)
{
    struct settling *s = jt_container_of(txn, struct settling, txn);
    s->done(s->arg, err);
    settling_free(s);
}

enum jt_err jt_chain_settle(struct jt_pipe *pipe, struct jt_chain *chain, const char *application,
                            jt_chain_settled_fn *done, void *arg)
{
    struct settling *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return JT_ERR_NOMEM;
    }
    s->txn.take = take;
    s->txn.finish = finish;
    s->chain = chain;
    s->done = done;
    s->arg = arg;
    /* Statements of their own: the second sees what was committed while the first one waited. */
    ask_for_session(jt_txn_step(&s->txn, JT_SQL_END_SESSION), chain, application);
    ask_for_link(jt_txn_step(&s->txn, JT_SQL_FIND_LINK), chain);
    enum jt_err err = jt_pipe_submit(pipe, &s->txn);
    if (err != JT_OK) {
        settling_free(s);
    }
    return err;
}

enum jt_err jt_chain_settle_wait(struct jt_db *db)
{
    struct jt_params p;
    PGresult *res;
    jt_params_init(&p);
    ask_for_session(&p, &db->chain, db->application);
    enum jt_err err = jt_db_query(db, jt_statements[JT_SQL_END_SESSION].sql, &p, &res);
    if (err == JT_OK) {
        err = take_session(res);
        PQclear(res);
    }
    if (err == JT_OK) {
        jt_params_init(&p);
        ask_for_link(&p, &db->chain);
        err = jt_db_query(db, jt_statements[JT_SQL_FIND_LINK].sql, &p, &res);
    }
    if (err == JT_OK) {
        err = take_link(&db->chain, res);
        PQclear(res);
    }
    return err;
}
