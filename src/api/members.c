/* SPDX-License-Identifier: Apache-2.0 */
#include "api/members.h"

#include <stdio.h>

#define DETAIL_MAX 400

bool jt_members_only(struct jt_request *r, const char *const *names)
{
    if (r->json == NULL || jt_json_only_members(r->json, names)) {
        return true;
    }
    char detail[DETAIL_MAX];
    int used = snprintf(detail, sizeof detail,
                        "The body has a member that this operation does not "
                        "take. It takes%s",
                        names[0] == NULL ? " none" : "");
    for (size_t i = 0; names[i] != NULL && used > 0 && (size_t)used < sizeof detail; i++) {
        used += snprintf(detail + used, sizeof detail - (size_t)used, "%s %s", i == 0 ? ":" : ",",
                         names[i]);
    }
    if (used > 0 && (size_t)used < sizeof detail) {
        (void)snprintf(detail + used, sizeof detail - (size_t)used, ".");
    }
    jt_request_answer_detail(r, JT_PROBLEM_UNKNOWN_MEMBER, detail);
    return false;
}

json_t *jt_members_need(struct jt_request *r, const char *name)
{
    json_t *value = json_object_get(r->json, name);
    if (value == NULL) {
        char detail[DETAIL_MAX];
        (void)snprintf(detail, sizeof detail, "The body lacks the member %s.", name);
        jt_request_answer_detail(r, JT_PROBLEM_MISSING_MEMBER, detail);
    }
    return value;
}

void jt_members_refuse(struct jt_request *r, const char *name, const char *must)
{
    char detail[DETAIL_MAX];
    (void)snprintf(detail, sizeof detail, "The member %s must be %s.", name, must);
    jt_request_answer_detail(r, JT_PROBLEM_INVALID_VALUE, detail);
}
