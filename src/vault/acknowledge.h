/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that this node holds a generation's key: its keeper answers a fresh challenge, and a keeper
 * checks the answer; nobody is believed. What is stored is evidence; nothing relies on it.
 *
 * Until several nodes are built, the one node that may run acknowledges for itself: once when the
 * generation is made and again when it is activated, which is the proof that counts.
 */
#ifndef JETON_VAULT_ACKNOWLEDGE_H
#define JETON_VAULT_ACKNOWLEDGE_H

#include "model/generation.h"
#include "vault/workers.h"

/* JT_ERR_KEY_MISSING, JT_ERR_KEY_WRONG, JT_ERR_FORGED; the class REPEAT. */
enum jt_err jt_acknowledge(struct jt_work_ctx *ctx,
                           const struct jt_generation_row *generation) JT_CHECKED;

#endif
