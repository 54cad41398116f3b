/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What brings destructions to their end: once a second, or on news, it shows this node's keeper the
 * custodians, and each request with its approvals, and notes what the keeper says. When the grace
 * of this node's keeper is over it takes the generation out of the ring, with the proof of zero
 * repeated; any node may be the one. When every registered node has erased the key it has the
 * certificate made. A keeper that has just started is shown certified ones as well: its directory
 * may be an old one.
 */
#ifndef JETON_VAULT_DESTROYER_H
#define JETON_VAULT_DESTROYER_H

#include "vault/workers.h"

struct jt_destroyer;

enum jt_err jt_destroyer_new(struct jt_destroyer **out) JT_CHECKED;
void jt_destroyer_free(struct jt_destroyer *d);

/*
 * Does what is to be done now, with the context of the duty that it is a part of
 * (vault/delivery.h). The result is 0, or after how many milliseconds it has to come again because
 * writers held the ring lock.
 */
int jt_destroyer_step(struct jt_destroyer *d, struct jt_work_ctx *ctx);

#endif
