/* SPDX-License-Identifier: Apache-2.0 */
/* Section [database]: where the cards are. */
#include "options/tables.h"

static const struct jt_conf_option options[] = {
    { "conninfo", JT_CONF_TEXT, JT_CONF_AT(database_conninfo), "dbname=jeton", 0, JT_CONF_MAX_TEXT,
      "libpq connection string", NULL },
};

const struct jt_conf_table jt_conf_database = { "database", options,
                                                sizeof options / sizeof options[0] };
