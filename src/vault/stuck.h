/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards that keep a generation from retiring, by token: what an operator sees of them. Blocking; on
 * a worker.
 */
#ifndef JETON_VAULT_STUCK_H
#define JETON_VAULT_STUCK_H

#include "model/field.h"
#include "store/stuck.h"
#include "vault/workers.h"

struct jt_stuck_view {
    const struct jt_field_spec *field; /* NULL: there is no such field */
    const uint8_t *token;              /* JT_TOKEN_LEN; NULL: it cannot be told */
    enum jt_stuck_cause cause;
    const char *first_seen;
};
typedef void jt_stuck_fn(void *arg, const struct jt_stuck_view *view);

/*
 * Calls `each` for at most `max` cards that are noted, in the order of their ids but for the first
 * `skip`. *more: there are others behind them. JT_ERR_NO_RETIREMENT.
 */
struct jt_stuck_query {
    uint64_t generation;
    size_t skip, max;
};
enum jt_err jt_stuck_look(struct jt_work_ctx *ctx, const struct jt_stuck_query *query,
                          jt_stuck_fn *each, void *arg, bool *more) JT_CHECKED;

/* Calls `each` for these cards, with their tokens; of a row that `stands` the digits count. */
enum jt_err jt_stuck_tell(struct jt_work_ctx *ctx, const struct jt_stuck_seen *seen, size_t n,
                          jt_stuck_fn *each, void *arg) JT_CHECKED;

#endif
