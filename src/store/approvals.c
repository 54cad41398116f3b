/* SPDX-License-Identifier: Apache-2.0 */
#include "store/approvals.h"

#include "store/columns.h"
#include "store/query.h"

#include <string.h>

#define APPROVAL(FIRST, NEXT, t)          \
    FIRST(TEXT, t "custodian", custodian) \
    NEXT(FIXED, t "signature", signature) \
    NEXT(TEXT, JT_SQL_TIME(t "at"), at)   \
    NEXT(TEXT, t "carried_by", carried_by)

static JT_COLUMNS_READER(read_approval, APPROVAL, struct jt_approval_row);

#define SELECT_FROM(table, column, more)                                             \
    "SELECT " JT_COLUMNS(APPROVAL, "") " FROM " table " WHERE " column " = $1 " more \
                                       "AND custodian = ANY ($2::text[]) ORDER BY at, custodian"

static const char *const statements[] = {
    [JT_APPROVALS_OF_DESTRUCTION] = SELECT_FROM("approval", "generation", ""),
    [JT_APPROVALS_OF_RECOVERY] = SELECT_FROM("recovery_approval", "recovery", ""),
    [JT_APPROVALS_OF_WRITEOFF] =
        SELECT_FROM("write_off_approval", "generation", "AND number = $3::int4 "),
};

enum jt_err jt_approvals_read(struct jt_db *db, const struct jt_approvals_wanted *wanted,
                              const struct jt_custodian_set *set, struct jt_approval_row *out,
                              size_t *n)
{
    struct jt_params p;
    PGresult *res = NULL;
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, wanted->id);
    jt_params_array(&p, JT_PG_TEXT_ARRAY, set->n, JT_CUSTODIAN_NAME_MAX);
    for (size_t i = 0; i < set->n; i++) {
        jt_params_add_bytes(&p, set->all[i].name, strlen(set->all[i].name));
    }
    if (wanted->number != 0) {
        jt_params_u31(&p, wanted->number);
    }
    err = jt_db_query(db, statements[wanted->of], &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < JT_CUSTODIANS_MAX; i++) {
        struct jt_row row = jt_row_init(res, i);
        memset(&out[*n], 0, sizeof *out);
        read_approval(&row, 0, &out[(*n)++]);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
