/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables write_off, write_off_approval and quarantine: what is carried between custodians and
 * keepers until cards that nobody can open are out of the vault, and what is left of them.
 * Requests, lists and warrants are bytes that a keeper vouches for; nothing here is believed.
 */
#ifndef JETON_STORE_WRITEOFFS_H
#define JETON_STORE_WRITEOFFS_H

#include "model/writeoff.h"
#include "store/approvals.h"
#include "store/audit.h"
#include "store/cards.h"

struct jt_writeoff_row {
    uint64_t generation;
    uint32_t number;
    size_t request_len, warrant_len; /* of the warrant 0: it is not carried out */
    uint8_t request[JT_WRITEOFF_BODY_MAX + JT_ROW_MAC_LEN];
    uint8_t warrant[JT_WRITEOFF_WARRANT_MAX];
    char requested_at[JT_TIME_LEN], requested_by[JT_ACTOR_MAX + 1];
    char done_at[JT_TIME_LEN]; /* empty: not yet */
    uint32_t n_moved;
};

/* That one, or with `number` 0 the newest of the generation. JT_ERR_NO_WRITE_OFF. */
enum jt_err jt_writeoff_get(struct jt_db *db, uint64_t generation, uint32_t number,
                            struct jt_writeoff_row *out) JT_CHECKED;

/* Those of the generation, ascending; at most JT_WRITEOFF_MAX + 1. */
typedef void jt_writeoff_fn(void *arg, const struct jt_writeoff_row *row);
enum jt_err jt_writeoffs_each(struct jt_db *db, uint64_t generation, jt_writeoff_fn *each,
                              void *arg) JT_CHECKED;

/* The bytes of its list, behind what is in `out`. JT_ERR_NO_WRITE_OFF. */
enum jt_err jt_writeoff_read_list(struct jt_db *db, uint64_t generation, uint32_t number,
                                  struct jt_buf *out) JT_CHECKED;

/*
 * Stores a request with its audit row, in the place of the one that is not carried out, if there is
 * such, whose approvals go. JT_ERR_DB_DUPLICATE: somebody else was first.
 */
enum jt_err jt_writeoff_put(struct jt_db *db, const struct jt_writeoff_row *row,
                            const struct jt_buf *list, const struct jt_act *act) JT_CHECKED;

/*
 * Stores one, with its audit row, for that very request. JT_ERR_NO_WRITE_OFF: another stands there
 * by now, or it is carried out.
 */
enum jt_err jt_writeoff_add_approval(struct jt_db *db, const struct jt_writeoff_row *row,
                                     const struct jt_approval *approval,
                                     const struct jt_act *act) JT_CHECKED;

/*
 * Carries it out, in one transaction under the ring rule: the cards of the list that stand as they
 * are listed go to quarantine, with audit rows, one a field; *n_moved of them. One that is carried
 * out already is success. JT_ERR_RING_MOVED.
 */
struct jt_writeoff_txn {
    uint64_t epoch;        /* of the keeper's ring, with the warrant */
    struct jt_keyref from; /* the draining generation */
    uint32_t number, writer;
    const struct jt_card_row *rows; /* of the list, ascending by bucket and id */
    const uint8_t *causes;          /* of each: enum jt_stuck_cause */
    size_t n;
    const uint8_t *warrant;
    size_t warrant_len;
};
enum jt_err jt_writeoff_carry_out(struct jt_db *db, const struct jt_node_spec *node,
                                  const struct jt_writeoff_txn *txn, const struct jt_act *act,
                                  size_t *n_moved) JT_CHECKED;

#endif
