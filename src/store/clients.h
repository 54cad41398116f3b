/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API clients: rows MACed by a keeper (model/client.h), never deleted. Nothing here is secret,
 * nothing here is trusted before the keeper checked it (vault/sets.h).
 */
#ifndef JETON_STORE_CLIENTS_H
#define JETON_STORE_CLIENTS_H

#include "store/audit.h"
#include "model/client.h"

/* A row and what the database adds to it, which no MAC covers. */
struct jt_client_info {
    struct jt_client_row row;
    char created_at[JT_TIME_LEN], created_by[JT_ACTOR_MAX + 1];
    char revoked_at[JT_TIME_LEN], revoked_by[JT_ACTOR_MAX + 1]; /* empty: not revoked */
    char changed_at[JT_TIME_LEN], changed_by[JT_ACTOR_MAX + 1]; /* empty: never */
};

/*
 * With its set row and its audit row about `object`, in one transaction. JT_ERR_CLIENT_EXISTS when
 * the id is taken; JT_ERR_SET_OLD when the set has changed since the keeper made the rows.
 */
enum jt_err jt_client_insert(struct jt_db *db, const struct jt_client_change *change,
                             const struct jt_act *act, const char *object) JT_CHECKED;
/* The same inside an open transaction, about the client: also that of jt_ring_first (store/ring.h).
 */
enum jt_err jt_client_insert_row(struct jt_db *db, const struct jt_client_change *change,
                                 const struct jt_act *act) JT_CHECKED;
/*
 * As jt_client_insert for a row that changed, with an audit row of `action` and `object`;
 * JT_ERR_NO_CLIENT when it is not there.
 */
enum jt_err jt_client_update(struct jt_db *db, const struct jt_client_change *change,
                             const struct jt_act *act, enum jt_audit_action action,
                             const char *object) JT_CHECKED;
/* JT_ERR_NO_CLIENT. */
enum jt_err jt_client_get(struct jt_db *db, const char *id, struct jt_client_row *out) JT_CHECKED;

typedef void jt_client_fn(void *arg, const struct jt_client_info *info);
/* By id, in the order of bytes: those that come after `after`, at most `max`. */
enum jt_err jt_clients_list(struct jt_db *db, const char *after, size_t max, jt_client_fn *each,
                            void *arg) JT_CHECKED;
/* The one of that id, if there is one. */
enum jt_err jt_clients_one(struct jt_db *db, const char *id, jt_client_fn *each,
                           void *arg) JT_CHECKED;

#endif
