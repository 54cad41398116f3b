/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/genfile.h"

#include "base/secmem.h"
#include "crypto/kdf.h"
#include "keeper/keydir.h"
#include "model/ring.h"

#include <inttypes.h>
#include <string.h>

#define GENERATION_FORMAT 2
#define WITHOUT_ORIGIN    1
#define HEADER_LEN        (8 + 1 + 1 + 1 + 1 + 8 + 8 + JT_CHECK_VALUE_LEN)
#define WRAPPED_LEN       (JT_WRAP_OVERHEAD + JT_GENERATION_KEY_LEN)
#define FILE_LEN          JT_GENFILE_LEN

_Static_assert(FILE_LEN == HEADER_LEN + WRAPPED_LEN, "the length that others count with");

static const char magic[8] = { 'J', 'T', 'G', 'E', 'N', 'K', 'E', 'Y' };

enum { FOREIGN = 1 };

enum jt_err jt_genfile_check_value(const uint8_t key[static JT_GENERATION_KEY_LEN],
                                   uint8_t out[static JT_CHECK_VALUE_LEN])
{
    return jt_kdf_derive(key, JT_KDF_CHECK, NULL, 0, out, JT_CHECK_VALUE_LEN);
}

static void header_encode(const struct jt_genfile *meta, struct jt_buf *out)
{
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u8(out, GENERATION_FORMAT);
    jt_buf_u8(out, meta->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u8(out, meta->key_id);
    jt_buf_u8(out, meta->foreign ? FOREIGN : 0);
    jt_buf_u64(out, meta->number);
    jt_buf_u64(out, meta->created_s);
    jt_buf_put(out, meta->check_value, sizeof meta->check_value);
}

static bool header_decode(struct jt_reader *in, struct jt_genfile *meta)
{
    const uint8_t *m = jt_reader_bytes(in, sizeof magic);
    uint8_t format = jt_reader_u8(in);
    uint8_t environment = jt_reader_u8(in);
    meta->development = environment == JT_ENVIRONMENT_DEVELOPMENT;
    meta->key_id = jt_reader_u8(in);
    uint8_t origin = jt_reader_u8(in);
    meta->foreign = origin == FOREIGN;
    meta->number = jt_reader_u64(in);
    meta->created_s = jt_reader_u64(in);
    jt_reader_copy(in, meta->check_value, sizeof meta->check_value);
    return !in->bad && memcmp(m, magic, sizeof magic) == 0 && format >= WITHOUT_ORIGIN &&
           format <= GENERATION_FORMAT && origin <= (format == WITHOUT_ORIGIN ? 0 : FOREIGN) &&
           meta->key_id != 0 && (meta->development || environment == JT_ENVIRONMENT_PRODUCTION);
}

enum jt_err jt_genfile_wrap(const struct jt_master *master, const struct jt_genfile *meta,
                            const uint8_t key[static JT_GENERATION_KEY_LEN], struct jt_buf *out)
{
    jt_buf_init(out, FILE_LEN);
    header_encode(meta, out);
    uint8_t *wrapped = jt_buf_append(out, WRAPPED_LEN);
    enum jt_err err = jt_buf_status(out);
    return err != JT_OK ? err
                        : jt_wrap_seal(master->wrap_key, out->data, HEADER_LEN, key,
                                       JT_GENERATION_KEY_LEN, wrapped);
}

enum jt_err jt_genfile_create(int dir_fd, const struct jt_master *master,
                              const struct jt_genfile *meta,
                              const uint8_t key[static JT_GENERATION_KEY_LEN])
{
    struct jt_buf file;
    enum jt_err err = jt_genfile_wrap(master, meta, key, &file);
    if (err == JT_OK) {
        char name[JT_KEYDIR_NAME_LEN];
        jt_keydir_generation_name(meta->number, name);
        err = jt_keydir_write_new(dir_fd, name, file.data, file.len);
    }
    jt_buf_clear(&file);
    return err;
}

enum jt_err jt_genfile_unwrap(const struct jt_buf *file, const struct jt_master *master,
                              bool development, uint64_t number, struct jt_genfile *meta,
                              uint8_t key[static JT_GENERATION_KEY_LEN], struct jt_fault *fault)
{
    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_generation_name(number, name);
    struct jt_reader in = jt_reader_init(file->data, file->len);
    if (!header_decode(&in, meta) || in.left != WRAPPED_LEN) {
        return jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                            "%s is not a generation key file of this version", name);
    }
    if (meta->number != number) {
        return jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                            "%s holds the key of generation %" PRIu64
                            ": files were renamed or swapped",
                            name, meta->number);
    }
    if (meta->development != development) {
        return jt_fault_set(fault, JT_ERR_FILE_FOREIGN, "%s belongs to another environment", name);
    }
    enum jt_err err =
        jt_wrap_open(master->wrap_key, file->data, HEADER_LEN, in.p, WRAPPED_LEN, key);
    if (err == JT_ERR_DECRYPT) {
        return jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                            "%s was altered, or belongs to another master key", name);
    }
    uint8_t check_value[JT_CHECK_VALUE_LEN] = { 0 };
    if (err == JT_OK) {
        err = jt_genfile_check_value(key, check_value);
    }
    if (err == JT_OK && !jt_equal_ct(check_value, meta->check_value, sizeof check_value)) {
        err = jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                           "%s: check value does not agree with the key", name);
    }
    return err;
}

enum jt_err jt_genfile_load(int dir_fd, const struct jt_master *master, bool development,
                            uint64_t number, struct jt_genfile *meta,
                            uint8_t key[static JT_GENERATION_KEY_LEN], struct jt_fault *fault)
{
    *meta = (struct jt_genfile){ 0 };
    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_generation_name(number, name);
    struct jt_buf file;
    enum jt_err err = jt_keydir_read(dir_fd, name, FILE_LEN, &file, fault);
    if (err == JT_OK) {
        err = jt_genfile_unwrap(&file, master, development, number, meta, key, fault);
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, "cannot read %s", name);
        jt_wipe(key, JT_GENERATION_KEY_LEN);
        *meta = (struct jt_genfile){ 0 };
    }
    jt_buf_clear(&file);
    return err;
}

enum jt_err jt_genfile_erase(int dir_fd, uint64_t number)
{
    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_generation_name(number, name);
    return jt_keydir_erase(dir_fd, name);
}
