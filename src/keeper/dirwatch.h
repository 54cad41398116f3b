/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the key directory is still the one that was opened, with the keys in it that this keeper
 * works with. A keeper that has its keys in memory does not notice by itself that their files are
 * gone; the next start would, when it is too late for the cards that were sealed meanwhile.
 *
 * Checked are: the configured path names the directory that is open; nothing is in it but files of
 * its own, private ones with one name; master key, service root and state file hold what this
 * keeper holds, and so do the key file and the mark of every live generation; honey marks,
 * custodians and destructions are authentic where they are there. Each is read again and opened, so
 * a damaged file is found too.
 */
#ifndef JETON_KEEPER_DIRWATCH_H
#define JETON_KEEPER_DIRWATCH_H

#include "keeper/keeper.h"

/*
 * Checks now; `number` is a generation whose key file must be there as well (0: none), `next` a
 * ring whose live keys must be (NULL: none). JT_ERR_DIRECTORY_BAD when something is wrong, or the
 * disk is; the log says what, once. JT_ERR_NOMEM, JT_ERR_CRYPTO: it could not be looked at, and
 * what was found last stands.
 */
enum jt_err jt_dirwatch_check(struct jt_keeper *k, uint64_t number,
                              const struct jt_ring *next) JT_CHECKED;

/* What the last check found, which is made again when it is a second old. */
bool jt_dirwatch_good(struct jt_keeper *k);

#endif
