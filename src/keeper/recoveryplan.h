/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recovery makes of each generation, from what this keeper knows and what the database that
 * went back holds. It destroys nothing, and brings back nothing that is destroyed:
 *
 *   - the active one stays active, a draining one drains;
 *   - a retired one drains again where the database has it as live or counts cards under it. Where
 *     the database does not know that it was retired, so that the certificate is gone as well, it
 *     drains again too, as long as few enough drain: so it can be retired once more;
 *   - what the keeper's ring no longer lists is destroyed; cards that the database has under it are
 *     lost;
 *   - what is future in the database, and of a number that no ring has had, stays so.
 *
 * Where the database's ring is the newer one, and what this keeper's could have become, it counts;
 * where it is not (an earlier recovery brought back what this keeper knows as destroyed), what it
 * has more is added.
 *
 * A keeper that has no ring (it was filled from a backup) goes by the database's, and adds what it
 * holds beyond that.
 */
#ifndef JETON_KEEPER_RECOVERYPLAN_H
#define JETON_KEEPER_RECOVERYPLAN_H

#include "keeper/keeper.h"
#include "model/recovery.h"

/*
 * The ring that comes, without its epoch, and the changes, ascending by number. JT_ERR_FORGED: a
 * row that no keeper made; JT_ERR_KEEPER_BEHIND: the database's ring is newer than this keeper's,
 * and what it has more does not go together with what is known here; JT_ERR_KEY_MISSING: a
 * generation with cards is to be live, and its key is not here; JT_ERR_TOO_MANY_LIVE.
 */
enum jt_err jt_recoveryplan_make(const struct jt_keeper *k, const struct jt_recovery_database *db,
                                 struct jt_ring *next, struct jt_recovery_plan *plan) JT_CHECKED;

/* The digest of it that a request bears; not over counts of cards, which may change. */
enum jt_err jt_recoveryplan_digest(const struct jt_ring *next, const struct jt_recovery_plan *plan,
                                   uint8_t out[static JT_RECOVERY_DIGEST]) JT_CHECKED;

#endif
