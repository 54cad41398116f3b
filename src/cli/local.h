/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands share that run a keeper of their own on the keeper's directory and write to the
 * database: who does it, by the audit trail, and whether the two belong together.
 */
#ifndef JETON_CLI_LOCAL_H
#define JETON_CLI_LOCAL_H

#include "keyclient/keyclient.h"
#include "model/sizes.h"
#include "store/db.h"

/* "local:", the user who runs the command, and in parentheses who that is. */
void jt_local_actor(char out[static JT_ACTOR_MAX + 1]);

/* Whether the keeper serves that database. JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_local_database(struct jt_db *db, struct jt_keyclient *keeper);

#endif
