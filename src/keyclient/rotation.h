/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs of the verbs of a rotation of the master key (keeper/rewrap.h); the others that it takes
 * are in keyclient/custody.h. Only the keeper's own user and root are answered: JT_ERR_NOT_OWNER.
 * Synchronous.
 */
#ifndef JETON_KEYCLIENT_ROTATION_H
#define JETON_KEYCLIENT_ROTATION_H

#include "keyclient/keyclient.h"
#include "wire/rotation.h"

/*
 * Begins a rotation anew, with JT_UNSEAL_NOTHING, or gives what opens the present master key. The
 * answer is `sealed` as long as more is to be given. Errors are those of jt_keyclient_wait_unseal.
 */
enum jt_err jt_keyclient_wait_rotation_prove(struct jt_keyclient *kc, enum jt_unseal_kind kind,
                                             const char *text, struct jt_unsealed *out) JT_CHECKED;

/* The next master key's file, with JT_UNSEAL_NOTHING, or what opens it. */
enum jt_err jt_keyclient_wait_rotation_follow(struct jt_keyclient *kc,
                                              const struct jt_rotation_follow *follow,
                                              struct jt_unsealed *out) JT_CHECKED;

/* Makes an escrow file, with an empty `given`, or verifies the one given. */
enum jt_err jt_keyclient_wait_rotation_escrow(struct jt_keyclient *kc,
                                              const struct jt_escrow_file *given,
                                              struct jt_rotation_escrow *out) JT_CHECKED;

#endif
