/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a generation up to retirement (DESIGN section 6, steps 1 to 3): create with
 * acknowledgement, activate. Blocking; on a worker.
 *
 * Until several nodes are built, the one node that may run acknowledges for itself: its keeper
 * proves possession to a fresh challenge, once when the generation is made and again when it is
 * activated.
 */
#ifndef JETON_VAULT_ROLL_H
#define JETON_VAULT_ROLL_H

#include "store/generations.h"
#include "vault/workers.h"

/* So many future generations may wait in line: each has a key id, of which there are 255. */
#define JT_ROLL_MAX_FUTURE 4

/*
 * Makes a key, stores the generation as future and acknowledges it. JT_ERR_TOO_MANY_FUTURE, before
 * a key is made: so many wait already; JT_ERR_LIMIT: no key id is free.
 */
enum jt_err jt_roll_create(struct jt_work_ctx *ctx, const char *actor,
                           struct jt_generation_info *out) JT_CHECKED;

/*
 * Gives up a future generation: first its row says that it is destroyed, then the keeper erases the
 * key; so no moment and no crash leaves cards under a key that is gone. One whose row went before
 * and whose key may be left (something broke in between) is success: it is erased now, or by the
 * next jt_roll_create. Its number is never used again, its key id is free.
 * JT_ERR_NO_GENERATION; JT_ERR_WRONG_STATE: not future.
 */
enum jt_err jt_roll_abandon(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                            struct jt_generation_info *out) JT_CHECKED;

/*
 * Makes a future generation the active one; the active one becomes draining. One that is active
 * already is success. `holder_override` is the recorded reason to go ahead although the key has one
 * durable holder only; without it (NULL) that is JT_ERR_ONE_HOLDER. JT_ERR_NO_GENERATION;
 * JT_ERR_WRONG_STATE: not future; JT_ERR_LIMIT: too many generations drain; JT_ERR_CRYPTO: a row is
 * not authentic, logged; the class REPEAT: a dependency, or writers held the ring lock for all of
 * the patience.
 */
enum jt_err jt_roll_activate(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                             const char *holder_override,
                             struct jt_generation_info *out) JT_CHECKED;

/*
 * Proposes the step to the keeper, commits it in the database with back-off while writers hold the
 * ring lock, and makes the keeper accept it. Common to activation and retirement. `patience_ms`
 * bounds the back-off.
 */
enum jt_err jt_ring_step(struct jt_work_ctx *ctx, const struct jt_generation_row *generation,
                         enum jt_generation_state target, const char *actor,
                         const char *holder_override, struct jt_retirement_facts *facts,
                         int patience_ms) JT_CHECKED;

#endif
