/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators and auditors ask to see: generations, clients, who was given a card, and how
 * keeper and database stand. Nothing is changed by asking. Blocking; on a worker.
 *
 * The fields that stand are in vault/sets.h, a retirement in vault/retirement.h.
 */
#ifndef JETON_VAULT_INSPECT_H
#define JETON_VAULT_INSPECT_H

#include "store/endings.h"
#include "store/acks.h"
#include "store/audit.h"
#include "store/clients.h"
#include "store/generations.h"
#include "vault/workers.h"
#include "wire/status.h"

/* All generations, ascending by number; those not destroyed; one. JT_ERR_NO_GENERATION. */
enum jt_err jt_inspect_generations(struct jt_work_ctx *ctx, jt_generation_fn *each,
                                   void *arg) JT_CHECKED;
enum jt_err jt_inspect_kept_generations(struct jt_work_ctx *ctx, jt_generation_fn *each,
                                        void *arg) JT_CHECKED;
enum jt_err jt_inspect_generation(struct jt_work_ctx *ctx, uint64_t number,
                                  struct jt_generation_info *out) JT_CHECKED;

/* As jt_acks_standing: who holds which key, the database's word. */
enum jt_err jt_inspect_acks(struct jt_work_ctx *ctx, jt_ack_standing_fn *each,
                            void *arg) JT_CHECKED;

/*
 * Which fields' ciphertext, kept by applications, was last sealed and opened under a generation,
 * and when: the database's word, up to a minute old (vault/held_use.h). JT_ERR_NO_GENERATION.
 */
enum jt_err jt_inspect_held(struct jt_work_ctx *ctx, uint64_t number, jt_held_last_fn *each,
                            void *arg) JT_CHECKED;

/* A client as it stands; who made or changed it, and when, is the database's word. */
struct jt_client_seen {
    const struct jt_client_info *info;
    struct jt_client_terms terms;
    struct jt_may may;
};
typedef void jt_client_seen_fn(void *arg, const struct jt_client_seen *seen);

/*
 * Clients by id, removed ones too: those that come after `after`, at most `max`, and only rows that
 * stand. A row of the database that is not the one that stands is told to the log and left out.
 */
enum jt_err jt_inspect_clients(struct jt_work_ctx *ctx, const char *after, size_t max,
                               jt_client_seen_fn *each, void *arg) JT_CHECKED;

/* One of them. JT_ERR_NO_CLIENT. */
enum jt_err jt_inspect_client(struct jt_work_ctx *ctx, const char *id, jt_client_seen_fn *each,
                              void *arg) JT_CHECKED;

/*
 * Calls `each`, oldest first, for at most `max` times that the card of a token left. The times are
 * RFC 3339; an empty one is unbounded. JT_ERR_NO_FIELD; JT_ERR_NO_TOKEN: no keeper made it.
 */
struct jt_readings_query {
    const char *field; /* its name */
    const uint8_t *token;
    const char *since, *until;
    size_t max;
};
enum jt_err jt_inspect_readings(struct jt_work_ctx *ctx, const struct jt_readings_query *query,
                                jt_audit_reading_fn *each, void *arg) JT_CHECKED;

/* How keeper and database answer now. What cannot be reached is down: it never fails. */
struct jt_peers {
    bool keeper_up, database_up;
    bool endings_known;
    struct jt_keeper_status keeper; /* zeroes while it is down */
    struct jt_endings endings;      /* zeroes while the database is */
};
void jt_inspect_peers(struct jt_work_ctx *ctx, struct jt_peers *out);

#endif
