/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing off cards that keep a generation from retiring and that nobody can open. Acts, on a
 * worker, but for the last one.
 *
 * This front's keeper makes the request: it tries each card that is noted as stuck and lists those
 * that it can neither open nor mend (keeper/op_writeoff.c). Custodians sign its text where they
 * sit. With the second signature the cards go to quarantine: at once, or, where something broke in
 * between, by the duty of any node that looks after the retirement.
 */
#ifndef JETON_VAULT_WRITEOFF_H
#define JETON_VAULT_WRITEOFF_H

#include "store/writeoffs.h"
#include "vault/stuck.h"
#include "vault/workers.h"

/* How one stands. */
struct jt_writeoff_look {
    struct jt_writeoff_row row;
    struct jt_writeoff_request request; /* text_len 0: the row's is not a keeper's form */
    struct jt_custodian_set custodians;
    size_t n_approvals;
    struct jt_approval_row approvals[JT_CUSTODIANS_MAX];
    bool forged; /* the keeper does not take it: ask anew */
};

/*
 * Asks for it, for as many cards as one request takes. One that stands is left as it is unless
 * `anew` is asked for or the keeper does not take it. JT_ERR_NO_RETIREMENT, JT_ERR_NOT_DRAINING;
 * JT_ERR_NO_CUSTODIANS; JT_ERR_NOTHING_STUCK: nothing is noted that could not be opened or mended;
 * JT_ERR_WRITE_OFFS_FULL.
 */
enum jt_err jt_writeoff_ask(struct jt_work_ctx *ctx, uint64_t generation, bool anew,
                            const char *actor, struct jt_writeoff_look *out) JT_CHECKED;

/* The newest one. JT_ERR_NO_GENERATION, JT_ERR_NO_WRITE_OFF. */
enum jt_err jt_writeoff_look_at(struct jt_work_ctx *ctx, uint64_t generation,
                                struct jt_writeoff_look *out) JT_CHECKED;

/*
 * All of a generation, ascending; `request` has no text where the row is of no keeper's form.
 * JT_ERR_NO_GENERATION.
 */
typedef void jt_writeoff_view_fn(void *arg, const struct jt_writeoff_row *row,
                                 const struct jt_writeoff_request *request);
enum jt_err jt_writeoffs_list(struct jt_work_ctx *ctx, uint64_t generation,
                              jt_writeoff_view_fn *each, void *arg) JT_CHECKED;

/*
 * Calls `each` for at most `max` cards of the list of one of them (0: the newest), behind the first
 * `skip`. *more: there are others. JT_ERR_NO_WRITE_OFF.
 */
struct jt_writeoff_query {
    uint64_t generation;
    uint32_t number;
    size_t skip, max;
};
enum jt_err jt_writeoff_cards(struct jt_work_ctx *ctx, const struct jt_writeoff_query *query,
                              jt_stuck_fn *each, void *arg, bool *more) JT_CHECKED;

/*
 * Carries a custodian's signature for the newest one, and carries it out if it is the second.
 * JT_ERR_NO_CUSTODIAN; JT_ERR_NOT_SIGNED: it is not that custodian's, or over another text;
 * JT_ERR_WRITE_OFF_DONE.
 */
enum jt_err jt_writeoff_approve(struct jt_work_ctx *ctx, uint64_t generation,
                                const struct jt_approval *approval, const char *actor,
                                struct jt_writeoff_look *out) JT_CHECKED;

/* Carries out what two custodians have approved and nobody has carried out yet, if there is such.
 */
enum jt_err jt_writeoff_go_on(struct jt_work_ctx *ctx, uint64_t generation) JT_CHECKED;

/* Those that were carried out, for the certificate. */
struct jt_certify;
enum jt_err jt_writeoff_collect(struct jt_work_ctx *ctx, struct jt_certify *certify) JT_CHECKED;

#endif
