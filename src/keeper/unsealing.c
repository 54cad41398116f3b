/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/unsealing.h"

#include "base/secmem.h"
#include "crypto/kdf.h"
#include "crypto/wrap.h"
#include "keeper/keydir.h"

#include <string.h>

static enum jt_err read_file(int dir_fd, struct jt_buf *out, struct jt_fault *fault)
{
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_MASTER, JT_MASTERFILE_MAX, out, fault);
    return err == JT_OK ? JT_OK : jt_fault_set(fault, err, "cannot read %s", JT_KEYDIR_MASTER);
}

static enum jt_err take_file(struct jt_unsealing *u, const struct jt_buf *bytes, bool development,
                             struct jt_fault *fault)
{
    enum jt_err err = jt_masterfile_decode(bytes, &u->file);
    if (err != JT_OK) {
        return jt_fault_set(fault, err, "%s is not a master key file of this version",
                            JT_KEYDIR_MASTER);
    }
    if (u->file.development != development) {
        return jt_fault_set(fault, JT_ERR_FILE_FOREIGN,
                            "%s is marked %s: refused, because the environment is %s",
                            JT_KEYDIR_MASTER, u->file.development ? "development" : "production",
                            development ? "development" : "production");
    }
    memcpy(u->file_bytes, bytes->data, bytes->len);
    u->file_len = bytes->len;
    return JT_OK;
}

enum jt_err jt_unsealing_of(const struct jt_buf *bytes, bool development, struct jt_unsealing **out,
                            struct jt_fault *fault)
{
    struct jt_unsealing *u = jt_secmem_alloc(sizeof *u);
    enum jt_err err =
        u == NULL ? jt_fault_raise(fault, JT_ERR_NOMEM) : take_file(u, bytes, development, fault);
    if (err != JT_OK) {
        jt_unsealing_free(u);
        u = NULL;
    }
    *out = u;
    return err;
}

enum jt_err jt_unsealing_new(int dir_fd, bool development, struct jt_unsealing **out,
                             struct jt_fault *fault)
{
    *out = NULL;
    struct jt_buf bytes;
    enum jt_err err = read_file(dir_fd, &bytes, fault);
    if (err == JT_OK && jt_masterfile_is(&bytes)) {
        err = jt_unsealing_of(&bytes, development, out, fault);
    }
    jt_buf_clear(&bytes);
    return err;
}

void jt_unsealing_free(struct jt_unsealing *u)
{
    jt_secmem_free(u, sizeof *u);
}

void jt_unsealing_forget(struct jt_unsealing *u)
{
    if (u != NULL) {
        u->n = 0;
        jt_wipe(u->given, sizeof u->given);
    }
}

enum jt_err jt_unsealing_check(const struct jt_unsealing *u, int dir_fd, struct jt_fault *fault)
{
    struct jt_buf bytes;
    enum jt_err err = read_file(dir_fd, &bytes, fault);
    if (err == JT_OK &&
        (bytes.len != u->file_len || memcmp(bytes.data, u->file_bytes, bytes.len) != 0)) {
        err = jt_fault_set(fault, JT_ERR_DIRECTORY_BAD, "%s is another than at the start",
                           JT_KEYDIR_MASTER);
    }
    jt_buf_clear(&bytes);
    return err;
}

static enum jt_err take_share(struct jt_unsealing *u, const char *share, bool *complete,
                              uint8_t key[static JT_MASTER_KEY_LEN])
{
    struct jt_share *next = &u->given[u->n];
    enum jt_err err = jt_share_parse(&u->file, share, next);
    for (size_t i = 0; i < u->n && err == JT_OK; i++) {
        err = u->given[i].x == next->x ? JT_ERR_SHARE_AGAIN : JT_OK;
    }
    if (err != JT_OK) {
        jt_wipe(next, sizeof *next);
        return err;
    }
    if (++u->n == u->file.k) {
        *complete = true;
        err = jt_masterfile_open_shares(&u->file, u->given, key);
        jt_unsealing_forget(u);
    }
    /* all of them are those that were given out: it is the file that is wrong */
    return err == JT_ERR_DECRYPT ? JT_ERR_FILE_ALTERED : err;
}

/* What each method takes. */
static const uint8_t kinds[] = { [JT_MASTER_PASSPHRASE] = JT_UNSEAL_PHRASE,
                                 [JT_MASTER_SHARES] = JT_UNSEAL_SHARE,
                                 [JT_MASTER_PKCS11] = JT_UNSEAL_PKCS11 };

enum jt_err jt_unsealing_give(struct jt_unsealing *u, const struct jt_unseal *given, bool *complete,
                              uint8_t key[static JT_MASTER_KEY_LEN])
{
    enum jt_err err;
    *complete = false;
    if (given->kind != kinds[u->file.method]) {
        return JT_ERR_OTHER_METHOD;
    }
    switch (given->kind) {
    case JT_UNSEAL_SHARE: return take_share(u, given->text, complete, key);
    case JT_UNSEAL_PHRASE:
        err = jt_masterfile_open_phrase(&u->file, given->text, key);
        err = err == JT_ERR_DECRYPT ? JT_ERR_PHRASE_WRONG : err;
        break;
    default:
        err = jt_masterfile_open_pkcs11(&u->file, given->text, key);
        err = err == JT_ERR_DECRYPT || err == JT_ERR_INVALID ? JT_ERR_PKCS11_WRONG : err;
    }
    *complete = err == JT_OK;
    return err;
}

enum jt_err jt_unsealing_check_value(const uint8_t key[static JT_MASTER_KEY_LEN],
                                     uint8_t out[static JT_CHECK_VALUE_LEN])
{
    return jt_kdf_derive(key, JT_KDF_MASTER_CHECK, NULL, 0, out, JT_CHECK_VALUE_LEN);
}

enum jt_err jt_unsealing_fresh_key(struct jt_masterfile *file,
                                   uint8_t key[static JT_MASTER_KEY_LEN])
{
    enum jt_err err = jt_wrap_random_key(key, JT_MASTER_KEY_LEN);
    return err == JT_OK ? jt_unsealing_check_value(key, file->check_value) : err;
}
