/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ring_rule.h"

void jt_ring_rule_begin(struct jt_txn *txn)
{
    (void)jt_txn_step(txn, JT_SQL_BEGIN);
    (void)jt_txn_step(txn, JT_SQL_RING_LOCK);
}

void jt_ring_rule_guard(struct jt_params *p, const struct jt_node_spec *node, uint64_t epoch,
                        const struct jt_keyref *active)
{
    jt_params_u63(p, epoch);
    jt_params_text(p, node->name);
    jt_params_uuid(p, node->incarnation);
    jt_params_u63(p, active->generation);
    jt_params_i16(p, active->key_id);
}

bool jt_ring_rule_held(const struct jt_ring_check *check, uint64_t epoch)
{
    return check->epoch == epoch && check->node_stands;
}

enum jt_err jt_ring_rule_take(struct jt_row *row, int column, uint64_t epoch,
                              struct jt_ring_check *out)
{
    /* no ring row: epoch 0, nobody's */
    out->epoch = jt_row_is_null(row, column) ? 0 : jt_row_u63(row, column);
    out->node_stands = jt_row_bool(row, column + 1);
    bool states_agree = jt_row_bool(row, column + 2);
    enum jt_err err = jt_row_status(row);
    if (err == JT_OK && jt_ring_rule_held(out, epoch) && !states_agree) {
        err = JT_ERR_RING_CONTRADICTED;
    }
    return err;
}
