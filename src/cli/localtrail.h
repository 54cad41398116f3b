/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail of a command that writes to the database itself, with a keeper of its own. */
#ifndef JETON_CLI_LOCALTRAIL_H
#define JETON_CLI_LOCALTRAIL_H

#include "keyclient/keyclient.h"
#include "model/sizes.h"
#include "store/db.h"

struct jt_localtrail {
    struct jt_db *db;
    struct jt_keyclient *keeper;
};

/*
 * From now on the connection `trail->db` writes its audit rows to one chain, under a start of no
 * node. The row of the start comes in the transaction of the first link, so that a command that
 * changes nothing leaves no start. `trail` and what it refers to outlive the use of the connection.
 */
void jt_localtrail(struct jt_localtrail *trail);

#endif
