/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lock-out after failed logins (PCI DSS 8.3.4): ten failures as one client from one place, of which
 * none comes more than half an hour after the one before, keep that client out from that place for
 * half an hour, with the right key too, or until it is given a fresh key or enabled again: who does
 * that knows whom it is given to. From any other place nothing changes, so that no stranger locks a
 * client out. A place is an IPv4 address, or a network of 64 bits of IPv6 addresses.
 *
 * What is counted is the id that was named, whether there is such a client or not: nobody learns
 * from a lock-out which clients there are.
 *
 * A front counts in memory and locks out at once. Once a second, in its heartbeat, it adds what it
 * has counted to the table of all nodes (store/lockouts.h), in one statement whatever comes, and
 * reads what changed there: so each node knows within about a second, and after a restart. While
 * the database is away each node counts for itself.
 *
 * Both are bounded, whatever strangers do: JT_LOCKOUT_MAX_ROWS pairs, of which one place has 64 at
 * most. Where there is no room, the pair that is farthest from a lock-out gives way, the oldest
 * first. So who tries to have a count forgotten must fail as often with each of 64 other names;
 * where there are more places to come from, each has its own ten attempts anyway.
 *
 * One of these for all threads of a front.
 */
#ifndef JETON_VAULT_LOCKOUT_H
#define JETON_VAULT_LOCKOUT_H

#include "model/network.h"
#include "vault/workers.h"

struct jt_lockout;

enum jt_err jt_lockout_new(struct jt_lockout **out) JT_CHECKED;
/* NULL is accepted. */
void jt_lockout_free(struct jt_lockout *l);

/*
 * How long the client is kept out from there; 0: it is not. Costs nothing where nobody is. `now_ms`
 * is jt_clock_ms.
 */
int64_t jt_lockout_left_ms(struct jt_lockout *l, const char *client, const struct jt_source *source,
                           int64_t now_ms);

/* A login failed. */
void jt_lockout_failed(struct jt_lockout *l, const char *client, const struct jt_source *source,
                       int64_t now_ms);

/* What the table says of a pair. */
struct jt_login_failure;
void jt_lockout_learn(struct jt_lockout *l, const struct jt_login_failure *f, int64_t now_ms);

/* The heartbeat's part. What fails is told to the log, and made up for later. */
void jt_lockout_keep_up(struct jt_lockout *l, struct jt_work_ctx *ctx);

#endif
