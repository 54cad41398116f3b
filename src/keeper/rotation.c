/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/rotation.h"

#include "base/file.h"
#include "base/log.h"
#include "model/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATION_FORMAT 1
#define MAGIC_LEN       8
#define MASTER_CHECK_AT 12
#define NUMBER_AT       12 /* in the key file of a generation */

static const char magic[MAGIC_LEN] = { 'J', 'T', 'R', 'O', 'T', 'A', 'T', 'E' };
static const char root_magic[MAGIC_LEN] = { 'J', 'T', 'S', 'V', 'R', 'O', 'O', 'T' };
static const char key_magic[MAGIC_LEN] = { 'J', 'T', 'G', 'E', 'N', 'K', 'E', 'Y' };

/* --- the file --- */

enum jt_err jt_rotation_encode(const struct jt_rotation *r, struct jt_buf *out)
{
    uint8_t digest[JT_SHA256_LEN];
    jt_buf_init(out, JT_ROTATION_MAX);
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u8(out, ROTATION_FORMAT);
    jt_buf_u8(out, r->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u16(out, (uint16_t)r->n);
    jt_buf_put(out, r->from, sizeof r->from);
    jt_buf_put(out, r->to, sizeof r->to);
    jt_buf_u16(out, (uint16_t)r->master_len);
    jt_buf_put(out, r->master, r->master_len);
    jt_buf_put(out, r->root, sizeof r->root);
    for (size_t i = 0; i < r->n; i++) {
        jt_buf_put(out, r->keys[i].bytes, sizeof r->keys[i].bytes);
    }
    enum jt_err err = jt_buf_status(out);
    if (err == JT_OK) {
        err = jt_sha256(out->data, out->len, digest);
    }
    jt_buf_put(out, digest, sizeof digest);
    return err == JT_OK ? jt_buf_status(out) : err;
}

/* A sealed one, of the key that the rotation goes to. */
static bool master_good(const struct jt_rotation *r)
{
    /* where it lies: memory that there is not must not make the file a bad one */
    const struct jt_buf bytes = { .data = (uint8_t *)r->master, .len = r->master_len };
    struct jt_masterfile file;
    return jt_masterfile_decode(&bytes, &file) == JT_OK && file.development == r->development &&
           memcmp(file.check_value, r->to, sizeof r->to) == 0;
}

/* Ascending, so that none comes twice and a file has one form. */
static bool keys_decode(struct jt_reader *in, struct jt_rotation *r)
{
    uint64_t last = 0;
    for (size_t i = 0; i < r->n; i++) {
        struct jt_rotation_key *key = &r->keys[i];
        jt_reader_copy(in, key->bytes, sizeof key->bytes);
        key->number = jt_get_u64(key->bytes + NUMBER_AT);
        if (in->bad || memcmp(key->bytes, key_magic, sizeof key_magic) != 0 ||
            key->number <= last) {
            return false;
        }
        last = key->number;
    }
    return true;
}

static bool body_decode(struct jt_reader *in, struct jt_rotation *r)
{
    const uint8_t *m = jt_reader_bytes(in, sizeof magic);
    uint8_t format = jt_reader_u8(in);
    uint8_t environment = jt_reader_u8(in);
    r->development = environment == JT_ENVIRONMENT_DEVELOPMENT;
    r->n = jt_reader_u16(in);
    jt_reader_copy(in, r->from, sizeof r->from);
    jt_reader_copy(in, r->to, sizeof r->to);
    r->master_len = jt_reader_u16(in);
    if (in->bad || memcmp(m, magic, sizeof magic) != 0 || format != ROTATION_FORMAT ||
        (!r->development && environment != JT_ENVIRONMENT_PRODUCTION) ||
        r->n > JT_KEYDIR_MAX_GENERATIONS || r->master_len > sizeof r->master) {
        return false;
    }
    jt_reader_copy(in, r->master, r->master_len);
    jt_reader_copy(in, r->root, sizeof r->root);
    return !in->bad && memcmp(r->root, root_magic, sizeof root_magic) == 0 && keys_decode(in, r) &&
           jt_reader_done(in) && master_good(r);
}

enum jt_err jt_rotation_decode(const struct jt_buf *in, struct jt_rotation *r)
{
    uint8_t digest[JT_SHA256_LEN];
    memset(r, 0, sizeof *r);
    if (in->len < sizeof digest) {
        return JT_ERR_FILE_ALTERED;
    }
    size_t len = in->len - sizeof digest;
    enum jt_err err = jt_sha256(in->data, len, digest);
    if (err != JT_OK) {
        return err;
    }
    struct jt_reader body = jt_reader_init(in->data, len);
    if (memcmp(digest, in->data + len, sizeof digest) != 0 || !body_decode(&body, r)) {
        memset(r, 0, sizeof *r);
        return JT_ERR_FILE_ALTERED;
    }
    return JT_OK;
}

/* --- the end of a rotation --- */

static enum jt_err read_rotation(int dir_fd, bool development, struct jt_rotation *r,
                                 struct jt_fault *fault)
{
    struct jt_buf bytes;
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_ROTATION, JT_ROTATION_MAX, &bytes, fault);
    if (err == JT_OK) {
        err = jt_rotation_decode(&bytes, r);
        if (err == JT_ERR_FILE_ALTERED) {
            jt_fault_set(fault, err, "%s is damaged", JT_KEYDIR_ROTATION);
        }
    }
    if (err == JT_OK && r->development != development) {
        err = jt_fault_set(fault, JT_ERR_FILE_FOREIGN, "%s belongs to another environment",
                           JT_KEYDIR_ROTATION);
    }
    jt_buf_clear(&bytes);
    return err;
}

static bool has_key(const struct jt_rotation *r, uint64_t number)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->keys[i].number == number) {
            return true;
        }
    }
    return false;
}

/* It goes from the master key of this directory, or has got there already. */
static enum jt_err check_master(int dir_fd, const struct jt_rotation *r, struct jt_fault *fault)
{
    struct jt_buf now;
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_MASTER, JT_MASTERFILE_MAX, &now, fault);
    if (err == JT_OK) {
        const uint8_t *is = now.data + MASTER_CHECK_AT;
        bool ours =
            now.len >= MASTER_CHECK_AT + JT_CHECK_VALUE_LEN &&
            (memcmp(is, r->from, sizeof r->from) == 0 || memcmp(is, r->to, sizeof r->to) == 0);
        err = ours ? JT_OK
                   : jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                                  "%s does not go from the master key of this directory: it was "
                                  "put here by hand",
                                  JT_KEYDIR_ROTATION);
    }
    jt_buf_clear(&now);
    return err == JT_ERR_NO_FILE ? JT_OK : err; /* one that is lost comes out of it */
}

/* What lies under the old master key and is not in the file could never be opened again. */
static enum jt_err check_listing(int dir_fd, const struct jt_rotation *r, struct jt_fault *fault)
{
    struct jt_keydir listing;
    enum jt_err err = jt_keydir_list(dir_fd, &listing, fault);
    for (size_t i = 0; i < listing.n_generations && err == JT_OK; i++) {
        if (!has_key(r, listing.generations[i])) {
            err = jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                               "%s does not have the key of generation %" PRIu64
                               ", which is there: one of the two was put here by hand",
                               JT_KEYDIR_ROTATION, listing.generations[i]);
        }
    }
    return err;
}

/* Whether the file has these contents already. */
static bool is_there(int dir_fd, const char *name, const void *data, size_t len)
{
    struct jt_buf now;
    jt_buf_init(&now, len + 1);
    bool same = jt_file_read(dir_fd, name, true, &now) == JT_OK && now.len == len &&
                memcmp(now.data, data, len) == 0;
    jt_buf_clear(&now);
    return same;
}

static enum jt_err put(int dir_fd, const char *name, const void *data, size_t len)
{
    return is_there(dir_fd, name, data, len) ? JT_OK : jt_keydir_renew(dir_fd, name, data, len);
}

/* One that was erased since stays away. */
static enum jt_err put_key(int dir_fd, const struct jt_rotation_key *key)
{
    struct stat st;
    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_generation_name(key->number, name);
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? JT_OK : JT_ERR_IO;
    }
    return put(dir_fd, name, key->bytes, sizeof key->bytes);
}

static enum jt_err put_all(int dir_fd, const struct jt_rotation *r, struct jt_fault *fault)
{
    /* its name must be on disk before anything else is touched */
    enum jt_err err = fsync(dir_fd) == 0 ? JT_OK : JT_ERR_IO;
    for (size_t i = 0; i < r->n && err == JT_OK; i++) {
        err = put_key(dir_fd, &r->keys[i]);
    }
    if (err == JT_OK) {
        err = put(dir_fd, JT_KEYDIR_ROOT, r->root, sizeof r->root);
    }
    if (err == JT_OK) {
        err = put(dir_fd, JT_KEYDIR_MASTER, r->master, r->master_len);
    }
    if (err == JT_OK && fsync(dir_fd) != 0) { /* what was there already, too */
        err = JT_ERR_IO;
    }
    if (err == JT_OK) {
        err = jt_keydir_erase(dir_fd, JT_KEYDIR_ROTATION);
    }
    return err == JT_OK ? JT_OK
                        : jt_fault_set(fault, err, "cannot end the rotation of the master key: %s",
                                       err == JT_ERR_IO ? strerror(errno) : jt_err_str(err));
}

enum jt_err jt_rotation_finish(int dir_fd, bool development, struct jt_fault *fault)
{
    struct jt_rotation *r = malloc(sizeof *r);
    enum jt_err err = r == NULL ? JT_ERR_NOMEM : read_rotation(dir_fd, development, r, fault);
    if (err == JT_ERR_NO_FILE) {
        free(r);
        return JT_OK;
    }
    if (err == JT_OK) {
        err = check_master(dir_fd, r, fault);
    }
    if (err == JT_OK) {
        err = check_listing(dir_fd, r, fault);
    }
    if (err == JT_OK) {
        err = put_all(dir_fd, r, fault);
    }
    free(r);
    return err == JT_OK ? JT_OK : jt_fault_set(fault, err, "cannot read %s", JT_KEYDIR_ROTATION);
}

enum jt_err jt_rotation_list(int dir_fd, bool development, struct jt_keydir *out,
                             struct jt_fault *fault)
{
    enum jt_err err = jt_keydir_list(dir_fd, out, fault);
    if (err != JT_OK || !out->rotation) {
        return err;
    }
    err = jt_rotation_finish(dir_fd, development, fault);
    if (err == JT_OK) {
        jt_log(JT_LOG_WARNING, "a rotation of the master key that was cut off is ended: what "
                               "opened the old one opens nothing here any more");
        err = jt_keydir_list(dir_fd, out, fault);
    }
    return err;
}
