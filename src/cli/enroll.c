/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/enroll.h"

#include "cli/exit.h"
#include "vault/custody.h"

#include <string.h>

bool jt_enroll_parse(const char *const texts[], size_t n, struct jt_custodian_set *out)
{
    *out = (struct jt_custodian_set){ .n = (uint8_t)n };
    if (n > JT_CUSTODIANS_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (jt_custodian_parse(texts[i], &out->all[i]) != JT_OK) {
            return false;
        }
    }
    return jt_custodian_set_valid(out);
}

bool jt_enroll_parse_list(const char *list, struct jt_custodian_set *out)
{
    char texts[JT_CUSTODIANS_MAX][JT_CUSTODIAN_TEXT_MAX + 1];
    const char *pointers[JT_CUSTODIANS_MAX];
    size_t n = 0;
    for (const char *at = list; *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (n == JT_CUSTODIANS_MAX || len > JT_CUSTODIAN_TEXT_MAX) {
            return false;
        }
        memcpy(texts[n], at, len);
        texts[n][len] = '\0';
        pointers[n] = texts[n];
        n++;
        at += len + (at[len] == ',');
    }
    return jt_enroll_parse(pointers, n, out);
}

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
