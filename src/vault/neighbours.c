/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/neighbours.h"

#include "base/log.h"
#include "keyclient/nodes.h"
#include "vault/budgets.h"

#include <string.h>

static void tell_forged(struct jt_neighbours *n, const struct jt_node_row *row, bool given_up)
{
    if (!n->told_forged && jt_node_name_valid(row->spec.name)) {
        jt_log(JT_LOG_ERROR,
               "alarm: the row of node %s, number %u, in table %s is not authentic: no keeper of "
               "this service made it, or not as it stands",
               row->spec.name, row->spec.number, given_up ? "node_number" : "node");
    }
    n->told_forged = true;
}

static enum jt_err show(struct jt_neighbours *n, struct jt_work_ctx *ctx,
                        const struct jt_node_row *rows, size_t n_rows, bool given_up, bool *forged)
{
    enum jt_err verdicts[JT_NODES_MAX];
    enum jt_err err =
        n_rows == 0 ? JT_OK : jt_keyclient_wait_node_marks(ctx->keeper, rows, n_rows, verdicts);
    for (size_t i = 0; i < n_rows && err == JT_OK; i++) {
        if (verdicts[i] != JT_OK) {
            tell_forged(n, &rows[i], given_up);
            *forged = true;
        }
    }
    return err;
}

enum jt_err jt_neighbours_show(struct jt_neighbours *n, struct jt_work_ctx *ctx)
{
    bool forged = false;
    enum jt_err err = jt_nodes_read(ctx->db, &n->rows);
    if (err != JT_OK) {
        return err;
    }
    if (n->rows.n_live > 0) {
        jt_budgets_share(ctx->vault->budgets, (uint32_t)n->rows.n_live);
    }
    /* the connection stands since the keeper was asked last, or it is made by the next call */
    const uint8_t *keeper = jt_keyclient_incarnation(ctx->keeper);
    n->rows.n_live = 0; /* no news of it is worth a call */
    if (memcmp(&n->rows, &n->shown, sizeof n->rows) == 0 &&
        memcmp(keeper, n->keeper, sizeof n->keeper) == 0) {
        return JT_OK;
    }
    err = show(n, ctx, n->rows.nodes, n->rows.n_nodes, false, &forged);
    if (err == JT_OK) {
        err = show(n, ctx, n->rows.given_up, n->rows.n_given_up, true, &forged);
    }
    if (err == JT_OK) {
        n->told_forged = forged;
        n->shown = n->rows;
        memcpy(n->keeper, jt_keyclient_incarnation(ctx->keeper), sizeof n->keeper);
    }
    return err;
}
