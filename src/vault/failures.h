/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refused requests and logins on their way into the audit trail: what has no transaction of its own
 * to stand in. They are counted, each kind of a second once, wait in bounded memory, and are
 * written by a background duty (vault/duty.h) on a chain of its own, once a second. While the
 * database is away they are kept; what finds no room is counted, and a row says how many those
 * were. So nobody can flood the trail, and nothing is lost without a trace.
 */
#ifndef JETON_VAULT_FAILURES_H
#define JETON_VAULT_FAILURES_H

#include "store/audit.h"
#include "vault/vault.h"

struct jt_failure {
    enum jt_audit_action action; /* JT_AUDIT_REFUSED, JT_AUDIT_LOGIN_REFUSED */
    /*
     * The key of `client` was good. All other refused logins from one place are of one kind, so
     * that strangers cannot fill the trail with names.
     */
    bool known;
    int status; /* of the answer */
    /* who; of a refused login whom it claimed to be, which is kept only where there is such one */
    const char *client;
    const char *object; /* method, route and problem: this program's own words */
    const struct jt_origin *origin;
};

struct jt_failures;

enum jt_err jt_failures_start(struct jt_vault *vault, struct jt_failures **out) JT_CHECKED;

/* Writes what waits, if it can be written now. NULL is accepted. */
void jt_failures_stop(struct jt_failures *f);

/* Any thread; never waits. `f` may be NULL: there is nobody to write it yet. */
void jt_failures_note(struct jt_failures *f, const struct jt_failure *failure);

#endif
