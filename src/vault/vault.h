/*
 * What all threads of one front share: configuration, identity, counters, and what is known of the ring. Everything else belongs to
 * one thread: an event loop (vault/lanes.h), a worker (vault/workers.h) or the retirement job (vault/retire.h).
 *
 * Made before the threads start and freed after they have ended.
 */
#ifndef JETON_VAULT_VAULT_H
#define JETON_VAULT_VAULT_H

#include "base/conf.h"
#include "store/nodes.h"
#include "vault/counters.h"

#include <stdatomic.h>
#include <stdbool.h>

struct jt_vault {
    const struct jt_conf *conf;
    struct jt_node node;
    int64_t started_ms;
    struct jt_counters counters;
    struct jt_workers *workers;
    struct jt_retirer *retirer;

    /* Written by whoever last made the keeper accept a ring; hints for readiness and status, never a guard. */
    _Atomic uint64_t ring_epoch;
    _Atomic uint64_t active_generation; /* 0: none */
    _Atomic bool registered; /* this node's row stands in the database */
    int n_loops;
    _Atomic int n_loops_up; /* those with all their connections: a load balancer asks one loop, its traffic comes to all */
};

/* How long one call to the keeper and one transaction may take before they count as lost. */
#define JT_KEEPER_TIMEOUT_MS 5000
#define JT_TXN_TIMEOUT_MS 10000
/* The same for one statement of a worker or the heartbeat. */
#define JT_STATEMENT_TIMEOUT_MS 5000

#endif
