/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/once_expiry.h"

#include "base/log.h"
#include "store/claims.h"
#include "vault/duty.h"
#include "vault/workers.h"

#include <stdlib.h>

#define EVERY_MS 10000
#define PIECE    500
#define PAUSE_MS 20 /* between pieces, while there are more */

struct jt_once_expiry {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;
    enum jt_err told;
};

static struct jt_again step(void *arg)
{
    struct jt_once_expiry *e = arg;
    uint64_t n;
    jt_work_about(&e->ctx, "idempotency");
    enum jt_err err = jt_claims_expire(e->ctx.db, PIECE, &n);
    if (err != JT_OK && err != e->told) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "requests cannot be forgotten now: %s",
               jt_fault_line(&e->ctx.fault, err, line));
    }
    e->told = err;
    return (struct jt_again){ .ms = err == JT_OK && n == PIECE ? PAUSE_MS : EVERY_MS };
}

enum jt_err jt_once_expiry_start(struct jt_vault *vault, struct jt_once_expiry **out)
{
    struct jt_once_expiry *e = calloc(1, sizeof *e);
    *out = e;
    if (e == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_work_ctx_init(&e->ctx, vault, "jetond once", JT_STATEMENT_TIMEOUT_MS);
    return err == JT_OK ? jt_duty_start(step, e, &e->duty) : err;
}

void jt_once_expiry_stop(struct jt_once_expiry *e)
{
    if (e == NULL) {
        return;
    }
    jt_duty_stop(e->duty);
    jt_work_ctx_clear(&e->ctx);
    free(e);
}
