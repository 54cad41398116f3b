/* SPDX-License-Identifier: Apache-2.0 */
#include "api/approval_json.h"

#include "vault/destroy.h"

json_t *jt_approvals_json(const struct jt_approval_row *approvals, size_t n)
{
    json_t *all = json_array();
    for (size_t i = 0; i < n && all != NULL; i++) {
        const struct jt_approval_row *a = &approvals[i];
        if (json_array_append_new(all, json_pack("{ss,ss,ss}", "custodian", a->custodian, "at",
                                                 a->at, "carried_by", a->carried_by)) != 0) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

bool jt_text_is_approval(const char *text)
{
    struct jt_approval approval;
    return jt_approval_parse(text, &approval) == JT_OK;
}
