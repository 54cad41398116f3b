/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the database does what it is told. A transaction of cards that failed for a reason that
 * does not pass by itself (rows that do not stand as they were sent, a right that is gone,
 * generations that contradict the ring) makes the node not ready. Since nobody sends requests to
 * such a node, the heartbeat rehearses (store/rehearsal.h) until all is well.
 */
#ifndef JETON_VAULT_FAULT_H
#define JETON_VAULT_FAULT_H

#include "vault/vault.h"

/*
 * What an error of a transaction of cards is to whoever asked: JT_ERR_UNAVAILABLE may pass,
 * JT_ERR_PROTOCOL does not, and is noted, with an alarm in the log for the first of a row of them.
 * `act` names the transaction. Any thread.
 */
enum jt_err jt_fault_judge(struct jt_vault *vault, const char *act, enum jt_err err,
                           const char *why);

/* A rehearsal went well. */
void jt_fault_end(struct jt_vault *vault);

/*
 * ": reason", or nothing where there is none: for lines in the log that must not end in a bare
 * colon.
 */
#define JT_WHY_LEN 320
const char *jt_why(const char *reason, char buf[static JT_WHY_LEN]);

#endif
