/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's place in the database, as a background duty (vault/duty.h). Once a second:
 *
 *   - It registers (vault/enrolment.h), keeps the lock that a second jetond of this name would
 *     need, and registers anew where the row went, or the lease (vault/lease.h) ran out.
 *   - It sees to it that the keeper has the ring, and knows the rows of the other nodes.
 *   - It compares the tables with what the migrations make: once a minute, and every time while
 * they differ.
 *   - While transactions fail, it rehearses them.
 *
 * While database or keeper is away, the vault is marked as not registered, and the next step tries
 * again.
 *
 * Some failures are final: another jetond serves as this node, or the schema is not this
 * program's. They are logged, and the process is asked to end.
 */
#ifndef JETON_VAULT_MEMBERSHIP_H
#define JETON_VAULT_MEMBERSHIP_H

#include "vault/workers.h"

struct jt_membership;

/*
 * Starts the duty and returns when its first attempt has come to something: also where database or
 * keeper is away. A final failure, or what jt_work_ctx_init says; then *out is to be stopped too.
 */
enum jt_err jt_membership_start(struct jt_vault *vault, struct jt_membership **out) JT_CHECKED;

/*
 * The node's lease ran out, or its row is not its own any more (JT_ERR_LEASE_OVER,
 * JT_ERR_NODE_GONE): it registers anew, at once. Any thread.
 */
void jt_membership_lost(struct jt_vault *vault, enum jt_err why);

/* There is news in the database: the next step comes now. Any thread. */
void jt_membership_nudge(struct jt_vault *vault);

/* Ends the duty and leaves the database cleanly if it can be reached. NULL is accepted. */
void jt_membership_stop(struct jt_membership *m);

/*
 * JT_OK as long as this process has its business here; else the final failure, for which the duty
 * has sent it SIGTERM.
 */
enum jt_err jt_membership_verdict(struct jt_membership *m) JT_CHECKED;

#endif
