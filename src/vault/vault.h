/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all threads of one front share: configuration, identity, counters, and what is known of the
 * ring. Everything else belongs to one thread: an event loop (vault/lanes.h), a worker
 * (vault/workers.h) or a background duty (vault/duty.h).
 *
 * Made before the threads start and freed after they have ended.
 */
#ifndef JETON_VAULT_VAULT_H
#define JETON_VAULT_VAULT_H

#include "base/clock.h"
#include "base/latency.h"
#include "model/keyref.h"
#include "model/node.h"
#include "options/conf.h"
#include "store/tally.h"
#include "vault/counters.h"
#include "vault/course.h"
#include "vault/held_use.h"
#include "vault/numeric.h"
#include "vault/sets.h"
#include "vault/trail.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Whether the keeper mints ids, and why not. */
enum jt_mint {
    JT_MINT_NOT_YET,
    JT_MINT_READY,
    JT_MINT_AHEAD,   /* the newest id lies far ahead of the clock: an operator's word is needed */
    JT_MINT_PLANTED, /* the newest rows do not open */
};

#define JT_VAULT_LOOPS 64 /* at most */

struct jt_vault {
    const struct jt_conf *conf;
    /* Name and incarnation, which never change. The number is in `number`: it is given out when the
     * node registers, and may be another later. */
    struct jt_node_spec node;
    _Atomic uint8_t number; /* 0: none yet */
    int64_t started_ms;
    struct jt_counters counters;
    struct jt_workers *workers;
    struct jt_membership *membership;
    struct jt_delivery *delivery;
    struct jt_retirer *retirer;
    struct jt_failures *failures;
    struct jt_holders *holders;
    struct jt_sets sets; /* clients and fields that stand */
    struct jt_lockout *lockout;
    struct jt_budgets *budgets;
    struct jt_brakes *brakes;
    struct jt_marked *marked;
    struct jt_held_use held_use;
    struct jt_trail trail;
    struct jt_numeric numeric;
    struct jt_front_course course;

    /*
     * Written by whoever last made the keeper accept a ring; hints for readiness and status, never
     * a guard.
     */
    _Atomic uint64_t ring_epoch;
    _Atomic uint64_t active_generation; /* 0: none */
    _Atomic int mint;                   /* enum jt_mint */
    _Atomic bool directory_good;        /* the keeper's, as its STATUS said to the last heartbeat */
    /* the tables were what the migrations made when they were last looked at (store/shape.h) */
    _Atomic bool in_shape;
    _Atomic bool faulty;  /* transactions of cards failed, and not in passing (vault/verdict.h) */
    _Atomic bool held_up; /* a transaction takes long: is a front stopped? (vault/lanes.c) */
    _Atomic bool registered;      /* this node's row stands in the database */
    _Atomic int unregistered_why; /* enum jt_err of the last heartbeat; a hint */
    /* Cards are served until then, by jt_clock_ms: vault/lease.h. */
    _Atomic int64_t leased_until_ms;
    _Atomic bool custody_wrong; /* the database has other custodians: vault/custody.h */
    _Atomic bool keys_held;     /* the keeper holds every key that it should: vault/delivery.h */
    /*
     * Of vault/holders.h: places that have the service root, 0: not known yet; future and live
     * generations that are in no backup; when a backup was opened last, 0: never.
     */
    _Atomic uint32_t root_holders, backup_lacks;
    _Atomic uint32_t backups_false; /* rows of table backup that were told to the log */
    _Atomic uint64_t backup_verified_s;
    /* the database's clock less this machine's, at the last heartbeat: by it lifetimes end */
    _Atomic int64_t clock_ahead_us;
    /* of applications, that keep a generation from retiring: as the retirer saw it last */
    _Atomic uint32_t columns_waiting;
    _Atomic uint32_t key_ids_taken;   /* of JT_KEY_IDS, in the database */
    _Atomic uint64_t purge_overdue_s; /* of the card that has waited longest for its removal */
    _Atomic bool stopping;            /* the process ends soon: it still serves, and is not ready */
    /* key ids of rows that no live generation accounts for (vault/strays.h) */
    _Atomic uint8_t strays[JT_KEY_ID_SET_LEN];
    /* batches of each loop's lanes that answer somebody, and are not large ones */
    struct jt_latency foreground[JT_VAULT_LOOPS];
    jt_figure n_foreground[JT_VAULT_LOOPS]; /* batches, large ones too, which are not in there */
    int n_loops;
    /* those with all their connections: a load balancer asks one loop, its traffic comes to all */
    _Atomic int n_loops_up;
};

/* Whether cards are served: the lease runs. */
static inline bool jt_vault_leased(struct jt_vault *vault)
{
    return jt_clock_ms() < atomic_load(&vault->leased_until_ms);
}

/* The row of the tally of this node's `n`th writer: store/tally.h. */
static inline uint32_t jt_vault_writer(struct jt_vault *vault, uint32_t n)
{
    return jt_tally_writer(atomic_load(&vault->number), n);
}

/* How long one call to the keeper and one transaction may take before they count as lost. */
#define JT_KEEPER_TIMEOUT_MS 5000
#define JT_TXN_TIMEOUT_MS    10000
/* The same for one statement of a worker or the heartbeat. */
#define JT_STATEMENT_TIMEOUT_MS 5000

#endif
