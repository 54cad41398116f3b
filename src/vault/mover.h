/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers of the retirements on this node: each is a background duty (vault/duty.h) that takes
 * a range of a generation that drains, moves its cards, and takes the next one. Which retirements
 * there are, and when one is at its end, is for vault/retirement.h.
 */
#ifndef JETON_VAULT_MOVER_H
#define JETON_VAULT_MOVER_H

#include "vault/throttle.h"
#include "vault/workers.h"

struct jt_movers;

/*
 * `n` of them, which do nothing yet. `walked` is called, on a mover's thread, when one has walked a
 * range to its end.
 */
enum jt_err jt_movers_new(int n, void (*walked)(void *arg), void *arg,
                          struct jt_movers **out) JT_CHECKED;

enum jt_err jt_movers_start(struct jt_movers *m, struct jt_vault *vault,
                            struct jt_throttle *throttle) JT_CHECKED;

/* Their ranges are given back, and all is freed. NULL is accepted. */
void jt_movers_stop(struct jt_movers *m);

/* There is something to do. Any thread, between new and stop. */
void jt_movers_nudge(struct jt_movers *m);

/* A look at the request path, for who looks while no mover works as well. */
void jt_movers_look(struct jt_throttle *throttle, const struct jt_vault *vault);

#endif
