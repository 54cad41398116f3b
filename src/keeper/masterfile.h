/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed master key: `master.key` of format 2 (docs/key-files.md). What opens it is in no file of
 * the keeper's: a passphrase, k of n shares that custodians hold, or a key in a hardware token.
 *
 * File: magic "JTMASTER", u8 format = 2, u8 environment, u8 method, u8 zero, check value (8), and
 *
 *   method 1, passphrase: u8 log2 of scrypt's N, u8 r, u8 p, 16 salt
 *   method 2, shares:     u8 k, u8 n, 8 set, n times 32 digest of a share
 *   method 3, PKCS #11:   a secret that a key in a token has encrypted (model/pkcs11box.h)
 *
 * then the master key, sealed (48); all before it is associated data. What a share's digest tells
 * is nothing: a share is 32 random bytes. By it a wrong share is refused when it comes, and not
 * with all the others at the end.
 *
 * A token is never given the master key, nor is the master key ever given to whoever speaks with
 * the token: what the token encrypts is a secret made for this alone, and goes to the keeper only.
 *
 * As text (docs/key-files.md) a share is `jks_` and the base32 of u8 version = 1, 8 set, u8 k, u8
 * place, 32 share, 4 of a SHA-256 over all before, in groups of five with hyphens. For typing,
 * capitals are as good, and hyphens and blanks count for nothing.
 */
#ifndef JETON_KEEPER_MASTERFILE_H
#define JETON_KEEPER_MASTERFILE_H

#include "base/buf.h"
#include "crypto/passphrase.h"
#include "crypto/shares.h"
#include "model/pkcs11box.h"
#include "model/sizes.h"

#include <stdbool.h>

#define JT_MASTER_KEY_LEN    32
#define JT_SHARE_SET_LEN     8
#define JT_SHARE_DIGEST_LEN  32
#define JT_SHARE_BYTES       (1 + JT_SHARE_SET_LEN + 1 + 1 + JT_SHARE_LEN + 4)
#define JT_SHARE_TEXT_MAX    127 /* with separators, as typed; what is made is shorter */
#define JT_MASTER_PHRASE_MIN 12  /* characters of a passphrase */
#define JT_MASTER_PHRASE_MAX 255

enum jt_master_method { JT_MASTER_PASSPHRASE = 1, JT_MASTER_SHARES, JT_MASTER_PKCS11 };

struct jt_masterfile {
    bool development;
    uint8_t method; /* enum jt_master_method */
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    struct jt_passphrase_cost cost;
    uint8_t salt[JT_PASSPHRASE_SALT_LEN];
    uint8_t k, n;
    uint8_t set[JT_SHARE_SET_LEN];
    uint8_t digests[JT_SHARES_MAX][JT_SHARE_DIGEST_LEN]; /* of the share at place i + 1 */
    struct jt_pkcs11box box;
    uint8_t sealed[JT_PASSPHRASE_SEALED_LEN];
};

#define JT_MASTERFILE_MAX                                                                      \
    (8 + 4 + JT_CHECK_VALUE_LEN + 2 + JT_SHARE_SET_LEN + JT_SHARES_MAX * JT_SHARE_DIGEST_LEN + \
     JT_PASSPHRASE_SEALED_LEN)

void jt_masterfile_encode(const struct jt_masterfile *f, struct jt_buf *out);
/* JT_ERR_FILE_ALTERED unless canonical. Whether it is authentic shows when it is opened. */
enum jt_err jt_masterfile_decode(const struct jt_buf *in, struct jt_masterfile *f) JT_CHECKED;

/* Whether a file says that it is of this format. */
bool jt_masterfile_is(const struct jt_buf *in);

/*
 * Seals a key; `f` has its environment and check value. JT_ERR_INVALID for a passphrase that is
 * too short or too long, JT_ERR_LIMIT for a k or n that cannot be.
 */
enum jt_err jt_masterfile_seal_phrase(struct jt_masterfile *f, const char *phrase,
                                      const uint8_t key[static JT_MASTER_KEY_LEN]) JT_CHECKED;
enum jt_err jt_masterfile_seal_shares(struct jt_masterfile *f, size_t k, size_t n,
                                      const uint8_t key[static JT_MASTER_KEY_LEN],
                                      struct jt_share *shares) JT_CHECKED;

/* JT_ERR_DECRYPT: not the passphrase, or the file was altered. */
enum jt_err jt_masterfile_open_phrase(const struct jt_masterfile *f, const char *phrase,
                                      uint8_t key[static JT_MASTER_KEY_LEN]) JT_CHECKED;
/* With k of its shares. JT_ERR_DECRYPT: the file was altered. */
enum jt_err jt_masterfile_open_shares(const struct jt_masterfile *f, const struct jt_share *shares,
                                      uint8_t key[static JT_MASTER_KEY_LEN]) JT_CHECKED;

/*
 * By the secret that a token has encrypted, in base32; `f` has the box that it is in.
 * JT_ERR_INVALID where it is not a secret; JT_ERR_DECRYPT: another one, or the file was altered.
 */
enum jt_err jt_masterfile_seal_pkcs11(struct jt_masterfile *f, const char *secret,
                                      const uint8_t key[static JT_MASTER_KEY_LEN]) JT_CHECKED;
enum jt_err jt_masterfile_open_pkcs11(const struct jt_masterfile *f, const char *secret,
                                      uint8_t key[static JT_MASTER_KEY_LEN]) JT_CHECKED;

/* The text of a share, and back. */
enum jt_err jt_share_format(const struct jt_masterfile *f, const struct jt_share *share,
                            char out[static JT_SHARE_TEXT_MAX + 1]) JT_CHECKED;
/*
 * JT_ERR_NOT_SHARE: no share, or mistyped; JT_ERR_SHARE_OTHER: of another set, or not what was
 * given out in this one.
 */
enum jt_err jt_share_parse(const struct jt_masterfile *f, const char *text,
                           struct jt_share *share) JT_CHECKED;

#endif
