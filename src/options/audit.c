/* SPDX-License-Identifier: Apache-2.0 */
/* Section [audit]: where the heads of the audit trail are kept outside of the database. */
#include "options/tables.h"

static const struct jt_conf_option options[] = {
    { "heads_file", JT_CONF_TEXT, JT_CONF_AT(audit_heads_file), "", 0, JT_CONF_MAX_TEXT,
      "File to which jetond appends the heads of its audit chains, once a minute and when it "
      "stops. Empty: they stand in its log only.",
      NULL },
};

const struct jt_conf_table jt_conf_audit = { "audit", "The audit trail.", options,
                                             sizeof options / sizeof options[0] };
