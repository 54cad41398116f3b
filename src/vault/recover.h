/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovering a database that went back, as operators and custodians ask for it; what follows by
 * itself is vault/recoverer.h.
 *
 * This front's keeper makes the request from what it remembers and what the database holds,
 * custodians sign its text where they sit, and the front whose keeper made it posts the states
 * anew. What is decided, keepers decide (keeper/recovery.h).
 */
#ifndef JETON_VAULT_RECOVER_H
#define JETON_VAULT_RECOVER_H

#include "store/recoveries.h"
#include "vault/workers.h"
#include "wire/recovery.h"

/* How things stand. Large: on the heap. */
struct jt_recover_look {
    enum jt_err why; /* this keeper refuses the database; JT_OK: it does not */
    struct jt_keeper_view own;
    struct jt_recovery_database database;
    char views_at[JT_RECOVERY_VIEWS_MAX][JT_TIME_LEN]; /* of database.views */
    enum jt_err plan_err;                              /* why there is no plan */
    struct jt_recovery_opened
        opened;                 /* what a request made now would be; plan.n 0: there is none */
    struct jt_recovery_row row; /* the newest request; id 0: there is none */
    struct jt_recovery_request request; /* text_len 0: the row's is not a keeper's form */
    uint8_t standing; /* enum jt_recovery_standing, by this keeper; 0: not known */
    struct jt_custodian_set custodians;
    size_t n_approvals;
    struct jt_approval_row approvals[JT_CUSTODIANS_MAX];
    struct jt_recovery_shown shown;
};

enum jt_err jt_recover_look_at(struct jt_work_ctx *ctx, struct jt_recover_look *out) JT_CHECKED;

/*
 * Asks for it, in the place of a request that was not carried out. `floor_ms`: no id of a time up
 * to it is minted afterwards (since 2020); 0: the keeper's clock. JT_ERR_NOT_BEHIND,
 * JT_ERR_KEEPER_BEHIND, JT_ERR_NO_CUSTODIANS, JT_ERR_DATE_OVER, JT_ERR_LIMIT,
 * JT_ERR_KEY_MISSING, JT_ERR_TOO_MANY_LIVE.
 */
enum jt_err jt_recover_ask(struct jt_work_ctx *ctx, uint64_t floor_ms, const char *actor,
                           struct jt_recover_look *out) JT_CHECKED;

/*
 * Carries a custodian's signature; with the second one the recovery is carried out, here or by the
 * node whose keeper asked. JT_ERR_NO_RECOVERY, JT_ERR_NO_CUSTODIAN, JT_ERR_NOT_SIGNED,
 * JT_ERR_RECOVERY_STALE.
 */
enum jt_err jt_recover_approve(struct jt_work_ctx *ctx, const struct jt_approval *approval,
                               const char *actor, struct jt_recover_look *out) JT_CHECKED;

/*
 * Carries out what is due at this node's keeper, if anything is, and has the keeper go on from it.
 * *busy: writers hold the ring lock; come again.
 */
enum jt_err jt_recover_carry_out(struct jt_work_ctx *ctx, struct jt_recover_look *look,
                                 bool *busy) JT_CHECKED;

/*
 * Shows the keeper the newest recovery that was carried out. JT_ERR_NO_RECOVERY. The caller of the
 * latter holds vault->course.showing.
 */
enum jt_err jt_recover_follow(struct jt_work_ctx *ctx) JT_CHECKED;
enum jt_err jt_recover_follow_shown(struct jt_work_ctx *ctx) JT_CHECKED;

#endif
