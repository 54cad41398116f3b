/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/enroll.h"

#include "cli/exit.h"
#include "vault/custody.h"

int jt_enroll(struct jt_db *db, struct jt_keyclient *keeper, const struct jt_custodian_set *set,
              const char *actor)
{
    struct jt_vault vault = { .conf = NULL };
    struct jt_work_ctx ctx = { .vault = &vault, .db = db, .keeper = keeper };
    const struct jt_approvals none = { .n = 0 };
    struct jt_custodian_set enrolled;
    char line[JT_FAULT_LINE_LEN];
    enum jt_err err = jt_custody_change(&ctx, set, &none, actor, &enrolled);
    if (err == JT_OK) {
        return JT_EXIT_OK;
    }
    jt_complain("the custodians are not enrolled: %s", jt_fault_line(&ctx.fault, err, line));
    return JT_EXIT_FAILED;
}
