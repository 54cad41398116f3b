/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A custodian's key where the custodian sits: a file with the private half of an Ed25519 key under
 * a passphrase, and what is signed with it. No other part of the command line handles keys.
 *
 * File: magic "JTCUSTOD", u8 format = 1, u8 log2 of scrypt's N, u8 r, u8 p, u8 length of the name
 * and the name, 32 public key, 16 salt, 48 the sealed private half (crypto/passphrase.h); all
 * before it is associated data.
 */
#ifndef JETON_CLI_CUSTODIANFILE_H
#define JETON_CLI_CUSTODIANFILE_H

#include "model/custodian.h"

#define JT_PASSPHRASE_MAX 255

/*
 * Asks for a passphrase on the terminal, without echo, or reads the first line of a file. The
 * caller wipes it. JT_EXIT_OK, or an exit code after a message. `twice`: for a new key, of 8
 * characters or more.
 */
int jt_passphrase_get(const char *path, bool twice, char out[static JT_PASSPHRASE_MAX + 1]);

/* Makes a key and its file, which must not be there. JT_EXIT_OK, or JT_EXIT_FAILED after a message.
 */
int jt_custodianfile_make(const char *path, const char *name, const char *passphrase,
                          struct jt_custodian *out);

/*
 * Signs a text. The file must be the custodian's of that name. JT_EXIT_OK, or an exit code after a
 * message.
 */
int jt_custodianfile_sign(const char *path, const char *name, const char *passphrase,
                          const void *text, size_t len, struct jt_approval *out);

#endif
