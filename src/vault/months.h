/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The months of the audit trail: partitions are made ahead, and those whose time is over
 * ([audit] retention_months) are dropped, behind MACed records of where their chains stood. A
 * background duty (vault/duty.h), once an hour.
 */
#ifndef JETON_VAULT_MONTHS_H
#define JETON_VAULT_MONTHS_H

#include "vault/vault.h"

struct jt_months;

enum jt_err jt_months_start(struct jt_vault *vault, struct jt_months **out) JT_CHECKED;
/* NULL is accepted. */
void jt_months_stop(struct jt_months *m);

#endif
