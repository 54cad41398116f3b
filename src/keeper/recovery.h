/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovering a database that went back, as keepers decide it (docs/architecture.md).
 *
 * A keeper that refuses the database makes a request: what it remembers, what the database is, and
 * what becomes of each generation (keeper/recoveryplan.h), as a text that custodians sign. The
 * request is bound to both sides by digests, so that it is good for nothing once either has moved:
 * what this keeper remembers does not move while it refuses. When two custodians have signed, the
 * same keeper proposes the ring, at an epoch above all that are known, and gives its word on it.
 * Proposing changes nothing here. Whatever keeper is shown the word afterwards, this one included,
 * goes on from it if its epoch is above every one that it has seen: a word of an earlier recovery
 * is nothing. None follows where that would bring back a generation that it knows as destroyed.
 */
#ifndef JETON_KEEPER_RECOVERY_H
#define JETON_KEEPER_RECOVERY_H

#include "keeper/keeper.h"
#include "wire/recovery.h"

/* What this keeper remembers, for other keepers. */
enum jt_err jt_recovery_view(const struct jt_keeper *k, const char *node,
                             struct jt_keeper_view *out) JT_CHECKED;

/*
 * Makes a request. JT_ERR_NO_CUSTODIANS; JT_ERR_NOT_BEHIND: nothing disagrees, and no floor is
 * given; JT_ERR_KEEPER_BEHIND: an authentic view has a higher epoch; JT_ERR_DATE_OVER: the floor
 * lies below what may have been minted; JT_ERR_LIMIT: or too far ahead of the clock; and as
 * jt_recoveryplan_make.
 */
enum jt_err jt_recovery_open(struct jt_keeper *k, const struct jt_recovery_open *open,
                             struct jt_recovery_opened *out) JT_CHECKED;

/* How a request stands, and where it is due all that is to be written. JT_ERR_FORGED. */
enum jt_err jt_recovery_show(struct jt_keeper *k, const struct jt_recovery_show *show,
                             struct jt_recovery_shown *out) JT_CHECKED;

/*
 * Goes on from a recovery, durably. JT_ERR_WENT_BACK: its epoch is not above all that were seen;
 * what nothing is minted below is taken then all the same, since a ring that was posted may have
 * been accepted in the ordinary way. JT_ERR_FORGED; JT_ERR_REVIVES_DESTROYED; JT_ERR_KEY_MISSING,
 * JT_ERR_KEY_WRONG, JT_ERR_DIRECTORY_BAD.
 */
enum jt_err jt_recovery_accept(struct jt_keeper *k,
                               const struct jt_recovery_accept *accept) JT_CHECKED;

#endif
