/* SPDX-License-Identifier: Apache-2.0 */
/* Section [retirement]: how fast a retirement moves cards. */
#include "options/tables.h"

static const struct jt_conf_option options[] = {
    { "rate", JT_CONF_NUMBER, JT_CONF_AT(retirement_rate), "0", 0, 10000000,
      "How many rows the workers of this node move per second at most, all together. 0: there "
      "is no limit.",
      NULL },
    { "workers", JT_CONF_NUMBER, JT_CONF_AT(retirement_workers), "2", 1, 16,
      "How many workers of this node move cards side by side.", NULL },
    { "max_lag_ms", JT_CONF_NUMBER, JT_CONF_AT(retirement_max_lag_ms), "5000", 0, 3600000,
      "How many milliseconds a standby may be behind before the workers give way. 0: it does not "
      "matter.",
      NULL },
    { "batch", JT_CONF_NUMBER, JT_CONF_AT(retirement_batch), "500", 1, 10000,
      "How many rows a retirement moves in one transaction.", NULL },
};

const struct jt_conf_table jt_conf_retirement = { "retirement",
                                                  "How fast a retirement moves cards.", options,
                                                  sizeof options / sizeof options[0] };
