/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the state of a generation allows. The keeper asks here before every use of a key and before
 * every change of its ring, whatever the front or the database may claim. So a front that somebody
 * has taken over gets no further than this page.
 *
 * Pure functions over rings: no keys, no files.
 */
#ifndef JETON_KEEPER_POLICY_H
#define JETON_KEEPER_POLICY_H

#include "keeper/keyring.h"
#include "wire/generation.h"
#include "wire/ring.h"

/*
 * The one generation under which anything may be written: active and not compromised; NULL when
 * there is none.
 */
const struct jt_ring_entry *jt_policy_writable(const struct jt_ring *ring);

/* Whether stored data under the generation may be opened: it is live (active or draining). */
bool jt_policy_openable(const struct jt_ring_entry *entry);

/*
 * Whether an envelope that an application keeps may be opened: its generation is live or retired.
 * Nobody can move what lies elsewhere, so that it stays readable until the key is destroyed.
 */
bool jt_policy_openable_held(const struct jt_ring_entry *entry);

/*
 * Whether fingerprints under the generation may be made to look for cards: it is draining, or
 * retired and asked for by name.
 */
bool jt_policy_probeable(const struct jt_ring_entry *entry, bool asked);

/*
 * Makes the ring that comes after `step` (enum jt_ring_step_kind) is taken with `generation`, an
 * authentic row.
 *
 * ACTIVATE starts from future. The number must be above every one that the ring has ever had, and
 * the key id must be free. The present active generation becomes draining. JT_ERR_WRONG_STATE;
 * JT_ERR_NO_KEY_ID: the ring is full; JT_ERR_KEY_ID_TAKEN; JT_ERR_TOO_MANY_LIVE: more than
 * JT_RING_MAX_DRAINING generations would be draining.
 *
 * REPLACE is the same, and the generation that was active gets the mark of a compromised one.
 * JT_ERR_NO_ACTIVE: there is none.
 *
 * RETIRE starts from draining. DESTROY starts from retired, and the generation leaves the ring.
 * COMPROMISE marks a draining or retired one. JT_ERR_NO_GENERATION:
 * the ring does not list it; JT_ERR_WRONG_STATE: not in such a state, or marked already.
 */
enum jt_err jt_policy_propose(const struct jt_ring *current,
                              const struct jt_generation_row *generation, uint8_t step,
                              struct jt_ring *next) JT_CHECKED;

/*
 * Whether the keeper may go from `current` (epoch 0: none yet) to `next`, both authentic.
 *
 * The epoch must rise. No generation may go back in its life, change its key or lose a compromised
 * mark, and only a retired one may leave the ring: whose key is destroyed (a keeper that was away
 * may find one gone that it knew as live, if there were epochs enough in between to retire it). New
 * ones must be above every number there was, so that one that left never comes back. Else
 * JT_ERR_WENT_BACK. The very ring that the keeper has is the caller's case.
 */
enum jt_err jt_policy_accept(const struct jt_ring *current, const struct jt_ring *next) JT_CHECKED;

/*
 * Whether the keys of all live generations are held. JT_ERR_KEY_MISSING: one is not;
 * JT_ERR_KEY_WRONG: one is there with another check value or key id. *number is that generation's.
 */
enum jt_err jt_policy_held(const struct jt_keyring *keyring, const struct jt_ring *ring,
                           uint64_t *number) JT_CHECKED;

/*
 * Whether the key of an authentic row may come from another keeper, as far as the ring is
 * concerned. JT_ERR_WRONG_STATE: it is destroyed, or the ring has gone on without it;
 * JT_ERR_KEY_WRONG: the ring means another key by its number; JT_ERR_KEY_ID_TAKEN.
 */
enum jt_err jt_policy_take(const struct jt_ring *ring,
                           const struct jt_generation_row *row) JT_CHECKED;

/*
 * The number and the key id of the next generation. The number is one above everything seen. The
 * key id is the lowest that neither the ring nor a key file nor `used_key_ids` has;
 * JT_ERR_NO_KEY_ID when all 255 are taken.
 *
 * JT_ERR_LIMIT when `db_highest` lies further ahead than any database gets. Numbers are never used
 * again, so whoever could name any number could use up all of them with one request.
 */
enum jt_err jt_policy_next_generation(const struct jt_keyring *keyring, const struct jt_ring *ring,
                                      uint64_t highest_seen,
                                      const struct jt_generation_create *create, uint64_t *number,
                                      uint8_t *key_id) JT_CHECKED;

#endif
