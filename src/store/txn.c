/* SPDX-License-Identifier: Apache-2.0 */
#include "store/txn.h"

#include <string.h>

struct jt_params *jt_txn_step(struct jt_txn *txn, enum jt_statement statement)
{
    struct jt_step *step = &txn->steps[txn->n_steps++];
    step->statement = statement;
    jt_params_init(&step->params);
    return &step->params;
}

enum jt_err jt_txn_status(const struct jt_txn *txn)
{
    for (int i = 0; i < txn->n_steps; i++) {
        enum jt_err err = jt_params_status(&txn->steps[i].params);
        if (err != JT_OK) {
            return err;
        }
    }
    return JT_OK;
}

void jt_txn_clear(struct jt_txn *txn)
{
    for (int i = 0; i < txn->n_steps; i++) {
        jt_params_clear(&txn->steps[i].params);
    }
    txn->n_steps = 0;
}

bool jt_txn_result_ok(enum jt_statement statement, const PGresult *res)
{
    ExecStatusType want =
        jt_statements[statement].returns_rows ? PGRES_TUPLES_OK : PGRES_COMMAND_OK;
    if (PQresultStatus(res) != want) {
        return false;
    }
    return statement != JT_SQL_COMMIT || strcmp(PQcmdStatus((PGresult *)res), "COMMIT") == 0;
}
