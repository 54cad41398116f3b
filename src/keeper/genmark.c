/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/genmark.h"

#include "base/secmem.h"
#include "keeper/keydir.h"
#include "keeper/rowmac.h"
#include "model/ring.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MARK_FORMAT 1
#define BODY_LEN    (8 + 1 + 1 + 1 + 1 + 8 + JT_CHECK_VALUE_LEN)
#define FILE_LEN    (BODY_LEN + JT_ROW_MAC_LEN)

static const char magic[8] = { 'J', 'T', 'G', 'E', 'N', 'U', 'S', 'E' };

static void body_encode(const struct jt_genfile *meta, struct jt_buf *out)
{
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u8(out, MARK_FORMAT);
    jt_buf_u8(out, meta->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u8(out, meta->key_id);
    jt_buf_u8(out, 0);
    jt_buf_u64(out, meta->number);
    jt_buf_put(out, meta->check_value, sizeof meta->check_value);
}

enum jt_err jt_genmark_write(int dir_fd, const struct jt_root *root, const struct jt_genfile *meta)
{
    struct jt_buf file;
    uint8_t mac[JT_ROW_MAC_LEN];
    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_mark_name(meta->number, name);
    jt_buf_init(&file, FILE_LEN);
    body_encode(meta, &file);
    enum jt_err err = jt_buf_status(&file);
    if (err == JT_OK) {
        err = jt_rowmac_mark(root, file.data, file.len, mac);
    }
    if (err == JT_OK) {
        jt_buf_put(&file, mac, sizeof mac);
        err = jt_buf_status(&file);
    }
    if (err == JT_OK) {
        err = jt_keydir_write_new(dir_fd, name, file.data, file.len);
    }
    jt_buf_clear(&file);
    if (err == JT_ERR_FILE_EXISTS) {
        struct jt_fault ignored = { 0 };
        err = jt_genmark_check(dir_fd, root, meta->development, meta->number, meta, &ignored);
    }
    return err;
}

enum jt_err jt_genmark_erase(int dir_fd, uint64_t number)
{
    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_mark_name(number, name);
    if (unlinkat(dir_fd, name, 0) != 0) {
        return errno == ENOENT ? JT_OK : JT_ERR_IO;
    }
    return fsync(dir_fd) == 0 ? JT_OK : JT_ERR_IO;
}

static enum jt_err decode(const struct jt_buf *file, const struct jt_root *root,
                          struct jt_genfile *meta)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    if (file->len != FILE_LEN) {
        return JT_ERR_FILE_ALTERED;
    }
    enum jt_err err = jt_rowmac_mark(root, file->data, BODY_LEN, mac);
    if (err != JT_OK) {
        return err;
    }
    struct jt_reader in = jt_reader_init(file->data, BODY_LEN);
    const uint8_t *m = jt_reader_bytes(&in, sizeof magic);
    uint8_t format = jt_reader_u8(&in);
    uint8_t environment = jt_reader_u8(&in);
    meta->development = environment == JT_ENVIRONMENT_DEVELOPMENT;
    meta->key_id = jt_reader_u8(&in);
    uint8_t zero = jt_reader_u8(&in);
    meta->number = jt_reader_u64(&in);
    jt_reader_copy(&in, meta->check_value, sizeof meta->check_value);
    bool good = jt_equal_ct(mac, file->data + BODY_LEN, sizeof mac) && jt_reader_done(&in) &&
                memcmp(m, magic, sizeof magic) == 0 && format == MARK_FORMAT && zero == 0 &&
                (meta->development || environment == JT_ENVIRONMENT_PRODUCTION);
    return good ? JT_OK : JT_ERR_FILE_ALTERED;
}

enum jt_err jt_genmark_check(int dir_fd, const struct jt_root *root, bool development,
                             uint64_t number, const struct jt_genfile *meta, struct jt_fault *fault)
{
    struct jt_genfile marked = { 0 };
    struct jt_buf file;
    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_mark_name(number, name);
    enum jt_err err = jt_keydir_read(dir_fd, name, FILE_LEN, &file, fault);
    if (err == JT_OK) {
        err = decode(&file, root, &marked);
    }
    jt_buf_clear(&file);
    if (err == JT_OK && marked.development != development) {
        err = JT_ERR_FILE_FOREIGN;
    }
    bool same = meta == NULL ||
                (marked.key_id == meta->key_id &&
                 jt_equal_ct(marked.check_value, meta->check_value, sizeof marked.check_value));
    if (err == JT_OK && (marked.number != number || !same)) {
        err = JT_ERR_FILE_ALTERED;
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, "%s%s", name,
                     err == JT_ERR_FILE_ALTERED ? ": or it is another key's mark" : "");
    }
    return err;
}
