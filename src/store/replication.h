/* SPDX-License-Identifier: Apache-2.0 */
/* How far the standbys of this server are behind. */
#ifndef JETON_STORE_REPLICATION_H
#define JETON_STORE_REPLICATION_H

#include "store/db.h"

struct jt_replication {
    uint64_t n_seen;   /* standbys whose state the role may see */
    uint64_t n_hidden; /* others: it needs pg_read_all_stats */
    /* what the server says of the slowest one: nothing of one that never got anywhere, 0 */
    int64_t lag_ms;
    uint64_t lsn;      /* where the server's WAL is */
    uint64_t replayed; /* and how much of it every standby has replayed */
};

/* Zeroes on failure. */
enum jt_err jt_replication_look(struct jt_db *db, struct jt_replication *out) JT_CHECKED;

#endif
