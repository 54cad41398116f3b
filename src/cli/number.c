/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/number.h"

#include "cli/options.h"

#include <stdio.h>
#include <string.h>

int jt_generation_path(const struct jt_command *self, const char *text, const char *suffix,
                       char out[static JT_GENERATION_PATH])
{
    size_t len = strlen(text);
    if (len < 1 || len > 18 || *text == '0' || strspn(text, "0123456789") != len) {
        return jt_usage_error(self, "NUMBER must be the number of a generation, 1 or more");
    }
    snprintf(out, JT_GENERATION_PATH, "/v1/generations/%s%s", text, suffix);
    return JT_GO_ON;
}
