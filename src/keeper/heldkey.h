/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of generations as rows of the database mean them: number, key id and check value
 * together. A number alone does not name a key, since two creators may both have made one; the row
 * that stands in the database says which of the two is the generation's.
 */
#ifndef JETON_KEEPER_HELDKEY_H
#define JETON_KEEPER_HELDKEY_H

#include "keeper/keeper.h"

/*
 * The key that the row means. JT_ERR_FORGED: no keeper made the row; JT_ERR_KEY_MISSING: no key of
 * that number is held; JT_ERR_KEY_WRONG: another one is. Pointers as of the keyring.
 */
enum jt_err jt_heldkey_find(const struct jt_keeper *k, const struct jt_generation_row *row,
                            const struct jt_genfile **meta, const uint8_t **key) JT_CHECKED;

/*
 * Makes a key durable and holds it: its file first, the number in the state file second, the
 * keyring last. A crash in between leaves a key that nobody has heard of. On failure nothing is
 * left, if the disk allows it.
 */
enum jt_err jt_heldkey_store(struct jt_keeper *k, const struct jt_genfile *meta,
                             const uint8_t key[static JT_GENERATION_KEY_LEN]) JT_CHECKED;

/* Erases a key for good; its number stays used. Whether it may go has been asked already. */
enum jt_err jt_heldkey_erase(struct jt_keeper *k, uint64_t number) JT_CHECKED;

/*
 * Whether the key of an authentic row may come here from another keeper. JT_ERR_KEY_THERE: it is
 * held already; JT_ERR_WRONG_STATE: the generation is destroyed, or the ring has left it behind;
 * JT_ERR_KEY_WRONG or JT_ERR_KEY_ID_TAKEN: ring or keyring have another key under its number, or
 * its key id for another number.
 *
 * A key in the way gives way if it was never in a ring and never acknowledged by this run, and its
 * number is not above the row's: it is what a creator left who was not the first, or who was cut
 * off. Such a key has protected nothing.
 */
enum jt_err jt_heldkey_may_take(const struct jt_keeper *k,
                                const struct jt_generation_row *row) JT_CHECKED;

/*
 * Takes it, after jt_heldkey_may_take; what is in the way goes first, for good. JT_ERR_KEY_WRONG
 * also where a mark says that another key of this number has been in a ring.
 */
enum jt_err jt_heldkey_take(struct jt_keeper *k, const struct jt_generation_row *row,
                            uint64_t created_s,
                            const uint8_t key[static JT_GENERATION_KEY_LEN]) JT_CHECKED;

#endif
