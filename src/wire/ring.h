/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring row: which generations exist in which state, under one epoch. Canonical bytes, MACed by
 * a keeper, kept in the database (table ring) and in every keeper's state file.
 *
 * Body: u8 format = 2, u8 environment, u64 epoch, u64 highest generation number ever in the ring, 8
 * bytes check value of the service root, u16 count, then for each generation, ascending by number:
 * u64 number, u8 key id, u8 state, u8 flags (bit 0: compromised), 8 bytes check value. Generations
 * that are future or destroyed are not listed. The MAC is CMAC under mac/state of a domain byte and
 * the body (see docs/keeper-protocol.md).
 */
#ifndef JETON_WIRE_RING_H
#define JETON_WIRE_RING_H

#include "base/buf.h"
#include "wire/generation.h"
#include "wire/limits.h"

/*
 * Generations listed: live ones and retired ones not yet destroyed. As many as there are key ids,
 * which are distinct within a ring: it is key ids that run out.
 */
#define JT_RING_MAX      255
#define JT_RING_BODY_MAX (28 + 19 * JT_RING_MAX)

/* The environment byte of rings, key files and state files. */
enum jt_environment { JT_ENVIRONMENT_DEVELOPMENT = 1, JT_ENVIRONMENT_PRODUCTION = 2 };

/* NIST SP 800-57 part 1 section 7: pre-activation, active, deactivated, deactivated, destroyed. */
enum jt_generation_state {
    JT_GENERATION_FUTURE = 1,
    JT_GENERATION_ACTIVE,
    JT_GENERATION_DRAINING,
    JT_GENERATION_RETIRED,
    JT_GENERATION_DESTROYED,
};

/* "future", "active", "draining", "retired", "destroyed"; "unknown" for anything else. */
const char *jt_generation_state_name(enum jt_generation_state state);

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
    uint64_t highest;
    /* of the service root under which everything is MACed */
    uint8_t root_check_value[JT_CHECK_VALUE_LEN];
    uint16_t n;
    struct jt_ring_entry entries[JT_RING_MAX];
};

/* The MACed bytes as they stand in the database. */
struct jt_ring_row {
    uint64_t epoch; /* repeated from the body, for SQL */
    size_t body_len;
    uint8_t body[JT_RING_BODY_MAX];
    uint8_t mac[JT_ROW_MAC_LEN];
};

void jt_ring_encode(const struct jt_ring *ring, struct jt_buf *out);

/*
 * Refuses anything but the canonical form (JT_ERR_INVALID): numbers strictly ascending and at most
 * `highest`, key ids distinct, at most one active generation, at most JT_WIRE_MAX_DRAINING draining
 * ones, epoch 1 or more. `body` does not have to be authentic.
 */
enum jt_err jt_ring_decode(const void *body, size_t len, struct jt_ring *out) JT_CHECKED;

/* The entry of a generation, or NULL. */
const struct jt_ring_entry *jt_ring_find(const struct jt_ring *ring, uint64_t number);

/* The one active generation, or NULL. */
const struct jt_ring_entry *jt_ring_active(const struct jt_ring *ring);

/* The row in a message; decoding leaves what follows unread and does not look into the body. */
void jt_ring_row_encode(const struct jt_ring_row *row, struct jt_buf *out);
enum jt_err jt_ring_row_decode(struct jt_reader *in, struct jt_ring_row *row) JT_CHECKED;

/* Verb RING_PROPOSE: see jt_keyclient_wait_ring_propose. */
struct jt_ring_propose {
    struct jt_ring_row current;
    struct jt_generation_row generation;
    uint8_t target; /* enum jt_generation_state */
};

struct jt_ring_proposal {
    struct jt_ring_row next;
    size_t n_rows; /* 1 or 2 */
    /* each generation whose state changes, in its new state; the one asked for first */
    struct jt_generation_row rows[2];
};

void jt_ring_propose_encode(const struct jt_ring_propose *propose, struct jt_buf *out);
enum jt_err jt_ring_propose_decode(struct jt_reader *in,
                                   struct jt_ring_propose *propose) JT_CHECKED;
void jt_ring_proposal_encode(const struct jt_ring_proposal *proposal, struct jt_buf *out);
enum jt_err jt_ring_proposal_decode(struct jt_reader *in,
                                    struct jt_ring_proposal *proposal) JT_CHECKED;

/* The reply to RING_ACCEPT: see jt_keyclient_wait_ring_accept. */
void jt_ring_accepted_encode(bool joined, struct jt_buf *out);
enum jt_err jt_ring_accepted_decode(struct jt_reader *in, bool *joined) JT_CHECKED;

#endif
