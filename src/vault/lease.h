/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's lease: how long it may serve cards without a word from the database.
 *
 * The lease in the node's row runs by the database's clock, and is prolonged only while it runs.
 * The front keeps to it by its own: from the moment before a renewal was sent (CLOCK_BOOTTIME,
 * which counts while the machine sleeps) so many seconds, less a fifth, it serves cards
 * (jt_vault_leased, asked by every lane before each round). So it has stopped before anybody else
 * may think it gone, whatever kept it from hearing: a cut network, a stopped process, a database
 * that hangs. The lease guards no write: epoch and row do, in the transaction (store/ring_rule.h).
 *
 * The renewal is a duty with a connection of its own, so that nothing slow stands in its way. Where
 * the lease is over or the row gone, the membership is told and the node registers anew.
 */
#ifndef JETON_VAULT_LEASE_H
#define JETON_VAULT_LEASE_H

#include "vault/workers.h"

struct jt_lease;

/* What jt_work_ctx_init says; then *out is to be stopped too. */
enum jt_err jt_lease_start(struct jt_vault *vault, struct jt_lease **out) JT_CHECKED;

/* NULL is accepted. */
void jt_lease_stop(struct jt_lease *lease);

/* Of the row that is about to be written, in milliseconds. */
int jt_lease_ms(const struct jt_vault *vault);

/* A lease of that length was written, and the statement was sent at `sent_ms` (jt_clock_ms). */
void jt_lease_begin(struct jt_vault *vault, int64_t sent_ms);

/* Cards are served no longer. */
void jt_lease_end(struct jt_vault *vault);

#endif
