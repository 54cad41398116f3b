/* SPDX-License-Identifier: Apache-2.0 */
/* Custodians' approvals as they are stored: of destructions, of recoveries and of write-offs. */
#ifndef JETON_STORE_APPROVALS_H
#define JETON_STORE_APPROVALS_H

#include "model/custodian.h"
#include "model/sizes.h"
#include "store/db.h"

/* A custodian's approval, and who brought it. */
struct jt_approval_row {
    char custodian[JT_CUSTODIAN_NAME_MAX + 1];
    uint8_t signature[JT_CUSTODIAN_SIGNATURE_LEN];
    char at[JT_TIME_LEN], carried_by[JT_ACTOR_MAX + 1];
};

/* Of what. */
enum jt_approvals_of {
    JT_APPROVALS_OF_DESTRUCTION, /* id: its generation */
    JT_APPROVALS_OF_RECOVERY,    /* id: its own */
    JT_APPROVALS_OF_WRITEOFF,    /* id: its generation; number: its own */
};

struct jt_approvals_wanted {
    enum jt_approvals_of of;
    uint64_t id;
    uint32_t number; /* 0: it has none */
};

/* Those by the custodians of the set, at most JT_CUSTODIANS_MAX, oldest first. */
enum jt_err jt_approvals_read(struct jt_db *db, const struct jt_approvals_wanted *wanted,
                              const struct jt_custodian_set *set, struct jt_approval_row *out,
                              size_t *n) JT_CHECKED;

#endif
