/* SPDX-License-Identifier: Apache-2.0 */
/* A custodian's approval as it stands in tables approval and write_off_approval. */
#ifndef JETON_STORE_APPROVALS_H
#define JETON_STORE_APPROVALS_H

#include "model/custodian.h"
#include "store/db.h"

/* And who brought it. */
struct jt_approval_row {
    char custodian[JT_CUSTODIAN_NAME_MAX + 1];
    uint8_t signature[JT_CUSTODIAN_SIGNATURE_LEN];
    char at[JT_TIME_LEN], carried_by[JT_ACTOR_MAX + 1];
};

/* What a query of them selects. */
#define JT_APPROVAL_ROW(FIRST, NEXT, t)   \
    FIRST(TEXT, t "custodian", custodian) \
    NEXT(FIXED, t "signature", signature) \
    NEXT(TEXT, JT_SQL_TIME(t "at"), at)   \
    NEXT(TEXT, t "carried_by", carried_by)

struct jt_params;

/* Appends the names of the set's custodians: only theirs are to be read. */
void jt_approvals_of(struct jt_params *p, const struct jt_custodian_set *set);

/* Runs a query of approvals, of which at most JT_CUSTODIANS_MAX are read. */
enum jt_err jt_approvals_read(struct jt_db *db, const char *sql, struct jt_params *p,
                              struct jt_approval_row *out, size_t *n) JT_CHECKED;

#endif
