/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/fault.h"

#include "base/log.h"

#include <stdio.h>

const char *jt_why(const char *reason, char buf[static JT_WHY_LEN])
{
    (void)snprintf(buf, JT_WHY_LEN, "%s%s", *reason == '\0' ? "" : ": ", reason);
    return buf;
}

static bool may_pass(enum jt_err err)
{
    return err == JT_ERR_UNAVAILABLE || err == JT_ERR_NOMEM || err == JT_ERR_STALE ||
           err == JT_ERR_IO;
}

enum jt_err jt_fault_judge(struct jt_vault *vault, const char *act, enum jt_err err,
                           const char *why)
{
    char reason[JT_WHY_LEN];
    if (may_pass(err)) {
        jt_log(JT_LOG_WARNING, "%s: %s%s", act, jt_err_str(err), jt_why(why, reason));
        return JT_ERR_UNAVAILABLE;
    }
    jt_count(&vault->counters.database_faults, 1);
    if (!atomic_exchange(&vault->faulty, true)) {
        jt_log(JT_LOG_ERROR,
               "alarm: %s: the database does not do what it is told; not ready: "
               "%s%s",
               act, jt_err_str(err), jt_why(why, reason));
    }
    return JT_ERR_PROTOCOL;
}

void jt_fault_end(struct jt_vault *vault)
{
    if (atomic_exchange(&vault->faulty, false)) {
        jt_log(JT_LOG_INFO, "the database does what it is told again");
    }
}
