/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables recovery, recovery_approval and keeper_view: what is carried between keepers and
 * custodians while a database that went back is refused. Requests, words and views are bytes that a
 * keeper has MACed; nothing here is believed.
 */
#ifndef JETON_STORE_RECOVERIES_H
#define JETON_STORE_RECOVERIES_H

#include "model/recovery.h"
#include "store/approvals.h"
#include "store/audit.h"

#define JT_RECOVERY_STORED_MAX 70000

/* Large: on the heap. */
struct jt_recovery_row {
    uint64_t id;
    char node[JT_NODE_NAME_MAX + 1]; /* whose keeper made the request */
    size_t body_len;
    uint8_t body[JT_RECOVERY_STORED_MAX];
    uint8_t mac[JT_ROW_MAC_LEN];
    char requested_at[JT_TIME_LEN], requested_by[JT_ACTOR_MAX + 1];
    uint64_t epoch;            /* that was posted; 0: not carried out yet */
    char done_at[JT_TIME_LEN]; /* the same; empty */
};

/* The newest one, carried out or not. JT_ERR_NO_RECOVERY. */
enum jt_err jt_recovery_newest(struct jt_db *db, struct jt_recovery_row *out) JT_CHECKED;

/*
 * Stores a request, with its audit row, in the place of those that were not carried out. id,
 * requested_at and requested_by are filled in.
 */
enum jt_err jt_recovery_put(struct jt_db *db, struct jt_recovery_row *row,
                            const struct jt_act *act) JT_CHECKED;

/*
 * Stores an approval, with its audit row, for the request that has this MAC and is not carried out.
 * JT_ERR_NO_RECOVERY: there is none any more.
 */
enum jt_err jt_recovery_approve(struct jt_db *db, const struct jt_recovery_row *row,
                                const struct jt_approval *approval,
                                const struct jt_act *act) JT_CHECKED;

/* What keepers follow: the ring of the newest one that was carried out, and the word on it. */
struct jt_recovery_done {
    uint64_t epoch;
    struct jt_ring_row ring;
    size_t word_len;
    uint8_t word[4000], word_mac[JT_ROW_MAC_LEN];
};
/* JT_ERR_NO_RECOVERY: none was. */
enum jt_err jt_recovery_last_done(struct jt_db *db, struct jt_recovery_done *out) JT_CHECKED;

/*
 * Carries it out, in one transaction under the exclusive ring lock: if the ring is still `from` and
 * the request stands, the generations are posted, the ring is replaced, and the word is stored,
 * with the audit row. *busy and JT_ERR_DB_PASSING: writers hold the ring lock. JT_ERR_RING_MOVED;
 * JT_ERR_NO_RECOVERY.
 */
struct jt_recovery_post {
    const struct jt_recovery_row *row;
    const struct jt_ring_row *from, *ring;
    const struct jt_generation_row *rows;
    size_t n_rows;
    const uint64_t *compromised; /* generations that bear the mark */
    size_t n_compromised;
    const uint8_t *word;
    size_t word_len;
    const uint8_t *word_mac;
    const char *record; /* the object of the audit row */
    const struct jt_act *act;
};
enum jt_err jt_recovery_post(struct jt_db *db, const struct jt_recovery_post *post,
                             bool *busy) JT_CHECKED;

/* --- what keepers remember --- */

struct jt_keeper_view_row {
    char node[JT_NODE_NAME_MAX + 1];
    size_t body_len;
    uint8_t body[400], mac[JT_ROW_MAC_LEN];
    char at[JT_TIME_LEN];
};

/* Stores this node's where it is news. */
enum jt_err jt_keeper_view_note(struct jt_db *db, const struct jt_keeper_view_row *row) JT_CHECKED;
/* At most JT_RECOVERY_VIEWS_MAX, by node. */
enum jt_err jt_keeper_views_read(struct jt_db *db, struct jt_keeper_view_row *out,
                                 size_t *n) JT_CHECKED;

#endif
