/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/verdict.h"

#include "base/log.h"
#include "base/notice.h"

static bool may_pass(enum jt_err err)
{
    enum jt_class class = jt_err_class(err);
    return class == JT_CLASS_REPEAT ||
           (class == JT_CLASS_REFRESH && err != JT_ERR_RING_CONTRADICTED);
}

enum jt_err jt_verdict_bad(struct jt_vault *vault, const char *act, enum jt_err err,
                           const struct jt_fault *fault)
{
    const struct jt_fault nothing = { 0 };
    char line[JT_FAULT_LINE_LEN];
    (void)jt_fault_line(fault == NULL ? &nothing : fault, err, line);
    if (err == JT_ERR_DB_FULL) {
        static struct jt_notice full = { .what = "alarm: the database's disk is full" };
        jt_notice(&full, line);
        return err;
    }
    if (may_pass(err)) {
        jt_log(JT_LOG_WARNING, "%s: %s", act, line);
        return err;
    }
    jt_count(&vault->counters.database_faults, 1);
    if (!atomic_exchange(&vault->faulty, true)) {
        jt_log(JT_LOG_ERROR, "alarm: %s: the database does not do what it is told; not ready: %s",
               act, line);
    }
    return err;
}

void jt_verdict_good(struct jt_vault *vault)
{
    if (atomic_exchange(&vault->faulty, false)) {
        jt_log(JT_LOG_INFO, "the database again does what it is told");
    }
}
