/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destroying the key of a retired generation, as operators ask for it; what follows by itself is a
 * duty (vault/destroyer.h).
 *
 * This front's keeper makes the request, custodians sign its text where they sit, and the
 * signatures are carried to every keeper. Each keeper decides for itself (keeper/destructions.h).
 */
#ifndef JETON_VAULT_DESTROY_H
#define JETON_VAULT_DESTROY_H

#include "store/destructions.h"
#include "vault/custody.h"

/* How it stands. Large: on the heap. */
struct jt_destroy_look {
    struct jt_destruction_row row;
    struct jt_destruction_request request; /* text_len 0: the row's is not a keeper's form */
    struct jt_custodian_set custodians;
    size_t n_approvals, n_nodes;
    struct jt_approval_row approvals[JT_CUSTODIANS_MAX];
    struct jt_destruction_node_row nodes[JT_DESTRUCTION_NODE_ROWS];
    enum jt_destruction_view view; /* as this node's keeper sees it now */
};

/* JT_ERR_NO_GENERATION, JT_ERR_NO_DESTRUCTION. */
enum jt_err jt_destroy_look_at(struct jt_work_ctx *ctx, uint64_t generation,
                               struct jt_destroy_look *out) JT_CHECKED;

/*
 * Asks for it. A request that stands is left as it is, unless a keeper has cancelled it or does not
 * take it. JT_ERR_NOT_RETIRED; JT_ERR_NOT_CERTIFIED; JT_ERR_NO_CUSTODIANS.
 */
enum jt_err jt_destroy_ask(struct jt_work_ctx *ctx, uint64_t generation, const char *actor,
                           struct jt_destroy_look *out) JT_CHECKED;

/*
 * Carries a custodian's signature. JT_ERR_NO_CUSTODIAN; JT_ERR_NOT_SIGNED: it is not that
 * custodian's, or over another text; JT_ERR_DESTRUCTION_CANCELLED.
 */
enum jt_err jt_destroy_approve(struct jt_work_ctx *ctx, uint64_t generation,
                               const struct jt_approval *approval, const char *actor,
                               struct jt_destroy_look *out) JT_CHECKED;

/* Fills in all but row and view: the row is there. */
enum jt_err jt_destroy_read_rest(struct jt_work_ctx *ctx, struct jt_destroy_look *look) JT_CHECKED;

/* Shows it to this node's keeper, with those approvals that are given besides. */
struct jt_destruction_shown;
enum jt_err jt_destroy_show(struct jt_work_ctx *ctx, const struct jt_destroy_look *look,
                            const struct jt_approval *besides,
                            struct jt_destruction_shown *out) JT_CHECKED;

#endif
