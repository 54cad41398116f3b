/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key that somebody else may know. Its generation gets a mark in the ring, which never goes away:
 * no keeper writes under it any more. One that drains or is retired is only marked. The active one
 * is replaced in the same change by the first future generation in line, whatever its date: an
 * emergency roll. Its cards can be read as before, and are to be drained.
 */
#ifndef JETON_VAULT_COMPROMISE_H
#define JETON_VAULT_COMPROMISE_H

#include "store/generations.h"
#include "vault/adoption.h"
#include "vault/workers.h"

/*
 * An act, on a worker; it may come again. `why` is recorded; `holder_override` is for the key that
 * takes its place (vault/activation.h). `out` tells of the compromised generation. One that is
 * marked already is success. JT_ERR_NO_GENERATION; JT_ERR_WRONG_STATE: it is future (abandon it) or
 * destroyed; JT_ERR_NO_SUCCESSOR; and what jt_activation_run answers.
 */
enum jt_err jt_compromise_run(struct jt_work_ctx *ctx, uint64_t number, const char *why,
                              const char *actor, const char *holder_override,
                              struct jt_generation_info *out,
                              struct jt_missing_nodes *missing) JT_CHECKED;

#endif
