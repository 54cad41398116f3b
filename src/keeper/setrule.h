/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which set rows a keeper takes: never one that is older than one it has seen, and at one version
 * only the one that it has seen. What it has seen is in the state file. It is raised by SET_VERIFY
 * alone, which is asked with rows that were read back from the database: a row that a keeper has
 * made for a change that was never committed counts for nothing.
 *
 * Going back takes an operator's word (SET_ACCEPT), and never leads behind the revocation of an
 * operator: the word of somebody whose key was stolen and revoked must not bring back the set in
 * which he was still an operator.
 */
#ifndef JETON_KEEPER_SETRULE_H
#define JETON_KEEPER_SETRULE_H

#include "keeper/keeper.h"
#include "keeper/setdigest.h"

/* JT_ERR_SET_OLD when the keeper has seen a later set, or another of the same version. */
enum jt_err jt_setrule_current(const struct jt_keeper *k, const struct jt_set_row *row) JT_CHECKED;

/*
 * Whether these are the rows of the set: JT_ERR_FORGED for a set row that no keeper made,
 * JT_ERR_SET_WRONG when not.
 */
enum jt_err jt_setrule_agrees(const struct jt_keeper *k, const struct jt_setdigest *rows,
                              const struct jt_set_row *row) JT_CHECKED;

/* Notes, durably, a set row that is current. */
enum jt_err jt_setrule_saw(struct jt_keeper *k, const struct jt_set_row *row) JT_CHECKED;

/*
 * Takes these two for the current ones, although they are older. JT_ERR_NO_OLD_SET: neither is
 * older, or an operator was revoked since.
 */
enum jt_err jt_setrule_go_back(struct jt_keeper *k, const struct jt_set_row *clients,
                               const struct jt_set_row *fields) JT_CHECKED;

/*
 * Begins the next set from one that is current: *d is its sum. JT_ERR_SET_FULL when it can take
 * no more rows and one is to be added; JT_ERR_INVALID for the other kind of set; else as
 * jt_setrule_current and JT_ERR_FORGED.
 */
enum jt_err jt_setrule_next(const struct jt_keeper *k, const struct jt_set_row *now,
                            enum jt_set_kind kind, bool adds, struct jt_setdigest *d,
                            struct jt_set_row *next) JT_CHECKED;

#endif
