/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A retirement as its operator sees it: started, and looked at. The work itself is the job of
 * vault/retire.h. Blocking; on a worker.
 */
#ifndef JETON_VAULT_RETIREMENT_H
#define JETON_VAULT_RETIREMENT_H

#include "store/retirements.h"
#include "vault/retire.h"

struct jt_retirement_view {
    struct jt_retirement job;
    struct jt_generation_info generation;   /* zeroes where it could not be read any more */
    struct jt_retirement_progress progress; /* of the job under way, which may be another */
};

/*
 * Opens the job of a draining generation and lets it begin; one that is open is success. The job
 * stands when this returns JT_OK, whether or not it could be read back. JT_ERR_NO_GENERATION;
 * JT_ERR_WRONG_STATE: not draining.
 */
enum jt_err jt_retirement_start(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                                struct jt_retirement_view *out) JT_CHECKED;

/* JT_ERR_NO_RETIREMENT: none was started. */
enum jt_err jt_retirement_look(struct jt_work_ctx *ctx, uint64_t number,
                               struct jt_retirement_view *out) JT_CHECKED;

#endif
