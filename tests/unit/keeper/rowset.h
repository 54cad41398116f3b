/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database with some clients, as who writes to it can show it to a keeper inside the test
 * (inside.h): rows, their set row, and what a front asks about them.
 */
#ifndef JETON_TESTS_KEEPER_ROWSET_H
#define JETON_TESTS_KEEPER_ROWSET_H

#include "inside.h"

#include "wire/set.h"

#define N 6

/* Of every client that is made. */
extern const uint8_t rowset_secret[JT_CLIENT_SECRET_LEN];

/* The rows as they stand, and the set row. */
struct rowset {
    size_t n;
    struct jt_client_row rows[N];
    struct jt_set_row set;
};

/* Asks what in->payload holds. */
enum jt_err rowset_changed(struct inside *in, enum jt_verb verb, struct jt_client_change *out);
/* A new client; the edit that leaves a row as it is; a change by an edit; a revocation. */
enum jt_err rowset_make(struct inside *in, const char *id, uint32_t permissions,
                        const struct jt_set_row *set, struct jt_client_change *out);
struct jt_client_edit rowset_edit_of(const struct jt_client_row *row, const struct jt_set_row *set);
enum jt_err rowset_change(struct inside *in, const struct jt_client_edit *edit,
                          struct jt_client_change *out);
enum jt_err rowset_revoke(struct inside *in, const struct jt_client_row *row,
                          const struct jt_set_row *set, struct jt_client_change *out);

/* SET_SUM, SET_VERIFY: of some changes, of rows, of everything as a front that starts. */
enum jt_err rowset_sum(struct inside *in, const struct jt_set_sum *from,
                       struct jt_set_change *changes, size_t n, struct jt_set_sum *out);
enum jt_err rowset_sum_all(struct inside *in, const struct jt_client_row *rows, size_t n,
                           struct jt_set_sum *out);
enum jt_err rowset_verify_sum(struct inside *in, const struct jt_set_sum *s,
                              const struct jt_set_row *set);
enum jt_err rowset_verify(struct inside *in, const struct rowset *db);

/* Some clients: an operator, shop, second-operator. One more, and one revoked, in the database too.
 */
struct rowset rowset_some_clients(struct inside *in);
void rowset_add(struct inside *in, struct rowset *db, const char *id, uint32_t permissions);
void rowset_drop_client(struct inside *in, struct rowset *db, size_t i);

/* CLIENT_CHECK with the secret; SET_ACCEPT by the client at `who`. */
enum jt_err rowset_check(struct inside *in, const struct jt_client_row *row);
enum jt_err rowset_accept_by(struct inside *in, const struct rowset *db, size_t who,
                             const uint8_t *with);

#endif
