/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mending cards that a retirement cannot move. Blocking; on a worker.
 *
 * What can be mended: a damaged fingerprint, since the envelope says what it must be (the keeper
 * lets the tag decide, wire/mend.h), and a bucket. What cannot: an envelope, an id, a field, and
 * the digits of a numeric token. Such a row needs a backup, or is deleted by its token.
 */
#ifndef JETON_VAULT_REPAIR_H
#define JETON_VAULT_REPAIR_H

#include "vault/workers.h"

struct jt_repair_view {
    uint64_t n_mended;
    uint64_t n_left;      /* that nothing here mends, or that somebody holds */
    uint64_t n_held_back; /* by the keeper's ceiling on opened cards: later */
    bool more;            /* there was no time for all of them: ask again */
};

/*
 * Tries all cards that are noted as stuck under the generation, for some seconds at most; each one
 * that is mended is a transaction of its own, with its audit row. JT_ERR_NO_RETIREMENT.
 */
enum jt_err jt_repair_run(struct jt_work_ctx *ctx, uint64_t generation, const char *actor,
                          struct jt_repair_view *out) JT_CHECKED;

#endif
