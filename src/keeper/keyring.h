/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generation keys that this keeper holds, in secret memory, addressed by number; and a bounded
 * cache of the field keys derived from them. Which of them may be used for what is not decided here
 * but in keeper/policy.h.
 */
#ifndef JETON_KEEPER_KEYRING_H
#define JETON_KEEPER_KEYRING_H

#include "crypto/fieldkey.h"
#include "keeper/genfile.h"
#include "keeper/keydir.h"
#include "model/keyref.h"

#define JT_KEYRING_MAX   JT_KEYDIR_MAX_GENERATIONS
#define JT_KEYRING_CACHE 1024 /* field keys */

struct jt_keyring;

enum jt_err jt_keyring_new(struct jt_keyring **out) JT_CHECKED;

/* Wipes every key. NULL is accepted. */
void jt_keyring_free(struct jt_keyring *kr);

/* The same, and it can be filled again. */
void jt_keyring_clear(struct jt_keyring *kr);

/*
 * Copies the key. JT_ERR_KEY_ID_TAKEN for a number or key id that is held already, JT_ERR_LIMIT
 * when full.
 */
enum jt_err jt_keyring_add(struct jt_keyring *kr, const struct jt_genfile *meta,
                           const uint8_t key[static JT_GENERATION_KEY_LEN]) JT_CHECKED;

/* Wipes the key and what was derived from it. Harmless when it is not held. */
void jt_keyring_remove(struct jt_keyring *kr, uint64_t number);

/* What is known of a held key, or NULL. Valid until the next add or remove. */
const struct jt_genfile *jt_keyring_find(const struct jt_keyring *kr, uint64_t number);

/* The same by key id. */
const struct jt_genfile *jt_keyring_by_key_id(const struct jt_keyring *kr, uint8_t key_id);

/* The one of the lowest number above `above`, or NULL. */
const struct jt_genfile *jt_keyring_next(const struct jt_keyring *kr, uint64_t above);

/* Notes that a held key's mark is on disk; that it was acknowledged. */
void jt_keyring_set_used(struct jt_keyring *kr, uint64_t number);
void jt_keyring_set_acked(struct jt_keyring *kr, uint64_t number);

/*
 * The lowest number above `above` of a held key that this keeper has made, that has no mark and
 * whose key id is not among `used_key_ids`; 0 when there is none. One that another keeper made is
 * never a left-over of this one's.
 */
uint64_t jt_keyring_unused_above(const struct jt_keyring *kr, uint64_t above,
                                 const uint8_t used_key_ids[static JT_KEY_ID_SET_LEN]);

/*
 * The key itself (JT_GENERATION_KEY_LEN bytes), or NULL. Valid as above; the caller keeps no copy.
 */
const uint8_t *jt_keyring_key(const struct jt_keyring *kr, uint64_t number);

/* Whether a held key has this key id; the highest number held, 0 when none; how many. */
bool jt_keyring_has_key_id(const struct jt_keyring *kr, uint8_t key_id);
uint64_t jt_keyring_highest(const struct jt_keyring *kr);
size_t jt_keyring_count(const struct jt_keyring *kr);

/*
 * The field key of (number, field), owned by the cache and valid until the next call: it may take
 * the place of another. JT_ERR_KEY_MISSING when the generation is not held; JT_ERR_DERIVATIONS when
 * it would have to be derived and this request may derive no more: asked again, the request finds
 * what it has derived so far and goes on from there.
 */
enum jt_err jt_keyring_fieldkey(struct jt_keyring *kr, uint64_t number, uint32_t field,
                                struct jt_fieldkey **out) JT_CHECKED;

/* How many field keys may be derived from here on: set before each request. */
void jt_keyring_allow(struct jt_keyring *kr, unsigned n);

/*
 * Forgets derived keys: after each change of the ring, so that keys of generations that are no
 * longer live do not linger.
 */
void jt_keyring_drop_cache(struct jt_keyring *kr);

#endif
