/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/custodianfile.h"

#include "base/file.h"
#include "base/random.h"
#include "base/secmem.h"
#include "cli/exit.h"
#include "cli/newfile.h"
#include "cli/secret.h"
#include "crypto/passphrase.h"
#include "crypto/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(JT_PASSPHRASE_MAX == JT_SECRET_MAX, "it fits");
_Static_assert(JT_SIGN_SEED_LEN == JT_PASSPHRASE_SECRET_LEN, "a seed is sealed");
_Static_assert(JT_CUSTODIAN_SIGNATURE_LEN == JT_SIGN_LEN, "Ed25519");

#define FORMAT         1
#define FILE_MAX       (8 + 5 + JT_CUSTODIAN_NAME_MAX + 32 + 16 + JT_PASSPHRASE_SEALED_LEN)
#define NEW_PHRASE_MIN 8

static const char magic[8] = { 'J', 'T', 'C', 'U', 'S', 'T', 'O', 'D' };

/* --- passphrases --- */

int jt_passphrase_get(const char *path, bool twice, char out[static JT_PASSPHRASE_MAX + 1])
{
    int code = path != NULL ? jt_secret_file(path, out)
                            : jt_secret_ask("Passphrase: ", twice ? "Again: " : NULL, out);
    if (code == JT_EXIT_OK && strlen(out) < (twice ? NEW_PHRASE_MIN : 1)) {
        jt_complain("a passphrase has %d characters or more", NEW_PHRASE_MIN);
        code = JT_EXIT_FAILED;
    }
    if (code != JT_EXIT_OK) {
        jt_wipe(out, JT_PASSPHRASE_MAX + 1);
    }
    return code;
}

/* --- the file --- */

struct header {
    struct jt_custodian custodian;
    struct jt_passphrase_cost cost;
    uint8_t salt[JT_PASSPHRASE_SALT_LEN];
};

static void header_encode(const struct header *h, struct jt_buf *out)
{
    size_t len = strlen(h->custodian.name);
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u8(out, FORMAT);
    jt_buf_u8(out, h->cost.log_n);
    jt_buf_u8(out, h->cost.r);
    jt_buf_u8(out, h->cost.p);
    jt_buf_u8(out, (uint8_t)len);
    jt_buf_put(out, h->custodian.name, len);
    jt_buf_put(out, h->custodian.key, sizeof h->custodian.key);
    jt_buf_put(out, h->salt, sizeof h->salt);
}

/* The header's length, 0: it is none. */
static size_t header_decode(const struct jt_buf *file, struct header *h)
{
    struct jt_reader in = jt_reader_init(file->data, file->len);
    *h = (struct header){ .custodian = { .name = "" } };
    const uint8_t *m = jt_reader_bytes(&in, sizeof magic);
    uint8_t format = jt_reader_u8(&in);
    h->cost.log_n = jt_reader_u8(&in);
    h->cost.r = jt_reader_u8(&in);
    h->cost.p = jt_reader_u8(&in);
    size_t len = jt_reader_u8(&in);
    if (len > JT_CUSTODIAN_NAME_MAX) {
        return 0;
    }
    jt_reader_copy(&in, h->custodian.name, len);
    jt_reader_copy(&in, h->custodian.key, sizeof h->custodian.key);
    jt_reader_copy(&in, h->salt, sizeof h->salt);
    bool good = !in.bad && in.left == JT_PASSPHRASE_SEALED_LEN && format == FORMAT &&
                memcmp(m, magic, sizeof magic) == 0 && jt_custodian_name_valid(h->custodian.name);
    return good ? file->len - JT_PASSPHRASE_SEALED_LEN : 0;
}

static struct jt_passphrase phrase_of(const char *passphrase, const struct header *h)
{
    return (struct jt_passphrase){
        .bytes = passphrase, .len = strlen(passphrase), .cost = h->cost, .salt = h->salt
    };
}

/* The file's bytes. */
static enum jt_err make(const char *name, const char *passphrase, struct header *h,
                        struct jt_buf *file)
{
    uint8_t seed[JT_SIGN_SEED_LEN];
    h->cost = JT_PASSPHRASE_COST;
    (void)snprintf(h->custodian.name, sizeof h->custodian.name, "%s", name);
    jt_random_fill(seed, sizeof seed);
    jt_random_fill(h->salt, sizeof h->salt);
    enum jt_err err = jt_sign_public(seed, h->custodian.key);
    if (err == JT_OK) {
        header_encode(h, file);
        err = jt_buf_status(file);
    }
    if (err == JT_OK) {
        const struct jt_passphrase phrase = phrase_of(passphrase, h);
        uint8_t sealed[JT_PASSPHRASE_SEALED_LEN];
        err = jt_passphrase_seal(&phrase, file->data, file->len, seed, sealed);
        jt_buf_put(file, sealed, sizeof sealed);
    }
    jt_wipe(seed, sizeof seed);
    return err == JT_OK ? jt_buf_status(file) : err;
}

int jt_custodianfile_make(const char *path, const char *name, const char *passphrase,
                          struct jt_custodian *out)
{
    struct header h = { .custodian = { .name = "" } };
    struct jt_buf file;
    jt_buf_init(&file, FILE_MAX);
    enum jt_err err = make(name, passphrase, &h, &file);
    int code = JT_EXIT_FAILED;
    if (err == JT_OK) {
        code = jt_newfile_create(path, file.data, file.len);
    } else {
        jt_complain("cannot make a key: %s", jt_err_str(err));
    }
    *out = h.custodian;
    jt_buf_clear(&file);
    return code;
}

static enum jt_err sign(const struct jt_buf *file, const struct header *h, size_t header_len,
                        const char *passphrase, const void *text, size_t len,
                        struct jt_approval *out)
{
    uint8_t seed[JT_SIGN_SEED_LEN], public[JT_SIGN_PUBLIC_LEN];
    const struct jt_passphrase phrase = phrase_of(passphrase, h);
    enum jt_err err =
        jt_passphrase_open(&phrase, file->data, header_len, file->data + header_len, seed);
    if (err == JT_OK) {
        err = jt_sign_public(seed, public);
    }
    if (err == JT_OK && memcmp(public, h->custodian.key, sizeof public) != 0) {
        err = JT_ERR_FILE_ALTERED;
    }
    if (err == JT_OK) {
        err = jt_sign(seed, text, len, out->signature);
    }
    jt_wipe(seed, sizeof seed);
    return err;
}

int jt_custodianfile_sign(const char *path, const char *name, const char *passphrase,
                          const void *text, size_t len, struct jt_approval *out)
{
    struct header h;
    struct jt_buf file;
    jt_buf_init(&file, FILE_MAX);
    *out = (struct jt_approval){ .custodian = "" };
    enum jt_err err = jt_file_read(AT_FDCWD, path, true, &file);
    int saved = errno;
    size_t header_len = err == JT_OK ? header_decode(&file, &h) : 0;
    if (err == JT_OK && header_len == 0) {
        err = JT_ERR_FILE_ALTERED;
    }
    if (err == JT_OK && strcmp(h.custodian.name, name) != 0) {
        jt_complain("%s: is the key of custodian %s", path, h.custodian.name);
        jt_buf_clear(&file);
        return JT_EXIT_CONFIG;
    }
    if (err == JT_OK) {
        (void)snprintf(out->custodian, sizeof out->custodian, "%s", name);
        err = sign(&file, &h, header_len, passphrase, text, len, out);
    }
    jt_buf_clear(&file);
    if (err != JT_OK) {
        jt_complain("%s: %s", path,
                    err == JT_ERR_DECRYPT ? "the passphrase is wrong, or the file was altered"
                    : err == JT_ERR_IO || err == JT_ERR_NO_FILE         ? strerror(saved)
                    : err == JT_ERR_FILE_ALTERED || err == JT_ERR_LIMIT ? "is no custodian's key"
                                                                        : jt_err_str(err));
    }
    return err == JT_OK ? JT_EXIT_OK : JT_EXIT_CONFIG;
}
