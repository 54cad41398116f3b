/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the database does what it is told. A transaction of cards that failed for a reason that
 * does not pass by itself (rows that do not stand as they were sent, a right that is gone,
 * generations that contradict the ring) makes the node not ready. Since nobody sends requests to
 * such a node, the heartbeat rehearses (store/rehearsal.h) until all is well.
 */
#ifndef JETON_VAULT_VERDICT_H
#define JETON_VAULT_VERDICT_H

#include "base/fault.h"
#include "vault/vault.h"

/*
 * A transaction of cards ended with `err`, noted in `fault` (may be NULL): one line in the log,
 * and, where it does not pass by itself, the node is not ready, with an alarm for the first of a
 * row of them. `act` names the transaction. Returns `err`. Any thread.
 */
enum jt_err jt_verdict_bad(struct jt_vault *vault, const char *act, enum jt_err err,
                           const struct jt_fault *fault);

/* A rehearsal went well. */
void jt_verdict_good(struct jt_vault *vault);

#endif
