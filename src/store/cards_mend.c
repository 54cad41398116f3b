/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cards.h"

#include "store/audit_params.h"
#include "store/query.h"
#include "store/ring_rule.h"

static enum jt_err mend(struct jt_db *db, const struct jt_node_spec *node, uint64_t epoch,
                        const struct jt_card_row *seen, const uint8_t *fingerprint)
{
    struct jt_params p;
    PGresult *res;
    jt_params_init(&p);
    jt_params_u63(&p, epoch);
    jt_params_text(&p, node->name);
    jt_params_uuid(&p, node->incarnation);
    jt_params_i16(&p, seen->envelope[0]);
    jt_params_i16(&p, (int16_t)seen->bucket);
    jt_params_u63(&p, seen->id);
    jt_params_bytes(&p, seen->envelope, seen->envelope_len);
    jt_params_uuid(&p, seen->fingerprint);
    jt_params_uuid(&p, fingerprint);
    enum jt_err err = jt_db_query_one(db, jt_statements[JT_SQL_MEND_CARD].sql, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        struct jt_ring_check check;
        err = jt_ring_rule_take(&row, 0, epoch, &check);
        uint64_t n = jt_row_u63(&row, 3);
        if (err == JT_OK) {
            err = row.bad                             ? JT_ERR_DB_FAULT
                  : !jt_ring_rule_held(&check, epoch) ? JT_ERR_RING_MOVED
                  : n != 1                            ? JT_ERR_NO_CHANGE
                                                      : JT_OK;
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_card_mend(struct jt_db *db, const struct jt_node_spec *node, uint64_t epoch,
                         const struct jt_card_row *seen, const uint8_t *fingerprint,
                         const struct jt_audit_row *audit)
{
    PGresult *res = NULL;
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    err = jt_db_query(db, jt_statements[JT_SQL_RING_LOCK].sql, NULL, &res);
    PQclear(res);
    if (err == JT_OK) {
        err = jt_audit_write(db, audit, 1); /* it asks the keeper: before the card is locked */
    }
    if (err == JT_OK) {
        err = mend(db, node, epoch, seen, fingerprint);
    }
    return jt_db_end(db, err);
}
