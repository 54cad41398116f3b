/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: which generations exist in which state, under one epoch. Its row holds it as canonical
 * bytes (wire/ring.h), MACed by a keeper; it stands in the database (table ring) and in every
 * keeper's state file. Generations that are future or destroyed are not listed.
 */
#ifndef JETON_MODEL_RING_H
#define JETON_MODEL_RING_H

#include "model/generation.h"
#include "model/sizes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Generations listed: live ones and retired ones not yet destroyed. As many as there are key ids,
 * which are distinct within a ring: it is key ids that run out.
 */
#define JT_KEY_IDS           255
#define JT_KEY_IDS_WARN      200 /* so many taken, and operators are told */
#define JT_RING_MAX          JT_KEY_IDS
#define JT_RING_MAX_DRAINING 8 /* at one time, by rolls; a recovery may make one more of it */
#define JT_RING_MAX_LIVE     (1 + JT_RING_MAX_DRAINING + 1)

/*
 * The steps from one ring to the next (verb RING_PROPOSE). Three bear the number of the state that
 * they lead to.
 */
enum jt_ring_step_kind {
    JT_RING_ACTIVATE = JT_STATE_ACTIVE,   /* a future generation; the active one drains */
    JT_RING_RETIRE = JT_STATE_RETIRED,    /* a draining one */
    JT_RING_DESTROY = JT_STATE_DESTROYED, /* a retired one leaves the ring */
    JT_RING_COMPROMISE = 6,               /* marks a draining or retired one as compromised */
    JT_RING_REPLACE = 7,                  /* activates; the one that was active is compromised */
};

/* The canonical bytes: what comes before the entries, and each of them. */
#define JT_RING_HEAD_LEN  (1 + 1 + 8 + 8 + JT_CHECK_VALUE_LEN + 2)
#define JT_RING_ENTRY_LEN (8 + 1 + 1 + 1 + JT_CHECK_VALUE_LEN)
#define JT_RING_BODY_MAX  (JT_RING_HEAD_LEN + JT_RING_ENTRY_LEN * JT_RING_MAX)

/* The environment byte of rings, key files and state files. */
enum jt_environment { JT_ENVIRONMENT_DEVELOPMENT = 1, JT_ENVIRONMENT_PRODUCTION = 2 };

struct jt_ring_entry {
    uint64_t number;
    uint8_t key_id;
    uint8_t state; /* enum jt_generation_state */
    bool compromised;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
};

struct jt_ring {
    bool development;
    uint64_t epoch;
    uint64_t highest; /* generation number ever in the ring */
    /* of the service root under which everything is MACed */
    uint8_t root_check_value[JT_CHECK_VALUE_LEN];
    uint16_t n;
    struct jt_ring_entry entries[JT_RING_MAX]; /* ascending by number */
};

/* The MACed bytes as they stand in the database. */
struct jt_ring_row {
    uint64_t epoch; /* repeated from the body, for SQL */
    size_t body_len;
    uint8_t body[JT_RING_BODY_MAX];
    uint8_t mac[JT_ROW_MAC_LEN];
};

/*
 * Whether it is a ring at all: epoch 1 or more, numbers strictly ascending and at most `highest`,
 * key ids distinct and not 0, states that a ring lists, at most one active generation, fewer than
 * JT_RING_MAX_LIVE draining ones. `n` is at most JT_RING_MAX.
 */
bool jt_ring_valid(const struct jt_ring *ring);

/* The entry of a generation, or NULL. */
const struct jt_ring_entry *jt_ring_find(const struct jt_ring *ring, uint64_t number);

/* The one active generation, or NULL. */
const struct jt_ring_entry *jt_ring_active(const struct jt_ring *ring);

#endif
