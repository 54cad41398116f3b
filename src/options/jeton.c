/* SPDX-License-Identifier: Apache-2.0 */
/* Section [jeton]: what concerns every process. */
#include "options/tables.h"

#include <string.h>

static const char *check_environment(const char *value)
{
    return strcmp(value, "production") == 0 || strcmp(value, "development") == 0
               ? NULL
               : "must be development or production";
}

static const struct jt_conf_option options[] = {
    { "environment", JT_CONF_TEXT, JT_CONF_AT(environment), "production", 1, 20,
      "What the keys are for: development or production. In production, keys that were made for "
      "development are refused. In development only addresses of this machine are served.",
      check_environment },
};

const struct jt_conf_table jt_conf_jeton = { "jeton", "What concerns every process.", options,
                                             sizeof options / sizeof options[0] };
