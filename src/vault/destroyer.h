/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The duty that brings destructions to their end: once a second, or on news, it shows this node's
 * keeper the custodians, and each request with its approvals, and notes what the keeper says. When
 * the grace of this node's keeper is over it takes the generation out of the ring, with the proof
 * of zero repeated; any node may be the one. When every registered node has erased the key it has
 * the certificate made. A keeper that has just started is shown certified ones as well: its
 * directory may be an old one.
 */
#ifndef JETON_VAULT_DESTROYER_H
#define JETON_VAULT_DESTROYER_H

#include "vault/workers.h"

struct jt_destroyer;

enum jt_err jt_destroyer_start(struct jt_vault *vault, struct jt_destroyer **out) JT_CHECKED;
void jt_destroyer_stop(struct jt_destroyer *d);

/* Something has changed that it looks after. Any thread. */
void jt_destroyer_nudge(struct jt_vault *vault);

#endif
