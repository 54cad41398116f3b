/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/destructfile.h"

#include "base/clock.h"
#include "base/secmem.h"
#include "keeper/keydir.h"
#include "keeper/rowmac.h"
#include "model/ring.h"

#include <string.h>

#define FORMAT   1
#define HEAD_LEN (8 + 1 + 1 + 2)
#define ENTRY_LEN                                                         \
    (8 + JT_CHECK_VALUE_LEN + JT_DESTRUCTION_DIGEST + 1 + 8 + 8 + 8 + 4 + \
     JT_CUSTODIANS_NEEDED * JT_CUSTODIAN_KEY_LEN)
#define FILE_MAX (HEAD_LEN + JT_DESTRUCTIONS_MAX * ENTRY_LEN + JT_ROW_MAC_LEN)

static const char magic[8] = { 'J', 'T', 'K', 'D', 'E', 'S', 'T', 'R' };

static void entry_encode(const struct jt_destruction *d, struct jt_buf *out)
{
    jt_buf_u64(out, d->generation);
    jt_buf_put(out, d->check_value, sizeof d->check_value);
    jt_buf_put(out, d->digest, sizeof d->digest);
    jt_buf_u8(out, d->cancelled);
    jt_buf_u64(out, d->grace_s);
    jt_buf_u64(out, d->passed_ms);
    jt_buf_u64(out, d->system_identifier);
    jt_buf_u32(out, d->timeline);
    jt_buf_put(out, d->approved_by, sizeof d->approved_by);
}

static void entry_decode(struct jt_reader *in, struct jt_destruction *d)
{
    d->generation = jt_reader_u64(in);
    jt_reader_copy(in, d->check_value, sizeof d->check_value);
    jt_reader_copy(in, d->digest, sizeof d->digest);
    uint8_t cancelled = jt_reader_u8(in);
    d->cancelled = cancelled == 1;
    in->bad = in->bad || cancelled > 1;
    d->grace_s = jt_reader_u64(in);
    d->passed_ms = jt_reader_u64(in);
    d->system_identifier = jt_reader_u64(in);
    d->timeline = jt_reader_u32(in);
    jt_reader_copy(in, d->approved_by, sizeof d->approved_by);
}

enum jt_err jt_destructfile_save(int dir_fd, const struct jt_root *root, bool development,
                                 const struct jt_destructions *ds)
{
    struct jt_buf file;
    uint8_t mac[JT_ROW_MAC_LEN];
    jt_buf_init(&file, FILE_MAX);
    jt_buf_put(&file, magic, sizeof magic);
    jt_buf_u8(&file, FORMAT);
    jt_buf_u8(&file, development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u16(&file, (uint16_t)ds->n);
    for (size_t i = 0; i < ds->n; i++) {
        entry_encode(&ds->all[i], &file);
    }
    enum jt_err err = jt_buf_status(&file);
    if (err == JT_OK) {
        err = jt_rowmac_destructions(root, file.data, file.len, mac);
    }
    if (err == JT_OK) {
        jt_buf_put(&file, mac, sizeof mac);
        err = jt_buf_status(&file);
    }
    if (err == JT_OK) {
        err = jt_keydir_replace(dir_fd, JT_KEYDIR_DESTRUCTIONS, file.data, file.len);
    }
    jt_buf_clear(&file);
    return err;
}

static enum jt_err decode(const struct jt_buf *file, const struct jt_root *root, bool development,
                          struct jt_destructions *out)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    if (file->len < HEAD_LEN + JT_ROW_MAC_LEN) {
        return JT_ERR_FILE_ALTERED;
    }
    size_t body_len = file->len - JT_ROW_MAC_LEN;
    enum jt_err err = jt_rowmac_destructions(root, file->data, body_len, mac);
    if (err != JT_OK) {
        return err;
    }
    struct jt_reader in = jt_reader_init(file->data, body_len);
    const uint8_t *m = jt_reader_bytes(&in, sizeof magic);
    uint8_t format = jt_reader_u8(&in), environment = jt_reader_u8(&in);
    size_t n = jt_reader_u16(&in);
    if (!jt_equal_ct(mac, file->data + body_len, sizeof mac) ||
        memcmp(m, magic, sizeof magic) != 0 || format != FORMAT || n > JT_DESTRUCTIONS_MAX) {
        return JT_ERR_FILE_ALTERED;
    }
    if (environment != (development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION)) {
        return JT_ERR_FILE_FOREIGN;
    }
    for (size_t i = 0; i < n; i++) {
        entry_decode(&in, &out->all[i]);
    }
    out->n = n;
    return jt_reader_done(&in) ? JT_OK : JT_ERR_FILE_ALTERED;
}

enum jt_err jt_destructions_load(int dir_fd, const struct jt_root *root, bool development,
                                 struct jt_destructions *out, struct jt_fault *fault)
{
    struct jt_buf file;
    out->counted_ms = out->saved_ms = jt_clock_ms();
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_DESTRUCTIONS, FILE_MAX, &file, fault);
    if (err == JT_ERR_NO_FILE) {
        jt_buf_clear(&file);
        return JT_OK;
    }
    if (err == JT_OK) {
        err = decode(&file, root, development, out);
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, JT_KEYDIR_DESTRUCTIONS);
    }
    jt_buf_clear(&file);
    return err;
}
