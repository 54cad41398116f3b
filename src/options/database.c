/* SPDX-License-Identifier: Apache-2.0 */
/* Section [database]: where the cards are. */
#include "options/tables.h"

static const struct jt_conf_option options[] = {
    { "conninfo", JT_CONF_HIDDEN, JT_CONF_AT(database_conninfo), "dbname=jeton", 0,
      JT_CONF_MAX_TEXT, "The libpq connection string of the database.", NULL },
};

const struct jt_conf_table jt_conf_database = { "database", "Where the cards are.", options,
                                                sizeof options / sizeof options[0] };
