/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the state of a generation allows. The keeper asks here before every use of a key and every
 * change of its ring, whatever the front or the database may claim: a front that is fully taken
 * over gets no further than this page (DESIGN sections 2 and 6).
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
 * Whether fingerprints under the generation may be made to look for cards: it is draining, or
 * retired and asked for by name.
 */
bool jt_policy_probeable(const struct jt_ring_entry *entry, bool asked);

/*
 * The ring after `generation` (an authentic row) goes to `target`.
 *  ACTIVE: from future; the number is above every one that the ring has ever had, its key id is
 * free, and the present active generation becomes draining. RETIRED: from draining. JT_ERR_CONFLICT
 * when the present state forbids it; JT_ERR_LIMIT when the ring is full or more than
 * JT_RING_MAX_DRAINING generations would be draining; JT_ERR_NOT_FOUND when the ring does not list
 * the generation to retire.
 */
enum jt_err jt_policy_propose(const struct jt_ring *current,
                              const struct jt_generation_row *generation, uint8_t target,
                              struct jt_ring *next) JT_CHECKED;

/*
 * Whether the keeper may go from `current` (epoch 0: none yet) to `next`, both authentic.
 * JT_ERR_CONFLICT unless the epoch rises, no generation goes back in its life, changes its key,
 * loses a compromised mark or leaves the ring (destruction will have a verb of its own), and new
 * ones are above every number there was. (The ring it has already is the caller's case.)
 */
enum jt_err jt_policy_accept(const struct jt_ring *current, const struct jt_ring *next) JT_CHECKED;

/*
 * Whether the keys of all live generations are held. JT_ERR_NOT_FOUND when one is missing,
 * JT_ERR_CRYPTO when one is there with another check value or key id. *number is the generation at
 * fault.
 */
enum jt_err jt_policy_held(const struct jt_keyring *keyring, const struct jt_ring *ring,
                           uint64_t *number) JT_CHECKED;

/*
 * The number and key id of the next generation: above everything seen, and the lowest key id that
 * neither the ring nor a key file nor `used_key_ids` has. JT_ERR_LIMIT when no key id is free, or
 * when `db_highest` is further ahead than any database gets: the numbers must last for ever, so
 * that a front cannot be let use them up at one stroke.
 */
enum jt_err jt_policy_next_generation(const struct jt_keyring *keyring, const struct jt_ring *ring,
                                      uint64_t highest_seen,
                                      const struct jt_generation_create *create, uint64_t *number,
                                      uint8_t *key_id) JT_CHECKED;

#endif
