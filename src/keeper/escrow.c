/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/escrow.h"

#include "base/secmem.h"
#include "crypto/kdf.h"

#include <string.h>

#define ESCROW_FORMAT   1
#define MASTER_CHECK_AT 20

enum { USED = 1 << 0 };

static const char magic[8] = { 'J', 'T', 'E', 'S', 'C', 'R', 'O', 'W' };

_Static_assert(JT_GENERATION_KEY_LEN == 32 && JT_TOKENKEY_ROOT_LEN == 32 && JT_WRAP_OVERHEAD == 16,
               "the lengths that JT_ESCROW_MAX counts with");

static void clear_encode(const struct jt_master *master, const struct jt_escrow *escrow,
                         struct jt_buf *out)
{
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u8(out, ESCROW_FORMAT);
    jt_buf_u8(out,
              escrow->state.development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u16(out, (uint16_t)escrow->n);
    jt_buf_u64(out, escrow->created_s);
    jt_buf_put(out, master->check_value, sizeof master->check_value);
    jt_buf_put(out, escrow->root_check_value, sizeof escrow->root_check_value);
    jt_buf_u64(out, escrow->epoch);
    for (size_t i = 0; i < escrow->n; i++) {
        const struct jt_genfile *meta = &escrow->entries[i].meta;
        jt_buf_u64(out, meta->number);
        jt_buf_u8(out, meta->key_id);
        jt_buf_u8(out, meta->used ? USED : 0);
        jt_buf_put(out, meta->check_value, sizeof meta->check_value);
    }
}

static void sealed_encode(const struct jt_escrow *escrow, struct jt_buf *out)
{
    const struct jt_keeper_state *state = &escrow->state;
    jt_buf_u64(out, escrow->root_created_s);
    jt_buf_put(out, escrow->root, sizeof escrow->root);
    for (size_t i = 0; i < escrow->n; i++) {
        jt_buf_u64(out, escrow->entries[i].meta.created_s);
        jt_buf_put(out, escrow->entries[i].key, sizeof escrow->entries[i].key);
    }
    jt_buf_u64(out, state->highest_generation);
    for (size_t i = 0; i < 2; i++) {
        jt_buf_u64(out, state->seen[i].version);
        jt_buf_put(out, state->seen[i].mac, sizeof state->seen[i].mac);
    }
    jt_buf_u64(out, state->operators_revoked);
    jt_buf_u64(out, state->numeric.mark);
    jt_buf_u64(out, state->numeric.system_identifier);
    jt_buf_u32(out, state->numeric.timeline);
    jt_state_marks_encode(state, out);
}

enum jt_err jt_escrow_seal(const struct jt_master *master, const struct jt_escrow *escrow,
                           struct jt_escrow_file *out)
{
    struct jt_buf clear, sealed;
    jt_buf_init(&clear, JT_ESCROW_MAX);
    jt_buf_init(&sealed, JT_ESCROW_MAX);
    out->len = 0;
    clear_encode(master, escrow, &clear);
    sealed_encode(escrow, &sealed);
    enum jt_err err = jt_buf_status(&clear);
    err = err == JT_OK ? jt_buf_status(&sealed) : err;
    size_t len = clear.len + JT_WRAP_OVERHEAD + sealed.len;
    if (err == JT_OK && len > sizeof out->bytes) {
        err = JT_ERR_LIMIT;
    }
    if (err == JT_OK) {
        memcpy(out->bytes, clear.data, clear.len);
        err = jt_wrap_seal(master->escrow, clear.data, clear.len, sealed.data, sealed.len,
                           out->bytes + clear.len);
    }
    if (err == JT_OK) {
        out->len = len;
    }
    jt_buf_clear(&clear);
    jt_buf_clear(&sealed);
    return err;
}

const uint8_t *jt_escrow_master_check_value(const struct jt_escrow_file *file)
{
    bool long_enough = file->len >= MASTER_CHECK_AT + JT_CHECK_VALUE_LEN;
    return long_enough ? file->bytes + MASTER_CHECK_AT : NULL;
}

/* One whole number after another, so that none comes twice and a file has one form. */
static void entries_decode(struct jt_reader *in, struct jt_escrow *escrow)
{
    uint64_t last = 0;
    for (size_t i = 0; i < escrow->n && !in->bad; i++) {
        struct jt_genfile *meta = &escrow->entries[i].meta;
        meta->development = escrow->state.development;
        meta->number = jt_reader_u64(in);
        meta->key_id = jt_reader_u8(in);
        uint8_t flags = jt_reader_u8(in);
        meta->used = flags == USED;
        meta->foreign = true;
        jt_reader_copy(in, meta->check_value, sizeof meta->check_value);
        in->bad = in->bad || meta->number <= last || meta->key_id == 0 || (flags & ~USED) != 0;
        last = meta->number;
    }
}

static enum jt_err clear_decode(struct jt_reader *in, bool development, struct jt_escrow *escrow)
{
    const uint8_t *m = jt_reader_bytes(in, sizeof magic);
    uint8_t format = jt_reader_u8(in);
    uint8_t environment = jt_reader_u8(in);
    escrow->state.development = environment == JT_ENVIRONMENT_DEVELOPMENT;
    escrow->n = jt_reader_u16(in);
    escrow->created_s = jt_reader_u64(in);
    (void)jt_reader_bytes(in, JT_CHECK_VALUE_LEN); /* the master key's: the sealed part tells */
    jt_reader_copy(in, escrow->root_check_value, sizeof escrow->root_check_value);
    escrow->epoch = jt_reader_u64(in);
    if (in->bad || memcmp(m, magic, sizeof magic) != 0 || format != ESCROW_FORMAT ||
        escrow->n > JT_ESCROW_MAX_KEYS ||
        (!escrow->state.development && environment != JT_ENVIRONMENT_PRODUCTION)) {
        return JT_ERR_FILE_ALTERED;
    }
    if (escrow->state.development != development) {
        return JT_ERR_FILE_FOREIGN;
    }
    entries_decode(in, escrow);
    return in->bad || in->left < JT_WRAP_OVERHEAD ? JT_ERR_FILE_ALTERED : JT_OK;
}

static enum jt_err sealed_decode(struct jt_reader *in, struct jt_escrow *escrow)
{
    struct jt_keeper_state *state = &escrow->state;
    escrow->root_created_s = jt_reader_u64(in);
    jt_reader_copy(in, escrow->root, sizeof escrow->root);
    for (size_t i = 0; i < escrow->n; i++) {
        escrow->entries[i].meta.created_s = jt_reader_u64(in);
        jt_reader_copy(in, escrow->entries[i].key, sizeof escrow->entries[i].key);
    }
    state->highest_generation = jt_reader_u64(in);
    for (size_t i = 0; i < 2; i++) {
        state->seen[i].version = jt_reader_u64(in);
        jt_reader_copy(in, state->seen[i].mac, sizeof state->seen[i].mac);
    }
    state->operators_revoked = jt_reader_u64(in);
    state->numeric.mark = jt_reader_u64(in);
    state->numeric.system_identifier = jt_reader_u64(in);
    state->numeric.timeline = jt_reader_u32(in);
    jt_state_marks_decode(in, state);
    return jt_reader_done(in) ? JT_OK : JT_ERR_FILE_ALTERED;
}

/* Each key is the one that the clear part names. */
static enum jt_err check_keys(const struct jt_escrow *escrow)
{
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    enum jt_err err =
        jt_kdf_derive(escrow->root, JT_KDF_ROOT_CHECK, NULL, 0, check_value, sizeof check_value);
    bool good = jt_equal_ct(check_value, escrow->root_check_value, sizeof check_value);
    for (size_t i = 0; i < escrow->n && err == JT_OK && good; i++) {
        err = jt_genfile_check_value(escrow->entries[i].key, check_value);
        good = jt_equal_ct(check_value, escrow->entries[i].meta.check_value, sizeof check_value);
    }
    return err == JT_OK && !good ? JT_ERR_FILE_ALTERED : err;
}

enum jt_err jt_escrow_open(const struct jt_master *master, bool development,
                           const struct jt_escrow_file *file, struct jt_escrow *escrow)
{
    struct jt_reader in = jt_reader_init(file->bytes, file->len);
    struct jt_buf sealed;
    jt_buf_init(&sealed, JT_ESCROW_MAX);
    enum jt_err err = clear_decode(&in, development, escrow);
    uint8_t *opened = err == JT_OK ? jt_buf_append(&sealed, in.left - JT_WRAP_OVERHEAD) : NULL;
    if (err == JT_OK) {
        err = jt_buf_status(&sealed);
    }
    if (err == JT_OK) {
        err = jt_wrap_open(master->escrow, file->bytes, file->len - in.left, in.p, in.left, opened);
        err = err == JT_ERR_DECRYPT ? JT_ERR_FILE_ALTERED : err;
    }
    if (err == JT_OK) {
        struct jt_reader inside = jt_reader_init(sealed.data, sealed.len);
        err = sealed_decode(&inside, escrow);
    }
    if (err == JT_OK) {
        err = check_keys(escrow);
    }
    if (err != JT_OK) {
        jt_wipe(escrow, sizeof *escrow);
    }
    jt_buf_clear(&sealed);
    return err;
}
