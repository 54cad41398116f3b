/* SPDX-License-Identifier: Apache-2.0 */
/* Section [audit]: how long the audit trail is kept, and where its heads are told outside. */
#include "base/syslog.h"
#include "options/tables.h"

static const char *check_collector(const char *value)
{
    return value[0] == '\0' ? NULL : jt_syslog_check(value);
}

static const struct jt_conf_option options[] = {
    { "heads_file", JT_CONF_TEXT, JT_CONF_AT(audit_heads_file), "", 0, JT_CONF_MAX_TEXT,
      "File to which jetond appends the heads of its audit chains, once a minute and when it "
      "stops. Empty: they stand in its log only.",
      NULL },
    { "heads_syslog", JT_CONF_TEXT, JT_CONF_AT(audit_heads_syslog), "", 0, JT_CONF_MAX_TEXT,
      "A collector of logs to which jetond sends the same heads, as HOST:PORT: syslog messages of "
      "RFC 5424 over TCP. Empty: none.",
      check_collector },
    { "retention_months", JT_CONF_NUMBER, JT_CONF_AT(audit_retention_months), "12", 0, 1200,
      "How many whole months the rows of the audit trail are kept after their own. 0: for ever.",
      NULL },
};

const struct jt_conf_table jt_conf_audit = { "audit", "The audit trail.", options,
                                             sizeof options / sizeof options[0] };
