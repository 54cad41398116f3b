/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables destruction, approval and destruction_node: what is carried between custodians and keepers
 * until a key is gone from every node. Requests are bytes that a keeper has MACed; nothing here is
 * believed.
 */
#ifndef JETON_STORE_DESTRUCTIONS_H
#define JETON_STORE_DESTRUCTIONS_H

#include "model/certificate.h"
#include "model/custodian.h"
#include "model/destruction.h"
#include "store/approvals.h"
#include "store/audit.h"

#include <stdbool.h>

#define JT_DESTRUCTION_STORED_MAX 30000

/* Large: on the heap. */
struct jt_destruction_row {
    uint64_t generation;
    size_t body_len;
    uint8_t body[JT_DESTRUCTION_STORED_MAX];
    uint8_t mac[JT_ROW_MAC_LEN];
    char requested_at[JT_TIME_LEN], requested_by[JT_ACTOR_MAX + 1];
    char destroyed_at[JT_TIME_LEN]; /* the generation; empty: not yet */
    char certified_at[JT_TIME_LEN]; /* empty: not yet */
    struct jt_certificate certificate;
};

/* JT_ERR_NO_DESTRUCTION. */
enum jt_err jt_destruction_get(struct jt_db *db, uint64_t generation,
                               struct jt_destruction_row *out) JT_CHECKED;

/*
 * The one that follows `after`, of those that are not certified or of all. JT_ERR_NO_DESTRUCTION.
 */
enum jt_err jt_destruction_next(struct jt_db *db, uint64_t after, bool all,
                                struct jt_destruction_row *out) JT_CHECKED;

/*
 * Stores a request with its audit row, in the place of one that is not certified, whose approvals
 * go. JT_ERR_WRONG_STATE: it is certified.
 */
enum jt_err jt_destruction_put(struct jt_db *db, const struct jt_destruction_row *row,
                               const struct jt_act *act) JT_CHECKED;

/* Those by the custodians of the set, at most JT_CUSTODIANS_MAX. */
enum jt_err jt_destruction_approvals(struct jt_db *db, uint64_t generation,
                                     const struct jt_custodian_set *set,
                                     struct jt_approval_row *out, size_t *n) JT_CHECKED;

/*
 * Stores one, with its audit row, for the request that has this MAC. JT_ERR_NO_DESTRUCTION: another
 * one stands by now.
 */
enum jt_err jt_destruction_approve(struct jt_db *db, const struct jt_destruction_row *row,
                                   const struct jt_approval *approval,
                                   const struct jt_act *act) JT_CHECKED;

/* What a node's keeper says. */
struct jt_destruction_node_row {
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t view; /* enum jt_destruction_view; 0: it has not said yet */
    uint64_t left_s, n_tried;
    uint8_t keeper[JT_INCARNATION_LEN], mac[JT_ROW_MAC_LEN];
    char at[JT_TIME_LEN];
};

#define JT_DESTRUCTION_NODE_ROWS 255

/* Of every node that is registered, by name. */
enum jt_err jt_destruction_nodes(struct jt_db *db, uint64_t generation,
                                 struct jt_destruction_node_row *out, size_t *n) JT_CHECKED;

/* Notes what this node's keeper says where it is news; a grace is noted once in ten seconds. */
enum jt_err jt_destruction_note(struct jt_db *db, uint64_t generation,
                                const struct jt_destruction_node_row *node) JT_CHECKED;

/* Stores the certificate, with the audit row. `row` is as it was read. */
enum jt_err jt_destruction_certify(struct jt_db *db, const struct jt_destruction_row *row,
                                   const struct jt_certificate *certificate,
                                   const struct jt_act *act) JT_CHECKED;

/* System identifier and timeline of the database as it writes now; its clock. */
struct jt_history {
    uint64_t system_identifier;
    uint32_t timeline;
    char now[JT_TIME_LEN];
};
enum jt_err jt_history_read(struct jt_db *db, struct jt_history *out) JT_CHECKED;

#endif
