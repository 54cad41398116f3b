/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jeton-pkcs11 as a child: it speaks with the hardware token and ends. `secret` is as the keeper
 * takes it (wire/custody.h), and the caller's to wipe. JETON_PKCS11 may name the program
 * (cli/subprocess.h). JT_EXIT_OK, or an exit code after a message.
 */
#ifndef JETON_CLI_PKCS11_H
#define JETON_CLI_PKCS11_H

#include "base/base32.h"
#include "model/pkcs11box.h"

#define JT_PKCS11_SECRET_TEXT JT_BASE32_LEN(JT_PKCS11_SECRET_LEN)

/* A new secret, which a key in the token has encrypted. */
int jt_pkcs11_process_wrap(const char *config, const char *token, const char *key,
                           struct jt_pkcs11box *box, char secret[static JT_PKCS11_SECRET_TEXT + 1]);

/* The secret that is in the box. */
int jt_pkcs11_process_unwrap(const char *config, const struct jt_pkcs11box *box,
                             char secret[static JT_PKCS11_SECRET_TEXT + 1]);

#endif
