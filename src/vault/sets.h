/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of clients and fields that stand now, verified by a keeper and kept in memory: what
 * every look-up asks.
 *
 * A whole set is read, summed and verified once (wire/set.h); from then on the set row is read once
 * a second, and when its version has changed, the rows that changed with it: one row for one
 * change. Look-ups ask the memory, never the database: an old row that is put back is not seen by a
 * front that runs, and stops one that starts. What cannot be verified is not believed, and nothing
 * older takes its place: the node is not ready, look-ups are JT_ERR_SETS_UNVERIFIED, and the log
 * says which row or set is wrong.
 *
 * One of these for all threads of a front. Measured with 10,000 clients: docs/data-format.md.
 */
#ifndef JETON_VAULT_SETS_H
#define JETON_VAULT_SETS_H

#include "vault/access.h"
#include "vault/set_copy.h"

#include <pthread.h>
#include <stdatomic.h>

struct jt_work_ctx;

struct jt_sets {
    pthread_mutex_t mutex;      /* of what follows */
    struct jt_set_copy good[2]; /* verified; by enum jt_set_kind, less 1 */
    /* whole, but older than one that the keeper has seen: an operator may accept it */
    struct jt_set_copy older[2];
    int64_t confirmed_ms[2];    /* when the database was last found to hold the good one */
    int64_t failed_ms[2];       /* when a refresh failed last; only of whoever holds `refreshing` */
    enum jt_err trouble[2];     /* JT_OK; JT_ERR_SET_OLD; JT_ERR_SET_WRONG: tampered with */
    pthread_mutex_t refreshing; /* one at a time */
    /* goes up with every change: what was looked up under another one is to be looked up again */
    _Atomic uint64_t stamp;
    _Atomic bool all_good; /* both sets: for readiness */
};

/* May be left out for a zeroed one. */
void jt_sets_init(struct jt_sets *s);
void jt_sets_clear(struct jt_sets *s);

/*
 * Reads what changed and verifies it; with `whole` everything anew, which also names all fields to
 * a keeper that has started. the class REPEAT: database or keeper is away; JT_ERR_SET_OLD and
 * JT_ERR_SET_WRONG: as `trouble`.
 */
enum jt_err jt_sets_refresh(struct jt_work_ctx *ctx, enum jt_set_kind kind, bool whole) JT_CHECKED;

/* Both, once: the heartbeat. What went wrong is in the log and in all_good. */
void jt_sets_keep_up(struct jt_work_ctx *ctx);

/*
 * The row of a client or field, revoked ones too. JT_ERR_NO_CLIENT or JT_ERR_NO_FIELD;
 * JT_ERR_SETS_UNVERIFIED when the set is not verified. A set that was confirmed more than a second
 * ago is refreshed first; where that has just failed, it is not tried again at once: a crowd of
 * callers must not cost a whole set each.
 */
enum jt_err jt_sets_client(struct jt_work_ctx *ctx, const char *id,
                           struct jt_client_row *out) JT_CHECKED;
enum jt_err jt_sets_field(struct jt_work_ctx *ctx, const char *name,
                          struct jt_field_row *out) JT_CHECKED;

/*
 * Whether this is the one client that may do that and always will: it is active and never expires.
 * Where it is about operators or those who administer clients, nobody could make another one.
 */
bool jt_sets_last_with(struct jt_sets *s, const char *id, uint32_t permission);

/*
 * What a client may do by its row, with fields by name; those that are no more are left out.
 * JT_ERR_SETS_UNVERIFIED.
 */
enum jt_err jt_sets_may(struct jt_work_ctx *ctx, const struct jt_client_row *row,
                        struct jt_may *out) JT_CHECKED;

/* Whether a client's row is the one that stands. */
bool jt_sets_client_stands(struct jt_sets *s, const struct jt_client_row *row);

/* A copy of all fields that stand; the caller frees it. */
enum jt_err jt_sets_fields(struct jt_work_ctx *ctx, struct jt_field_row **out,
                           size_t *n) JT_CHECKED;

/*
 * The verified set row, for whoever makes the next one; *next_field: 1 above the highest field id
 * (may be NULL).
 */
enum jt_err jt_sets_row(struct jt_work_ctx *ctx, enum jt_set_kind kind, struct jt_set_row *out,
                        uint32_t *next_field) JT_CHECKED;

/*
 * A client's row of an older set that an operator may accept; JT_ERR_NO_CLIENT, also when there is
 * none. Not verified: good for nothing but jt_sets_accept.
 */
enum jt_err jt_sets_older_client(struct jt_sets *s, const char *id,
                                 struct jt_client_row *out) JT_CHECKED;

/*
 * Takes the older sets for current ones on the word of `actor`, an operator, then reads them.
 * JT_ERR_NO_OLD_SET: no set is older; else as jt_keyclient_wait_set_accept.
 */
enum jt_err jt_sets_accept(struct jt_work_ctx *ctx, const char *actor,
                           const uint8_t secret[static JT_CLIENT_SECRET_LEN]) JT_CHECKED;

#endif
