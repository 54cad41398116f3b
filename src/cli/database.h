/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the set-up commands share: the configuration file and a database connection, with their
 * complaints.
 */
#ifndef JETON_CLI_DATABASE_H
#define JETON_CLI_DATABASE_H

#include "cli/command.h"
#include "options/conf.h"
#include "store/db.h"

/* JT_EXIT_OK, or JT_EXIT_CONFIG after a message. */
int jt_load_conf(const struct jt_cli *cli, struct jt_conf *out);

/*
 * Connects. JT_EXIT_OK, or JT_EXIT_UNAVAILABLE, JT_EXIT_CONFIG or JT_EXIT_FAILED after a message.
 */
int jt_open_database(const struct jt_conf *conf, struct jt_db **out);

/* Tells that `what` failed in the database and returns the exit code. */
int jt_database_complain(const struct jt_db *db, const char *what, enum jt_err err);

#endif
