/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/custodianlist.h"

#include <string.h>

bool jt_custodianlist_parse(const char *const texts[], size_t n, struct jt_custodian_set *out)
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

bool jt_custodianlist_split(const char *list, struct jt_custodian_set *out)
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
    return jt_custodianlist_parse(pointers, n, out);
}
