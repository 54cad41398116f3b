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
#include "model/ring.h"
#include "wire/course.h"
#include "wire/generation.h"

void jt_ring_encode(const struct jt_ring *ring, struct jt_buf *out);

/*
 * Refuses anything but the canonical form (JT_ERR_INVALID): a ring that jt_ring_valid takes, and no
 * byte behind it. `body` does not have to be authentic.
 */
enum jt_err jt_ring_decode(const void *body, size_t len, struct jt_ring *out) JT_CHECKED;

/* The row in a message; decoding leaves what follows unread and does not look into the body. */
void jt_ring_row_encode(const struct jt_ring_row *row, struct jt_buf *out);
enum jt_err jt_ring_row_decode(struct jt_reader *in, struct jt_ring_row *row) JT_CHECKED;

/* Verb RING_PROPOSE: see jt_keyclient_wait_ring_propose. */
struct jt_ring_propose {
    struct jt_ring_row current;
    struct jt_generation_row generation;
    uint8_t step;               /* enum jt_ring_step_kind */
    uint64_t system_identifier; /* of JT_RING_DESTROY only: the database as it is now */
    uint32_t timeline;
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

/*
 * Verb RING_ACCEPT: a ring row, and the course of the database that it was read from in the same
 * statement. Without one where it was read in no database that is worked with: right after it was
 * written, or for one command.
 */
struct jt_ring_shown {
    struct jt_ring_row row;
    bool has_course;
    struct jt_course course;
};
void jt_ring_shown_encode(const struct jt_ring_shown *shown, struct jt_buf *out);
enum jt_err jt_ring_shown_decode(struct jt_reader *in, struct jt_ring_shown *shown) JT_CHECKED;

/* The reply to RING_ACCEPT: see jt_keyclient_wait_ring_accept. */
void jt_ring_accepted_encode(bool joined, struct jt_buf *out);
enum jt_err jt_ring_accepted_decode(struct jt_reader *in, bool *joined) JT_CHECKED;

#endif
