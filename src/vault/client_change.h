/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients: made and changed. Blocking; on a worker, or in a command that has a keeper of its own.
 *
 * A change counts when the set that it made was read back from the database and the keeper has seen
 * it: then no keeper takes the set of before, and each front drops what it remembers within the
 * second of its heartbeat. A commit whose answer was lost is found out about in the same way: the
 * class REPEAT or JT_ERR_IN_DOUBT only where the database stays away.
 *
 * The last client that may operate, and the last that may administer clients, stay: they cannot be
 * disabled, removed, given an end or stripped of it.
 */
#ifndef JETON_VAULT_CLIENT_CHANGE_H
#define JETON_VAULT_CLIENT_CHANGE_H

#include "vault/access.h"
#include "vault/credential.h"
#include "vault/workers.h"

/* What an operator may who is made by `jeton init` or gets back in by `jeton client recover`. */
#define JT_MAY_OF_OPERATORS JT_MAY_ADMINISTER

/* Beside its permissions. */
struct jt_client_bounds {
    /* whether they are to be set; else they stay */
    bool has_expiry, has_networks, has_certs, has_budgets;
    uint64_t expires_s; /* seconds since 1970; 0: never */
    uint8_t n_networks; /* 0: from anywhere */
    struct jt_network networks[JT_CLIENT_MAX_NETWORKS];
    uint8_t n_certs; /* 0: with any certificate or none */
    /* as in struct jt_client_terms */
    uint8_t certs[JT_CLIENT_MAX_CERTS][JT_CERT_DIGEST_LEN];
    uint8_t n_budgets; /* 0: of everything as much as it likes */
    struct jt_budget budgets[JT_CLIENT_MAX_BUDGETS];
};

/*
 * Makes a client with a fresh secret. JT_ERR_CLIENT_EXISTS when the id is taken, by a removed
 * client too; JT_ERR_CARDLIKE; JT_ERR_NO_FIELD for a field that there is not. The caller wipes
 * *out.
 */
enum jt_err jt_client_add(struct jt_work_ctx *ctx, const char *id, const struct jt_may *may,
                          const struct jt_client_bounds *bounds, const char *actor,
                          struct jt_credential *out) JT_CHECKED;

/* All of what follows: JT_ERR_NO_CLIENT; JT_ERR_CLIENT_REVOKED for one that is removed. */

/*
 * Gives a fresh secret; the one before is good for `overlap_s` still, 0: not at all. Two are good
 * at most: JT_ERR_ROTATING while the time of an earlier one is not over and `overlap_s` is not 0.
 * With `again` the newest one is void, for whoever lost it, and the one before keeps its time:
 * JT_ERR_NOT_ROTATING where there is none. The caller wipes *out. *until_s: when the one before
 * ends; 0: there is none.
 */
enum jt_err jt_client_rotate(struct jt_work_ctx *ctx, const char *id, uint32_t overlap_s,
                             bool again, const char *actor, struct jt_credential *out,
                             uint64_t *until_s) JT_CHECKED;

/*
 * What jt_client_add or jt_client_rotate did, again, for whoever lost the answer: the newest secret
 * is void, and there is a fresh one in its place. `revision` is that of the row as the first one
 * left it; JT_ERR_CHANGED_SINCE: the row is another by now. Otherwise as jt_client_rotate.
 */
enum jt_err jt_client_rekey(struct jt_work_ctx *ctx, const char *id, uint64_t revision,
                            const char *actor, struct jt_credential *out,
                            uint64_t *until_s) JT_CHECKED;

/*
 * JT_ROW_DISABLED: it may nothing until it is enabled; JT_ROW_REVOKED: removed for good, and its
 * name stays taken. A client that stands so already is success.
 */
enum jt_err jt_client_set_state(struct jt_work_ctx *ctx, const char *id, enum jt_standing state,
                                const char *actor) JT_CHECKED;

/* Puts other permissions in place of all that it has. */
enum jt_err jt_client_permit(struct jt_work_ctx *ctx, const char *id, const struct jt_may *may,
                             const struct jt_client_bounds *bounds, const char *actor) JT_CHECKED;

/*
 * Lets an operator in again: a new client, or one that is there, with a fresh secret, enabled, from
 * anywhere, with any certificate or none, without end, and with JT_MAY_OF_OPERATORS beside what it
 * had. Every earlier secret of
 * it is void. For a command on the keeper's own machine only.
 */
enum jt_err jt_client_recover(struct jt_work_ctx *ctx, const char *id, const char *actor,
                              const char *reason, struct jt_credential *out) JT_CHECKED;

#endif
