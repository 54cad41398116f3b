/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other nodes of the database, as this one sees them: their rows are shown to the keeper, which
 * remembers up to which time ids may have been minted under each number; how many of them live is
 * what rates are shared by.
 */
#ifndef JETON_VAULT_NEIGHBOURS_H
#define JETON_VAULT_NEIGHBOURS_H

#include "store/node_list.h"
#include "vault/workers.h"

/* What the keeper was shown last, so that it is asked only where something changed. */
struct jt_neighbours {
    struct jt_node_rows rows, shown;
    uint8_t keeper[JT_INCARNATION_LEN]; /* to which it was shown */
    bool told_forged;
};

/*
 * Reads the rows and shows them to the keeper where they are not those of the last time. A row that
 * no keeper made is told to the log, once. The class REPEAT.
 */
enum jt_err jt_neighbours_show(struct jt_neighbours *n, struct jt_work_ctx *ctx) JT_CHECKED;

#endif
