/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keeper remembers over restarts, in the file `state` (docs/key-files.md): the highest epoch
 * and generation number it has ever seen, the last ring it has accepted, its node number, the
 * newest sets of clients and fields that it was shown, and up to which time it may have minted ids.
 * It is MACed under mac/state. By it a keeper notices a database that went back, and gives no id
 * twice. So a keeper that has a service root does not start without it.
 *
 * File: magic "JTKSTATE", u8 format = 8, u8 environment, u8 node number (0: none yet), u8 0 or 1
 * (forked), u64 highest epoch, u64 highest generation number, u64 id mark (milliseconds since 2020:
 * ids of any time up to and including this one may have been minted), for the set of clients and
 * the set of fields: u64 version and the set row's MAC (16) as seen last; u64 version at which an
 * operator was revoked last; u64 cards opened ever, u32 day since 1970-01-01, u64 cards opened on
 * it, all three written ahead (keeper/ceiling.h); u64 the generation that is active and u64
 * messages sealed under it, written ahead (keeper/sealcount.h); u64 mark, u64 system identifier and
 * u32 timeline of the database of numeric tokens (0: none yet); u8 n, then n times u8 node number
 * and u64 mark, ascending by number (keeper/nodemarks.h); the course of the database
 * (wire/course.h; system identifier 0: none seen yet); u16 length of the ring's body (0: no ring
 * accepted yet), body, the ring's MAC (16; zeroes without a ring), MAC of all before (16).
 *
 * Format 7 has a zero for `forked`, format 6 no course either, format 5 no marks of nodes, format 4
 * no count of messages sealed and no mark of numeric tokens, and format 3 no count of cards opened.
 * All are read, and what they do not have begins then.
 */
#ifndef JETON_KEEPER_STATE_H
#define JETON_KEEPER_STATE_H

#include "keeper/ceiling.h"
#include "keeper/root.h"
#include "keeper/sealcount.h"
#include "base/fault.h"
#include "wire/course.h"
#include "wire/numeric.h"
#include "wire/ring.h"

/* The highest version of a set that was seen (keeper/setrule.h); 0: none yet. */
struct jt_seen_set {
    uint64_t version;
    uint8_t mac[JT_ROW_MAC_LEN]; /* of its row */
};

struct jt_keeper_state {
    bool development;
    uint64_t highest_epoch;
    uint64_t highest_generation;
    uint8_t node;                   /* 0: none yet */
    uint64_t id_mark;               /* keeper/idmint.h */
    uint64_t node_marks[256];       /* by node number: keeper/nodemarks.h; 0: none known */
    struct jt_seen_set seen[2];     /* by enum jt_set_kind, less 1 */
    uint64_t operators_revoked;     /* the highest `operators` of a set of clients that was seen */
    struct jt_opened opened;        /* or less: it is written ahead */
    struct jt_sealed_under sealed;  /* the same */
    struct jt_numeric_mark numeric; /* keeper/op_numeric_mark.c; system identifier 0: none yet */
    /* as it was seen last, and so ahead of the file: keeper/course.h */
    struct jt_course course;
    bool forked;             /* a database of that timeline whose log was shorter was shown since */
    struct jt_ring_row ring; /* body_len 0: none */
};

/* Durable when it returns. */
enum jt_err jt_state_save(int dir_fd, const struct jt_root *root,
                          const struct jt_keeper_state *state) JT_CHECKED;

/*
 * Reads and checks; *ring is the decoded ring, epoch 0 when there is none. JT_ERR_NO_FILE,
 * JT_ERR_FILE_ALTERED (altered or another service root's), JT_ERR_FILE_UNSAFE,
 * JT_ERR_FILE_FOREIGN (other environment), JT_ERR_IO.
 */
enum jt_err jt_state_load(int dir_fd, const struct jt_root *root, bool development,
                          struct jt_keeper_state *state, struct jt_ring *ring,
                          struct jt_fault *fault) JT_CHECKED;

/* The marks of nodes, as state files and escrow files have them; decoding marks `in` bad. */
void jt_state_marks_encode(const struct jt_keeper_state *state, struct jt_buf *out);
void jt_state_marks_decode(struct jt_reader *in, struct jt_keeper_state *state);

/*
 * Checks a ring row's MAC, form and environment and decodes it. JT_ERR_FORGED when it is not a
 * keeper's word for this environment.
 */
enum jt_err jt_state_ring_authentic(const struct jt_root *root, bool development,
                                    const struct jt_ring_row *row, struct jt_ring *ring) JT_CHECKED;

#endif
