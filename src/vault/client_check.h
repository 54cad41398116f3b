/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, and what may it do: the check of an API key. The use case in order:
 *
 *   1. The text of the key is read (vault/credential.h). What is none costs nothing.
 *   2. The loop's memory knows it: a digest of a key that a keeper vouched for within seconds,
 *      under the sets as they stand now (vault/directory.h). The rest is a look-up, on a worker;
 *      those who ask the same at one time share one.
 *   3. The row of that client among those that stand (vault/sets.h). Where the set of clients went
 *      back, an operator of the older set may do one thing: accept it. Nobody else gets in.
 *   4. The keeper checks the row's MAC, its state, its expiry by the keeper's clock, and the
 *      secret. An unknown client is checked against a row that cannot match, so that it costs the
 *      time of a wrong secret.
 *   5. Its fields get their names, so that a request's field is compared before anything is looked
 *      up: one that is forbidden and one that there is not are refused alike (vault/access.h).
 *
 * Steps 3 to 5 are here.
 */
#ifndef JETON_VAULT_CLIENT_CHECK_H
#define JETON_VAULT_CLIENT_CHECK_H

#include "vault/access.h"
#include "vault/credential.h"
#include "vault/workers.h"

/*
 * Beside enum jt_permission: what an operator of an older set may do while no other is verified,
 * which is to accept it.
 */
#define JT_MAY_ACCEPT_SETS (1u << 16)

/*
 * A look-up, on a worker. JT_ERR_BAD_CREDENTIAL: unknown or revoked client and wrong secret alike.
 * JT_ERR_SETS_UNVERIFIED.
 */
enum jt_err jt_client_check(struct jt_work_ctx *ctx, const struct jt_credential *credential,
                            struct jt_access *out) JT_CHECKED;

#endif
