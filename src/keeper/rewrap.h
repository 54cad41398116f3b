/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rotation of the master key of a keeper that serves. It is a ceremony (keeper/ceremony.h) at
 * whose end not only `master.key` changes: every key that lay under the old master key lies under
 * the new one. Keys, rows and cards stay as they are.
 *
 * It begins when what opens the present master key was given once more: who may only reach the
 * keeper's socket cannot take the installation over by it.
 */
#ifndef JETON_KEEPER_REWRAP_H
#define JETON_KEEPER_REWRAP_H

#include "keeper/ceremony.h"
#include "keeper/keeper.h"
#include "model/escrow.h"

/* Begins anew: nothing was proved. JT_ERR_OTHER_METHOD: in the clear; JT_ERR_NO_CEREMONY. */
enum jt_err jt_rewrap_begin(struct jt_keeper *k) JT_CHECKED;

/*
 * A passphrase or share of the present master key. JT_ERR_NO_CEREMONY before jt_rewrap_begin; those
 * of UNSEAL.
 */
enum jt_err jt_rewrap_prove(struct jt_keeper *k, const struct jt_unseal *given) JT_CHECKED;

/* Whether a rotation is under way, and what opens the present master key was given. */
bool jt_rewrap_proved(const struct jt_keeper *k);

/* It goes to the master key of this file, which another node has, and not to a new one. */
enum jt_err jt_rewrap_follow(struct jt_keeper *k, const struct jt_buf *file) JT_CHECKED;
/* What opens it. */
enum jt_err jt_rewrap_open(struct jt_keeper *k, const struct jt_unseal *given) JT_CHECKED;

/* An escrow file under the new master key. JT_ERR_NO_CEREMONY before that is made. */
enum jt_err jt_rewrap_escrow(struct jt_keeper *k, struct jt_escrow_file *out) JT_CHECKED;
/*
 * It was read back: the new master key opens it, and every key that is held is in it.
 * JT_ERR_BACKUP_ALTERED and JT_ERR_MASTER_OTHER, JT_ERR_ROTATION_KEYS: to be made anew.
 */
enum jt_err jt_rewrap_verify(struct jt_keeper *k, const struct jt_escrow_file *file) JT_CHECKED;

/*
 * Goes over to the new master key. JT_ERR_NO_CEREMONY: something is missing before;
 * JT_ERR_ROTATION_KEYS: keys have come or gone since the escrow file was made;
 * JT_ERR_DIRECTORY_BAD. On JT_ERR_IO the old or the new master key is that of the directory.
 */
enum jt_err jt_rewrap_commit(struct jt_keeper *k) JT_CHECKED;

/*
 * Ends a rotation that could not put all files in their places; JT_OK where there is none.
 * JT_ERR_DIRECTORY_BAD.
 */
enum jt_err jt_rewrap_end(struct jt_keeper *k) JT_CHECKED;

/* Forgets a rotation that is under way; one that this connection has begun, which is closed. */
void jt_rewrap_forget(struct jt_keeper *k);
void jt_rewrap_closed(struct jt_keeper *k, uint64_t connection);

/*
 * Whether it is the one who asks that holds the rotation under way. Two who mixed theirs would each
 * have what opens half of it.
 */
bool jt_rewrap_is_askers(const struct jt_keeper *k);

#endif
