/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolling the first custodians of an installation, with a keeper of one command. */
#ifndef JETON_CLI_ENROLL_H
#define JETON_CLI_ENROLL_H

#include "keyclient/keyclient.h"
#include "model/custodian.h"
#include "store/db.h"

/* JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_enroll(struct jt_db *db, struct jt_keyclient *keeper, const struct jt_custodian_set *set,
              const char *actor);

#endif
