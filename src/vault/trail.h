/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail of this front: its start, and where each of its chains stands.
 *
 * A chain belongs to one writer (a lane, a worker, a duty), which takes a number for its connection
 * once. The start is opened by the membership when the node has its place, and again only when the
 * database has lost it. From then on chains of the old start are given up, and begin anew under the
 * new one.
 */
#ifndef JETON_VAULT_TRAIL_H
#define JETON_VAULT_TRAIL_H

#include "store/chain.h"

#include <pthread.h>
#include <stdatomic.h>

struct jt_work_ctx;

/* Where a chain stood when its last link was confirmed. */
struct jt_trail_place {
    uint64_t number;
    uint8_t head[JT_ROW_MAC_LEN];
    uint8_t running[JT_AUDIT_DIGEST_LEN];
    bool told; /* what is here has been told outside */
};

struct jt_trail {
    pthread_mutex_t mutex;
    _Atomic uint32_t start; /* 0: not opened yet */
    uint8_t mac[JT_ROW_MAC_LEN];
    uint16_t n_connections;
    struct jt_trail_place places[JT_AUDIT_ENDS_MAX];
};

void jt_trail_init(struct jt_trail *trail);
void jt_trail_clear(struct jt_trail *trail);

/* A number for one more connection. JT_ERR_LIMIT. */
enum jt_err jt_trail_connect(struct jt_trail *trail, uint16_t *connection) JT_CHECKED;

/*
 * Makes the chain one of the present start, if it is not; then *begun: its first link comes next.
 * JT_ERR_TRAIL_CLOSED: there is no start yet.
 */
enum jt_err jt_trail_ready(struct jt_trail *trail, struct jt_chain *chain, uint16_t connection,
                           bool *begun) JT_CHECKED;

/* A link of the chain was confirmed. */
void jt_trail_stands(struct jt_trail *trail, const struct jt_chain *chain);

/* Opens the start, unless it stands. */
enum jt_err jt_trail_open(struct jt_work_ctx *ctx) JT_CHECKED;

#endif
