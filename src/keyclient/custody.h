/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs of the verbs by which a master key is opened, wiped and made. Only the keeper's own user
 * and root are answered: JT_ERR_NOT_OWNER. Synchronous.
 */
#ifndef JETON_KEYCLIENT_CUSTODY_H
#define JETON_KEYCLIENT_CUSTODY_H

#include "keyclient/keyclient.h"
#include "wire/custody.h"

/*
 * Gives what opens the master key, or nothing, to hear what the keeper waits for.
 * JT_ERR_NOT_SEALED; JT_ERR_OTHER_METHOD; JT_ERR_PHRASE_WRONG; JT_ERR_NOT_SHARE,
 * JT_ERR_SHARE_OTHER, JT_ERR_SHARE_AGAIN: the shares given before stay; else what keeps a keeper
 * from starting. `text` is the caller's to wipe.
 */
enum jt_err jt_keyclient_wait_unseal(struct jt_keyclient *kc, enum jt_unseal_kind kind,
                                     const char *text, struct jt_unsealed *out) JT_CHECKED;

/* What the token is asked for that opens the master key. JT_ERR_OTHER_METHOD. */
enum jt_err jt_keyclient_wait_unseal_box(struct jt_keyclient *kc,
                                         struct jt_pkcs11box *out) JT_CHECKED;

/* The keeper wipes all its keys. JT_ERR_SEALED; JT_ERR_OTHER_METHOD: it could not be opened again.
 */
enum jt_err jt_keyclient_wait_seal(struct jt_keyclient *kc) JT_CHECKED;

/* keeper/ceremony.h; the caller wipes texts. */
enum jt_err jt_keyclient_wait_ceremony_make(struct jt_keyclient *kc,
                                            const struct jt_ceremony_order *order,
                                            struct jt_ceremony_made *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_ceremony_share(struct jt_keyclient *kc, uint8_t place,
                                             struct jt_ceremony_share *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_ceremony_prove(struct jt_keyclient *kc,
                                             const struct jt_ceremony_share *typed) JT_CHECKED;
enum jt_err jt_keyclient_wait_ceremony_end(struct jt_keyclient *kc) JT_CHECKED;

#endif
