/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/root.h"

#include "base/secmem.h"
#include "crypto/kdf.h"
#include "keeper/keydir.h"
#include "model/ring.h"

#include <limits.h>
#include <string.h>

#define ROOT_FORMAT 1
#define HEADER_LEN  (8 + 1 + 1 + 2 + 8 + JT_CHECK_VALUE_LEN)
#define WRAPPED_LEN (JT_WRAP_OVERHEAD + JT_TOKENKEY_ROOT_LEN)
#define FILE_LEN    JT_ROOT_FILE_LEN

_Static_assert(FILE_LEN == HEADER_LEN + WRAPPED_LEN, "the length that others count with");

static const char magic[8] = { 'J', 'T', 'S', 'V', 'R', 'O', 'O', 'T' };

static enum jt_err derive_mac(const struct jt_root *root, enum jt_kdf_role role,
                              struct jt_cmac **out)
{
    uint8_t mac_key[JT_CMAC_KEY_LEN];
    enum jt_err err = jt_kdf_derive(root->key, role, NULL, 0, mac_key, sizeof mac_key);
    if (err == JT_OK) {
        err = jt_cmac_new(mac_key, out);
    }
    jt_wipe(mac_key, sizeof mac_key);
    return err;
}

static enum jt_err derive_honey(struct jt_root *root)
{
    uint8_t key[JT_SIV_256_KEY_LEN];
    enum jt_err err = jt_kdf_derive(root->key, JT_KDF_HONEY, NULL, 0, key, sizeof key);
    if (err == JT_OK) {
        err = jt_siv_new(key, sizeof key, &root->honey);
    }
    jt_wipe(key, sizeof key);
    return err;
}

/* Everything from root->key. */
static enum jt_err derive(struct jt_root *root)
{
    root->may_derive = UINT_MAX;
    enum jt_err err = jt_kdf_derive(root->key, JT_KDF_ROOT_CHECK, NULL, 0, root->check_value,
                                    sizeof root->check_value);
    if (err == JT_OK) {
        err =
            jt_kdf_derive(root->key, JT_KDF_SIGN, NULL, 0, root->sign_seed, sizeof root->sign_seed);
    }
    if (err == JT_OK) {
        err = jt_kdf_derive(root->key, JT_KDF_PARCEL, NULL, 0, root->parcel, sizeof root->parcel);
    }
    if (err == JT_OK) {
        err = jt_sign_public(root->sign_seed, root->sign_public);
    }
    if (err == JT_OK) {
        err = derive_mac(root, JT_KDF_MAC_CLIENT, &root->client_mac);
    }
    if (err == JT_OK) {
        err = derive_mac(root, JT_KDF_MAC_FIELD, &root->field_mac);
    }
    if (err == JT_OK) {
        err = derive_mac(root, JT_KDF_MAC_STATE, &root->state_mac);
    }
    if (err == JT_OK) {
        err = derive_mac(root, JT_KDF_MAC_AUDIT, &root->audit_mac);
    }
    if (err == JT_OK) {
        err = derive_mac(root, JT_KDF_MAC_ONCE, &root->once_mac);
    }
    if (err == JT_OK) {
        err = derive_mac(root, JT_KDF_MAC_GUESS, &root->guess_mac);
    }
    return err == JT_OK ? derive_honey(root) : err;
}

/* With a fresh key where none is given. */
static enum jt_err new_root(const uint8_t *key, struct jt_root **out)
{
    *out = NULL;
    struct jt_root *root = jt_secmem_alloc(sizeof *root);
    if (root == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = JT_OK;
    if (key != NULL) {
        memcpy(root->key, key, sizeof root->key);
    } else {
        err = jt_wrap_random_key(root->key, sizeof root->key);
    }
    if (err == JT_OK) {
        err = derive(root);
    }
    if (err != JT_OK) {
        jt_root_free(root);
        return err;
    }
    *out = root;
    return JT_OK;
}

enum jt_err jt_root_generate(struct jt_root **out)
{
    return new_root(NULL, out);
}

enum jt_err jt_root_new(const uint8_t key[static JT_TOKENKEY_ROOT_LEN], struct jt_root **out)
{
    return new_root(key, out);
}

enum jt_err jt_root_wrap(const struct jt_master *master, const struct jt_root *root,
                         bool development, uint64_t created_s, struct jt_buf *out)
{
    jt_buf_init(out, FILE_LEN);
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u8(out, ROOT_FORMAT);
    jt_buf_u8(out, development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u16(out, 0);
    jt_buf_u64(out, created_s);
    jt_buf_put(out, root->check_value, sizeof root->check_value);
    uint8_t *wrapped = jt_buf_append(out, WRAPPED_LEN);
    enum jt_err err = jt_buf_status(out);
    return err != JT_OK ? err
                        : jt_wrap_seal(master->wrap_key, out->data, HEADER_LEN, root->key,
                                       sizeof root->key, wrapped);
}

enum jt_err jt_root_store(int dir_fd, const struct jt_master *master, const struct jt_root *root,
                          bool development, uint64_t created_s)
{
    struct jt_buf file;
    enum jt_err err = jt_root_wrap(master, root, development, created_s, &file);
    if (err == JT_OK) {
        err = jt_keydir_write_new(dir_fd, JT_KEYDIR_ROOT, file.data, file.len);
    }
    jt_buf_clear(&file);
    return err;
}

/*
 * Checks the header and hands out the check value and the wrapped key, where they lie in the file.
 */
static enum jt_err file_decode(const struct jt_buf *file, bool development, uint64_t *created_s,
                               const uint8_t **check_value, const uint8_t **wrapped,
                               struct jt_fault *fault)
{
    struct jt_reader in = jt_reader_init(file->data, file->len);
    const uint8_t *m = jt_reader_bytes(&in, sizeof magic);
    uint8_t format = jt_reader_u8(&in);
    uint8_t environment = jt_reader_u8(&in);
    uint16_t zero = jt_reader_u16(&in);
    *created_s = jt_reader_u64(&in);
    *check_value = jt_reader_bytes(&in, JT_CHECK_VALUE_LEN);
    *wrapped = jt_reader_bytes(&in, WRAPPED_LEN);
    if (!jt_reader_done(&in) || memcmp(m, magic, sizeof magic) != 0 || format != ROOT_FORMAT ||
        zero != 0 ||
        (environment != JT_ENVIRONMENT_DEVELOPMENT && environment != JT_ENVIRONMENT_PRODUCTION)) {
        return jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                            "%s is not a service root file of this version", JT_KEYDIR_ROOT);
    }
    if (development != (environment == JT_ENVIRONMENT_DEVELOPMENT)) {
        return jt_fault_set(fault, JT_ERR_FILE_FOREIGN, "%s belongs to another environment",
                            JT_KEYDIR_ROOT);
    }
    return JT_OK;
}

static enum jt_err unwrap(const struct jt_buf *file, const struct jt_master *master,
                          bool development, struct jt_root *root, struct jt_fault *fault)
{
    const uint8_t *check_value;
    const uint8_t *wrapped;
    enum jt_err err =
        file_decode(file, development, &root->created_s, &check_value, &wrapped, fault);
    if (err != JT_OK) {
        return err;
    }
    err = jt_wrap_open(master->wrap_key, file->data, HEADER_LEN, wrapped, WRAPPED_LEN, root->key);
    if (err == JT_ERR_DECRYPT) {
        return jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                            "%s was altered, or belongs to another master key", JT_KEYDIR_ROOT);
    }
    if (err == JT_OK) {
        err = derive(root);
    }
    if (err == JT_OK && !jt_equal_ct(root->check_value, check_value, JT_CHECK_VALUE_LEN)) {
        err = jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                           "%s: check value does not agree with the key", JT_KEYDIR_ROOT);
    }
    return err;
}

enum jt_err jt_root_unwrap(const struct jt_buf *file, const struct jt_master *master,
                           bool development, struct jt_root **out, struct jt_fault *fault)
{
    struct jt_root *root = jt_secmem_alloc(sizeof *root);
    enum jt_err err = root != NULL ? unwrap(file, master, development, root, fault) : JT_ERR_NOMEM;
    if (err != JT_OK) {
        jt_root_free(root);
        root = NULL;
    }
    *out = root;
    return err;
}

enum jt_err jt_root_load(int dir_fd, const struct jt_master *master, bool development,
                         struct jt_root **out, struct jt_fault *fault)
{
    *out = NULL;
    struct jt_buf file;
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_ROOT, FILE_LEN, &file, fault);
    if (err == JT_OK) {
        err = jt_root_unwrap(&file, master, development, out, fault);
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, "cannot read %s", JT_KEYDIR_ROOT);
    }
    jt_buf_clear(&file);
    return err;
}

static void forget(struct jt_root_cached *c)
{
    jt_tokenkey_free(c->tk);
    jt_cmac_free(c->numeric);
    *c = (struct jt_root_cached){ .tk = NULL };
}

void jt_root_free(struct jt_root *root)
{
    if (root == NULL) {
        return;
    }
    for (size_t i = 0; i < JT_ROOT_CACHE; i++) {
        forget(&root->cache[i]);
    }
    jt_cmac_free(root->client_mac);
    jt_cmac_free(root->field_mac);
    jt_cmac_free(root->state_mac);
    jt_cmac_free(root->audit_mac);
    jt_cmac_free(root->once_mac);
    jt_cmac_free(root->guess_mac);
    jt_siv_free(root->honey);
    jt_secmem_free(root, sizeof *root);
}

/* The place of a field's keys in the cache. */
static enum jt_err cached(struct jt_root *root, uint32_t field, struct jt_root_cached **out)
{
    struct jt_root_cached *victim = &root->cache[0];
    for (size_t i = 0; i < JT_ROOT_CACHE; i++) {
        struct jt_root_cached *c = &root->cache[i];
        if (c->tk != NULL && c->field == field) {
            c->last_used = ++root->clock;
            *out = c;
            return JT_OK;
        }
        if (c->last_used < victim->last_used) {
            victim = c; /* a free place was last used at 0 */
        }
    }
    if (root->may_derive == 0) {
        return JT_ERR_DERIVATIONS;
    }
    root->may_derive--;
    struct jt_tokenkey *tk;
    enum jt_err err = jt_tokenkey_new(root->key, field, &tk);
    if (err != JT_OK) {
        return err;
    }
    forget(victim);
    *victim = (struct jt_root_cached){ .tk = tk, .field = field, .last_used = ++root->clock };
    *out = victim;
    return JT_OK;
}

enum jt_err jt_root_tokenkey(struct jt_root *root, uint32_t field, struct jt_tokenkey **out)
{
    struct jt_root_cached *c;
    enum jt_err err = cached(root, field, &c);
    *out = err == JT_OK ? c->tk : NULL;
    return err;
}

enum jt_err jt_root_numeric(struct jt_root *root, uint32_t field, struct jt_cmac **out)
{
    struct jt_root_cached *c;
    enum jt_err err = cached(root, field, &c);
    if (err == JT_OK && c->numeric == NULL) {
        uint8_t context[4], key[JT_CMAC_KEY_LEN];
        jt_put_u32(context, field);
        err = jt_kdf_derive(root->key, JT_KDF_NUMERIC, context, sizeof context, key, sizeof key);
        err = err == JT_OK ? jt_cmac_new(key, &c->numeric) : err;
        jt_wipe(key, sizeof key);
    }
    *out = err == JT_OK ? c->numeric : NULL;
    return err;
}
