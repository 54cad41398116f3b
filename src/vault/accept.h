/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator's word for what the keeper does not take on its own: ids far ahead of its clock, and
 * sets older than it has seen. The word is on record before the keeper hears it. Blocking; on a
 * worker.
 */
#ifndef JETON_VAULT_ACCEPT_H
#define JETON_VAULT_ACCEPT_H

#include "vault/credential.h"
#include "vault/workers.h"

/*
 * The newest id may lie far ahead of the clock; *newest_ms is then its time, in milliseconds since
 * 2020. Errors as of jt_refresh_join.
 */
enum jt_err jt_accept_ids(struct jt_work_ctx *ctx, const char *actor, const char *reason,
                          uint64_t *newest_ms) JT_CHECKED;

/*
 * Older sets of clients and fields shall be current. The keeper checks for itself that the
 * credential is that of an operator of that set. Errors as of jt_sets_accept.
 */
enum jt_err jt_accept_sets(struct jt_work_ctx *ctx, const struct jt_credential *credential,
                           const char *reason) JT_CHECKED;

#endif
