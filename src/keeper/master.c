/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/master.h"

#include "base/file.h"
#include "base/secmem.h"
#include "crypto/kdf.h"
#include "keeper/keydir.h"
#include "model/ring.h"

#include <errno.h>
#include <string.h>

#define MASTER_FORMAT   1
#define MASTER_FILE_LEN (8 + 1 + 1 + 2 + JT_CHECK_VALUE_LEN + JT_KDF_KEY_LEN)

static const char magic[8] = { 'J', 'T', 'M', 'A', 'S', 'T', 'E', 'R' };

static void file_encode(const uint8_t check_value[static JT_CHECK_VALUE_LEN],
                        const uint8_t key[static JT_KDF_KEY_LEN], struct jt_buf *out)
{
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u8(out, MASTER_FORMAT);
    jt_buf_u8(out, JT_ENVIRONMENT_DEVELOPMENT);
    jt_buf_u16(out, 0);
    jt_buf_put(out, check_value, JT_CHECK_VALUE_LEN);
    jt_buf_put(out, key, JT_KDF_KEY_LEN);
}

/* Checks everything but the check value and hands out the key's place in the file. */
static enum jt_err file_decode(const struct jt_buf *file, bool development,
                               const uint8_t **check_value, const uint8_t **key,
                               struct jt_fault *fault)
{
    struct jt_reader in = jt_reader_init(file->data, file->len);
    const uint8_t *m = jt_reader_bytes(&in, sizeof magic);
    uint8_t format = jt_reader_u8(&in);
    uint8_t environment = jt_reader_u8(&in);
    uint16_t zero = jt_reader_u16(&in);
    *check_value = jt_reader_bytes(&in, JT_CHECK_VALUE_LEN);
    *key = jt_reader_bytes(&in, JT_KDF_KEY_LEN);
    if (!jt_reader_done(&in) || memcmp(m, magic, sizeof magic) != 0 || format != MASTER_FORMAT ||
        zero != 0 || environment != JT_ENVIRONMENT_DEVELOPMENT) {
        return jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                            "%s is not a master key file of this version", JT_KEYDIR_MASTER);
    }
    if (!development) {
        return jt_fault_set(
            fault, JT_ERR_FILE_FOREIGN,
            "%s is marked development: refused, because the environment is production",
            JT_KEYDIR_MASTER);
    }
    return JT_OK;
}

static enum jt_err derive(const uint8_t key[static JT_KDF_KEY_LEN], struct jt_master *m)
{
    enum jt_err err =
        jt_kdf_derive(key, JT_KDF_MASTER_CHECK, NULL, 0, m->check_value, sizeof m->check_value);
    if (err == JT_OK) {
        err = jt_kdf_derive(key, JT_KDF_WRAP, NULL, 0, m->wrap_key, sizeof m->wrap_key);
    }
    if (err == JT_OK) {
        err = jt_kdf_derive(key, JT_KDF_JOIN, NULL, 0, m->join, sizeof m->join);
    }
    if (err == JT_OK) {
        err = jt_kdf_derive(key, JT_KDF_ESCROW, NULL, 0, m->escrow, sizeof m->escrow);
    }
    return err;
}

static enum jt_err generate(uint8_t key[static JT_KDF_KEY_LEN], struct jt_master *master,
                            struct jt_buf *file)
{
    enum jt_err err = jt_wrap_random_key(key, JT_KDF_KEY_LEN);
    if (err == JT_OK) {
        err = derive(key, master);
    }
    if (err == JT_OK) {
        file_encode(master->check_value, key, file);
        err = jt_buf_status(file);
    }
    return err;
}

enum jt_err jt_master_generate(struct jt_master **out, struct jt_buf *file, struct jt_fault *fault)
{
    jt_buf_init(file, MASTER_FILE_LEN);
    struct jt_master *master = jt_secmem_alloc(sizeof *master);
    uint8_t *key = jt_secmem_alloc(JT_KDF_KEY_LEN);
    enum jt_err err = master != NULL && key != NULL ? generate(key, master, file) : JT_ERR_NOMEM;
    jt_secmem_free(key, JT_KDF_KEY_LEN);
    if (err != JT_OK) {
        jt_fault_set(fault, err, "cannot make a master key");
        jt_master_free(master);
        master = NULL;
    }
    *out = master;
    return err;
}

enum jt_err jt_master_store(int dir_fd, const struct jt_buf *file, struct jt_fault *fault)
{
    enum jt_err err = jt_file_write_new(dir_fd, JT_KEYDIR_MASTER, file->data, file->len);
    if (err != JT_OK) {
        jt_fault_set(fault, err, "cannot write %s%s%s", JT_KEYDIR_MASTER,
                     err == JT_ERR_IO ? ": " : "", err == JT_ERR_IO ? strerror(errno) : "");
    }
    return err;
}

static enum jt_err load(const struct jt_buf *file, bool development, struct jt_master *master,
                        struct jt_fault *fault)
{
    const uint8_t *check_value;
    const uint8_t *key;
    enum jt_err err = file_decode(file, development, &check_value, &key, fault);
    if (err != JT_OK) {
        return err;
    }
    err = derive(key, master);
    if (err != JT_OK) {
        return jt_fault_set(fault, err, "cannot derive keys");
    }
    if (!jt_equal_ct(master->check_value, check_value, JT_CHECK_VALUE_LEN)) {
        return jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                            "%s is damaged: its check value does not agree with its key",
                            JT_KEYDIR_MASTER);
    }
    return JT_OK;
}

enum jt_err jt_master_load(int dir_fd, bool development, struct jt_master **out,
                           struct jt_fault *fault)
{
    *out = NULL;
    struct jt_buf file;
    struct jt_master *master = NULL;
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_MASTER, MASTER_FILE_LEN, &file, fault);
    if (err == JT_OK) {
        master = jt_secmem_alloc(sizeof *master);
        err = master != NULL ? load(&file, development, master, fault) : JT_ERR_NOMEM;
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, "cannot read %s", JT_KEYDIR_MASTER);
        jt_master_free(master);
        master = NULL;
    }
    jt_buf_clear(&file);
    *out = master;
    return err;
}

enum jt_err jt_master_new(const uint8_t key[static JT_MASTER_KEY_LEN], struct jt_master **out)
{
    struct jt_master *master = jt_secmem_alloc(sizeof *master);
    enum jt_err err = master != NULL ? derive(key, master) : JT_ERR_NOMEM;
    if (err != JT_OK) {
        jt_master_free(master);
        master = NULL;
    }
    *out = master;
    return err;
}

void jt_master_free(struct jt_master *master)
{
    jt_secmem_free(master, sizeof *master);
}
