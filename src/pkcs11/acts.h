/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process is run for: to make a secret and have the token encrypt it, or to have it
 * decrypted. The master key is not here and never comes here: the secret is what opens it, in the
 * keeper. Functions return JT_EXIT_OK, or an exit code after a message.
 */
#ifndef JETON_PKCS11_ACTS_H
#define JETON_PKCS11_ACTS_H

#include "pkcs11/key.h"

/*
 * A new secret, and the box that it is in, which was opened again by the token before it is given
 * out. `secret` is secret memory.
 */
int jt_pkcs11_wrap(const struct jt_pkcs11_session *s, const char *label, struct jt_pkcs11box *box,
                   uint8_t secret[static JT_PKCS11_SECRET_LEN]);
int jt_pkcs11_unwrap(const struct jt_pkcs11_session *s, const struct jt_pkcs11box *box,
                     uint8_t secret[static JT_PKCS11_SECRET_LEN]);

#endif
