/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key in the token that encrypts: AES of 256 bits, made in the token, which never gives it out.
 * A key that can leave the token, or could once, is refused. Functions return JT_EXIT_OK, or an
 * exit code after a message.
 */
#ifndef JETON_PKCS11_KEY_H
#define JETON_PKCS11_KEY_H

#include "pkcs11/session.h"

struct jt_pkcs11_key {
    CK_OBJECT_HANDLE handle;
    size_t id_len;
    uint8_t id[JT_PKCS11_ID_MAX];
};

/* By its label; and by its id, where `id` is not NULL. There must be one, and a good one. */
int jt_pkcs11_key_find(const struct jt_pkcs11_session *s, const char *label, const uint8_t *id,
                       size_t id_len, struct jt_pkcs11_key *out);

/* Makes one. The session is one that writes. */
int jt_pkcs11_key_make(const struct jt_pkcs11_session *s, const char *label,
                       struct jt_pkcs11_key *out);

#endif
