/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret that a key in a hardware token (PKCS #11) has encrypted, and where that key is found.
 *
 * Bytes: text label of the token, text serial number of the token, text label of the key, text id
 * of the key, each with a u8 length before it, then nonce (12) and the secret (32) with its tag
 * (16): AES-256-GCM (CKM_AES_GCM, PKCS #11 v3.0 mechanisms, section 2.13) under
 * JT_PKCS11_ASSOCIATED. The names are there to find the key by: which key it was shows by the tag
 * alone.
 */
#ifndef JETON_MODEL_PKCS11BOX_H
#define JETON_MODEL_PKCS11BOX_H

#include "base/buf.h"

#define JT_PKCS11_TOKEN_MAX  32 /* CK_TOKEN_INFO: label[32], serialNumber[16] */
#define JT_PKCS11_SERIAL_MAX 16
#define JT_PKCS11_KEY_MAX    64
#define JT_PKCS11_ID_MAX     32
#define JT_PKCS11_NONCE_LEN  12
#define JT_PKCS11_SECRET_LEN 32
#define JT_PKCS11_TAG_LEN    16
#define JT_PKCS11_SEALED_LEN (JT_PKCS11_SECRET_LEN + JT_PKCS11_TAG_LEN)
#define JT_PKCS11_BOX_MAX                                                                    \
    (4 + JT_PKCS11_TOKEN_MAX + JT_PKCS11_SERIAL_MAX + JT_PKCS11_KEY_MAX + JT_PKCS11_ID_MAX + \
     JT_PKCS11_NONCE_LEN + JT_PKCS11_SEALED_LEN)
#define JT_PKCS11_ASSOCIATED "jeton/v1/pkcs11" /* without its NUL: the associated data */

struct jt_pkcs11box {
    char token[JT_PKCS11_TOKEN_MAX + 1]; /* without the blanks that fill it up */
    char serial[JT_PKCS11_SERIAL_MAX + 1];
    char key[JT_PKCS11_KEY_MAX + 1]; /* CKA_LABEL */
    uint8_t id_len;
    uint8_t id[JT_PKCS11_ID_MAX]; /* CKA_ID */
    uint8_t nonce[JT_PKCS11_NONCE_LEN];
    uint8_t sealed[JT_PKCS11_SEALED_LEN];
};

void jt_pkcs11box_encode(const struct jt_pkcs11box *box, struct jt_buf *out);
/* Marks `in` bad where it is none: names are not empty, and of characters that can be shown. */
void jt_pkcs11box_decode(struct jt_reader *in, struct jt_pkcs11box *box);

/* Whether it can be the label of a token or a key, as it is given to a command. */
bool jt_pkcs11_name_valid(const char *name, size_t max);

#endif
