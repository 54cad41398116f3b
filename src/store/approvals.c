/* SPDX-License-Identifier: Apache-2.0 */
#include "store/approvals.h"

#include "store/columns.h"
#include "store/query.h"

#include <string.h>

static JT_COLUMNS_READER(read_approval, JT_APPROVAL_ROW, struct jt_approval_row);

void jt_approvals_of(struct jt_params *p, const struct jt_custodian_set *set)
{
    jt_params_array(p, JT_PG_TEXT_ARRAY, set->n, JT_CUSTODIAN_NAME_MAX);
    for (size_t i = 0; i < set->n; i++) {
        jt_params_add_bytes(p, set->all[i].name, strlen(set->all[i].name));
    }
}

enum jt_err jt_approvals_read(struct jt_db *db, const char *sql, struct jt_params *p,
                              struct jt_approval_row *out, size_t *n)
{
    PGresult *res = NULL;
    *n = 0;
    enum jt_err err = jt_db_query(db, sql, p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < JT_CUSTODIANS_MAX; i++) {
        struct jt_row row = jt_row_init(res, i);
        memset(&out[*n], 0, sizeof *out);
        read_approval(&row, 0, &out[(*n)++]);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
