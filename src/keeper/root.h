/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service root: the one permanent secret of an installation, and every key derived from it. All
 * keepers of the installation hold the same. Under it stand the MACs of rows and of the state file,
 * the seed of the certificates' signatures, and the token key of every field; it protects no card
 * number, and it never rolls.
 *
 * The file `service-root.key` (docs/key-files.md), written once: magic "JTSVROOT", u8 format = 1,
 * u8 environment, u16 zero, u64 creation time (seconds since 1970), check value (8), then the key
 * wrapped by AES-256-SIV under the master key (16 + 32 bytes). The whole header is associated data
 * of the wrap.
 */
#ifndef JETON_KEEPER_ROOT_H
#define JETON_KEEPER_ROOT_H

#include "crypto/cmac.h"
#include "crypto/sign.h"
#include "crypto/siv.h"
#include "crypto/tokenkey.h"
#include "keeper/master.h"
#include "keeper/parcel.h"
#include "base/fault.h"

#define JT_ROOT_CACHE 512 /* token keys */
#define JT_ROOT_FILE_LEN \
    (8 + 1 + 1 + 2 + 8 + JT_CHECK_VALUE_LEN + JT_WRAP_OVERHEAD + JT_TOKENKEY_ROOT_LEN)

/* A token key of the cache. */
struct jt_root_cached {
    struct jt_tokenkey *tk;  /* NULL: free */
    struct jt_cmac *numeric; /* the same field's key of numeric tokens; NULL: not asked for yet */
    uint32_t field;
    uint64_t last_used;
};

/* Lives in secret memory. */
struct jt_root {
    uint8_t key[JT_TOKENKEY_ROOT_LEN];   /* kept for the token keys of fields to come */
    uint8_t sign_seed[JT_SIGN_SEED_LEN]; /* certificates */
    uint8_t sign_public[JT_SIGN_PUBLIC_LEN];
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint8_t parcel[JT_PARCEL_BASE_LEN]; /* keys on their way: keeper/parcel.h */
    uint64_t created_s;                 /* since 1970: for people */
    struct jt_cmac *client_mac;         /* client rows and credentials */
    struct jt_cmac *field_mac;          /* field rows */
    struct jt_cmac *state_mac;          /* generation rows, ring row, node rows, state file */
    struct jt_cmac *audit_mac;          /* starts and links of the audit trail */
    struct jt_cmac *once_mac;           /* requests with an Idempotency-Key */
    struct jt_cmac *guess_mac;          /* guesses at card numbers */
    struct jt_siv *honey;               /* the set of honey marks */
    struct jt_root_cached cache[JT_ROOT_CACHE];
    uint64_t clock; /* of the cache */
    /* how many token keys may be derived from here on: set before each request */
    unsigned may_derive;
};

/* Makes a new one in memory, or that of a key which came from elsewhere. */
enum jt_err jt_root_generate(struct jt_root **out) JT_CHECKED;
enum jt_err jt_root_new(const uint8_t key[static JT_TOKENKEY_ROOT_LEN],
                        struct jt_root **out) JT_CHECKED;

/*
 * Makes the file. Durable when it returns. JT_ERR_FILE_EXISTS when there is one, JT_ERR_IO,
 * JT_ERR_CRYPTO.
 */
enum jt_err jt_root_store(int dir_fd, const struct jt_master *master, const struct jt_root *root,
                          bool development, uint64_t created_s) JT_CHECKED;

/*
 * JT_ERR_NO_FILE, JT_ERR_FILE_UNSAFE, JT_ERR_FILE_FOREIGN (other environment), JT_ERR_FILE_ALTERED
 * (malformed, altered, another master key's), JT_ERR_IO, JT_ERR_CRYPTO.
 */
enum jt_err jt_root_load(int dir_fd, const struct jt_master *master, bool development,
                         struct jt_root **out, struct jt_fault *fault) JT_CHECKED;

/* The bytes of the file, and back. `out` is initialised here, to be cleared by the caller. */
enum jt_err jt_root_wrap(const struct jt_master *master, const struct jt_root *root,
                         bool development, uint64_t created_s, struct jt_buf *out) JT_CHECKED;
enum jt_err jt_root_unwrap(const struct jt_buf *file, const struct jt_master *master,
                           bool development, struct jt_root **out,
                           struct jt_fault *fault) JT_CHECKED;

/* NULL is accepted. */
void jt_root_free(struct jt_root *root);

/*
 * The token key of a field, owned by the cache and valid until the next call: it may take the place
 * of another. JT_ERR_DERIVATIONS as of jt_keyring_fieldkey.
 */
enum jt_err jt_root_tokenkey(struct jt_root *root, uint32_t field,
                             struct jt_tokenkey **out) JT_CHECKED;

/* The key by which numeric tokens of a field are found; as jt_root_tokenkey. */
enum jt_err jt_root_numeric(struct jt_root *root, uint32_t field, struct jt_cmac **out) JT_CHECKED;

#endif
