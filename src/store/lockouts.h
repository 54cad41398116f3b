/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failed logins of all nodes (vault/lockout.h), by client id that was named and place that it was
 * named from. Times are the database's: what is read is how long ago and for how long still.
 */
#ifndef JETON_STORE_LOCKOUTS_H
#define JETON_STORE_LOCKOUTS_H

#include "store/audit.h"
#include "model/network.h"

/* Failures within which a login is counted, and how long it is locked out then. */
#define JT_LOCKOUT_FAILURES 10
#define JT_LOCKOUT_S        1800
#define JT_LOCKOUT_MAX_ROWS 8192 /* of the table, and of what a front remembers */
#define JT_LOCKOUT_BATCH    1024 /* written at a time */

struct jt_login_failure {
    char client[JT_CLIENT_ID_MAX + 1]; /* empty: one that could be a card number */
    char place[JT_NETWORK_TEXT_MAX + 1];
    uint32_t n;
    uint64_t age_ms;    /* of the last one: read only */
    uint64_t locked_ms; /* how long it is locked out still; 0: it is not: read only */
};

/*
 * Adds failures to those that stand, in one transaction with an audit row for each pair that is
 * locked out by them, and keeps the table to its bound. At most JT_LOCKOUT_BATCH, none twice.
 */
enum jt_err jt_lockouts_add(struct jt_db *db, const struct jt_login_failure *failures,
                            size_t n) JT_CHECKED;

/* Removes what counts no longer. */
enum jt_err jt_lockouts_prune(struct jt_db *db) JT_CHECKED;

typedef void jt_login_failure_fn(void *arg, const struct jt_login_failure *failure);
/* Those whose last failure is at most so old. */
enum jt_err jt_lockouts_since(struct jt_db *db, uint64_t age_ms, jt_login_failure_fn *each,
                              void *arg) JT_CHECKED;

#endif
