/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/months.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/partitions.h"
#include "vault/duty.h"
#include "vault/workers.h"

#include <stdlib.h>
#include <string.h>

#define EVERY_MS     3600000
#define SOON_MS      10000  /* after what failed in passing, and while the trail is not open */
#define STATEMENT_MS 120000 /* a month is read once as a whole before it goes */
#define CLOSES       256    /* of one transaction */
#define ALARM_US     (UINT64_C(7) * 86400 * 1000000)

struct jt_months {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;
    enum jt_err told;
    struct jt_audit_close closes[CLOSES];
};

/* Each chain of the partition has its record when it is dropped. */
static enum jt_err close_chains(struct jt_months *m, const char *name, uint64_t before_us)
{
    size_t n = CLOSES;
    enum jt_err err = JT_OK;
    while (err == JT_OK && n > 0) {
        err = jt_partition_ends(m->ctx.db, name, before_us, CLOSES, m->closes, &n);
        for (size_t i = 0; i < n && err == JT_OK; i++) {
            err = jt_keyclient_wait_audit_close(m->ctx.keeper, &m->closes[i], m->closes[i].mac);
        }
        if (err == JT_OK && n > 0) {
            err = jt_partition_close(m->ctx.db, m->closes, n);
        }
    }
    return err;
}

static enum jt_err drop_old(struct jt_months *m)
{
    long months = m->ctx.vault->conf->audit_retention_months;
    for (;;) {
        char name[JT_PARTITION_NAME_LEN];
        uint64_t before_us;
        enum jt_err err =
            months == 0 ? JT_OK : jt_partitions_oldest(m->ctx.db, months, name, &before_us);
        if (err != JT_OK || months == 0 || name[0] == '\0') {
            return err;
        }
        err = close_chains(m, name, before_us);
        if (err == JT_OK) {
            err = jt_partition_drop(m->ctx.db, name);
        }
        if (err != JT_OK) {
            return err;
        }
        jt_log(JT_LOG_INFO, "audit trail: dropped %s, whose time is over", name);
    }
}

/* Without a partition for its time, nothing is recorded and so nothing is served. */
static void look_ahead(struct jt_months *m, enum jt_err err)
{
    uint64_t until_us;
    if (err == JT_OK || jt_partitions_reach(m->ctx.db, &until_us) != JT_OK ||
        until_us > jt_clock_wall_us() + ALARM_US) {
        return;
    }
    jt_log(JT_LOG_ERROR,
           "alarm: audit trail: the partitions end in less than a week, and jetond cannot make "
           "more: nothing will be served then");
}

static struct jt_again step(void *arg)
{
    struct jt_months *m = arg;
    bool ours;
    jt_work_about(&m->ctx, "audit trail");
    enum jt_err err = jt_partitions_begin(m->ctx.db, &ours);
    if (err == JT_OK && !ours) {
        return (struct jt_again){ .ms = SOON_MS }; /* another node is at it */
    }
    if (err == JT_OK) {
        err = jt_partitions_make(m->ctx.db);
    }
    look_ahead(m, err);
    if (err == JT_OK) {
        err = drop_old(m);
    }
    jt_partitions_end(m->ctx.db);
    if (err != JT_OK && err != m->told) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "partitions cannot be made or dropped now: %s",
               jt_fault_line(&m->ctx.fault, err, line));
    }
    m->told = err;
    bool passes = jt_err_class(err) == JT_CLASS_REPEAT;
    return (struct jt_again){ .ms = err != JT_OK && passes ? SOON_MS : EVERY_MS };
}

enum jt_err jt_months_start(struct jt_vault *vault, struct jt_months **out)
{
    struct jt_months *m = calloc(1, sizeof *m);
    *out = m;
    if (m == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_work_ctx_init(&m->ctx, vault, "jetond months", STATEMENT_MS);
    return err == JT_OK ? jt_duty_start(step, m, &m->duty) : err;
}

void jt_months_stop(struct jt_months *m)
{
    if (m == NULL) {
        return;
    }
    jt_duty_stop(m->duty);
    jt_work_ctx_clear(&m->ctx);
    free(m);
}
