/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds which key: the questions of nodes that want a generation adopted (table `adoption`),
 * and the answers (`key_ack`), of each node for each asker the newest. Nothing here is believed: an
 * answer counts when the asker's keeper has checked it against its own challenge
 * (model/generation.h and vault/adoption.h).
 */
#ifndef JETON_STORE_ACKS_H
#define JETON_STORE_ACKS_H

#include "model/generation.h"
#include "model/node.h"
#include "store/db.h"

/* --- for who asks --- */

/* Asks all nodes; takes the place of the asker's older question about the generation. */
enum jt_err jt_adoption_ask(struct jt_db *db, uint64_t generation, const char *asker,
                            const uint8_t challenge[static JT_CHALLENGE_LEN]) JT_CHECKED;

/* The challenge of the asker's question. JT_ERR_NO_ROW: it is gone. */
enum jt_err jt_adoption_challenge(struct jt_db *db, uint64_t generation, const char *asker,
                                  uint8_t challenge[static JT_CHALLENGE_LEN]) JT_CHECKED;

/* Each node that there is, and its answer, if there is one. */
struct jt_ack_seen {
    struct jt_node_row node;
    bool answered;
    struct jt_ack ack;
};
typedef void jt_ack_seen_fn(void *arg, const struct jt_ack_seen *seen);

enum jt_err jt_acks_read(struct jt_db *db, uint64_t generation, const char *asker,
                         jt_ack_seen_fn *each, void *arg) JT_CHECKED;

/* --- for who answers --- */

#define JT_ADOPTIONS_MAX 32 /* looked at at one time */

struct jt_adoption {
    uint64_t generation;
    char asker[JT_NODE_NAME_MAX + 1];
    uint8_t challenge[JT_CHALLENGE_LEN];
};

/*
 * Questions of the last minute that `node`, whose keeper's start is `keeper`, has not answered yet;
 * the next JT_ADOPTIONS_MAX behind `after`, from which they go on when they were all.
 */
enum jt_err jt_adoptions_open(struct jt_db *db, const char *node,
                              const uint8_t keeper[static JT_INCARNATION_LEN],
                              const struct jt_adoption *after, struct jt_adoption *out,
                              size_t *n) JT_CHECKED;

/* Takes the place of the node's older one for that asker. JT_ERR_DB_REFUSED: no such generation. */
enum jt_err jt_ack_insert(struct jt_db *db, uint64_t generation, const char *asker,
                          const struct jt_ack *ack) JT_CHECKED;

/*
 * The future and live generations of which no acknowledgement of this run of the node's keeper
 * stands: they are to be told, so that operators see who holds what.
 */
enum jt_err jt_acks_wanted(struct jt_db *db, const char *node,
                           const uint8_t keeper[static JT_INCARNATION_LEN], uint64_t *numbers,
                           size_t max, size_t *n) JT_CHECKED;

/* Removes questions that nobody waits for any more, and answers about generations that have ended.
 */
enum jt_err jt_adoptions_sweep(struct jt_db *db) JT_CHECKED;

/* --- for operators --- */

/*
 * Of each future and live generation and each node, whether an acknowledgement of the present run
 * of its keeper stands: the database's word, ascending by generation and then by node number.
 */
typedef void jt_ack_standing_fn(void *arg, uint64_t generation, const char *node, bool stands);
enum jt_err jt_acks_standing(struct jt_db *db, jt_ack_standing_fn *each, void *arg) JT_CHECKED;

#endif
