/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/lease.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/nodes.h"
#include "vault/course.h"
#include "vault/duty.h"
#include "vault/membership.h"

#include <stdlib.h>

#define MARGIN 5 /* a part of the lease */

struct jt_lease {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;
};

int jt_lease_ms(const struct jt_vault *vault)
{
    return (int)(vault->conf->front_lease * 1000);
}

void jt_lease_begin(struct jt_vault *vault, int64_t sent_ms)
{
    int lease_ms = jt_lease_ms(vault);
    atomic_store(&vault->leased_until_ms, sent_ms + lease_ms - lease_ms / MARGIN);
}

void jt_lease_end(struct jt_vault *vault)
{
    atomic_store(&vault->leased_until_ms, 0);
}

/* A tenth of the lease, so that some renewals may fail. */
static int every_ms(const struct jt_vault *vault)
{
    int ms = jt_lease_ms(vault) / 10;
    return ms > 1000 ? 1000 : ms;
}

static struct jt_again step(void *arg)
{
    struct jt_lease *lease = arg;
    struct jt_vault *vault = lease->ctx.vault;
    const struct jt_again later = { .ms = every_ms(vault), .on_news = true };
    if (!atomic_load(&vault->registered)) {
        return later; /* whoever registers begins the next one */
    }
    jt_work_about(&lease->ctx, "%s", vault->node.name);
    int64_t sent_ms = jt_clock_ms();
    struct jt_node_spec spec = vault->node;
    spec.number = atomic_load(&vault->number);
    uint64_t renewals = jt_front_course_own(vault);
    enum jt_err err = jt_node_renew(lease->ctx.db, &spec, jt_lease_ms(vault), &renewals);
    if (err == JT_OK) {
        jt_lease_begin(vault, sent_ms);
    } else if (err == JT_ERR_LEASE_OVER || err == JT_ERR_NODE_GONE) {
        jt_lease_end(vault);
        jt_membership_lost(vault, err);
    }
    return later;
}

enum jt_err jt_lease_start(struct jt_vault *vault, struct jt_lease **out)
{
    struct jt_lease *lease = calloc(1, sizeof *lease);
    *out = lease;
    if (lease == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_work_ctx_init(&lease->ctx, vault, "jetond lease", JT_STATEMENT_TIMEOUT_MS);
    return err == JT_OK ? jt_duty_start(step, lease, &lease->duty) : err;
}

void jt_lease_stop(struct jt_lease *lease)
{
    if (lease != NULL) {
        jt_duty_stop(lease->duty);
        jt_work_ctx_clear(&lease->ctx);
        free(lease);
    }
}
