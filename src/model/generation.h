/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations of keys: their states, the row that a keeper MACs at each change of state, and the
 * proof that a node holds the key.
 */
#ifndef JETON_MODEL_GENERATION_H
#define JETON_MODEL_GENERATION_H

#include "model/keyref.h"
#include "model/sizes.h"

#include <stdint.h>

/* The numbers of the states, as macros for SQL text as well (store/sql.h). They are stored. */
#define JT_STATE_FUTURE    1
#define JT_STATE_ACTIVE    2
#define JT_STATE_DRAINING  3
#define JT_STATE_RETIRED   4
#define JT_STATE_DESTROYED 5

/* NIST SP 800-57 part 1 section 7: pre-activation, active, deactivated, deactivated, destroyed. */
enum jt_generation_state {
    JT_GENERATION_FUTURE = JT_STATE_FUTURE,
    JT_GENERATION_ACTIVE = JT_STATE_ACTIVE,
    JT_GENERATION_DRAINING = JT_STATE_DRAINING,
    JT_GENERATION_RETIRED = JT_STATE_RETIRED,
    JT_GENERATION_DESTROYED = JT_STATE_DESTROYED,
};

struct jt_generation_row {
    uint64_t number;
    uint8_t key_id;
    uint8_t state; /* enum jt_generation_state */
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint64_t mac_epoch; /* the epoch at which it came into this state */
    uint8_t mac[JT_ROW_MAC_LEN];
};

#define JT_PLAN_REASON_MAX 127 /* bytes */

/* When a future generation is to become active by itself; covered by a keeper's MAC. */
struct jt_generation_plan {
    uint64_t adopt_at_us;                         /* since 1970; 0: it has no date */
    char holder_override[JT_PLAN_REASON_MAX + 1]; /* why one durable holder is enough; or empty */
    uint8_t mac[JT_ROW_MAC_LEN];
};

/*
 * Proof that one run of one node's keeper holds a generation's key: CMAC under the generation's
 * `ack` key of all of it.
 */
struct jt_ack {
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t incarnation[JT_INCARNATION_LEN]; /* the keeper's start incarnation */
    uint8_t challenge[JT_CHALLENGE_LEN];
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* "future", "active", "draining", "retired", "destroyed"; "unknown" for anything else. */
const char *jt_generation_state_name(enum jt_generation_state state);

#endif
