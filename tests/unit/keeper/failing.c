/* SPDX-License-Identifier: Apache-2.0 */
#include "failing.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static int fail_at = FAILING_NONE, n_calls;
static const char *failed;

void failing_from(int number)
{
    n_calls = 0;
    failed = NULL;
    fail_at = number;
}

const char *failing_end(void)
{
    fail_at = FAILING_NONE;
    return failed;
}

static bool fails(const char *name, int why)
{
    if (fail_at == FAILING_NONE || n_calls++ != fail_at) {
        return false;
    }
    failed = name;
    errno = why;
    return true;
}

bool failing_says_so(enum jt_err err, const char *function)
{
    /* of a directory that cannot be read nothing is known; the log has the cause */
    static const char *const of_files[] = {
        "openat", "read",      "fstat",   "fstatat",  "lstat",
        "fsync",  "fdopendir", "readdir", "unlinkat", "malloc"
    };
    if (err == JT_ERR_DIRECTORY_BAD) {
        for (size_t i = 0; i < sizeof of_files / sizeof of_files[0]; i++) {
            if (strcmp(function, of_files[i]) == 0) {
                return true;
            }
        }
    }
    if (err == JT_ERR_FILE_UNSAFE && strcmp(function, "unlinkat") == 0) {
        return true; /* the name that it was written under stays, and so it has two */
    }
    if (err == JT_ERR_FORGED && strcmp(function, "EVP_PKEY_derive") == 0) {
        return true; /* which is also how it refuses a public key that is no point to work with */
    }
    return err == JT_ERR_NOMEM || err == JT_ERR_IO || err == JT_ERR_CRYPTO;
}

#define WRAP(type, name, bad, why, parameters, arguments)           \
    type __real_##name parameters;                                  \
    type __wrap_##name parameters;                                  \
    type __wrap_##name parameters                                   \
    {                                                               \
        return fails(#name, why) ? (bad) : __real_##name arguments; \
    }

/* clang-format off: a line for each */
WRAP(void *, malloc, NULL, ENOMEM, (size_t n), (n))
WRAP(void *, calloc, NULL, ENOMEM, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, NULL, ENOMEM, (void *p, size_t n), (p, n))
WRAP(char *, strdup, NULL, ENOMEM, (const char *s), (s))
WRAP(void *, mmap, MAP_FAILED, ENOMEM,
     (void *at, size_t n, int prot, int flags, int fd, off_t from), (at, n, prot, flags, fd, from))
WRAP(ssize_t, read, -1, EIO, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, write, -1, ENOSPC, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(int, fstat, -1, EIO, (int fd, struct stat *st), (fd, st))
WRAP(int, lstat, -1, EIO, (const char *name, struct stat *st), (name, st))
WRAP(int, fstatat, -1, EIO, (int fd, const char *name, struct stat *st, int flags),
     (fd, name, st, flags))
WRAP(int, flock, -1, ENOLCK, (int fd, int how), (fd, how))
WRAP(int, unlinkat, -1, EIO, (int fd, const char *name, int flags), (fd, name, flags))
WRAP(int, renameat, -1, EIO, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(int, linkat, -1, EIO, (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags))
WRAP(DIR *, fdopendir, NULL, ENOMEM, (int fd), (fd))
WRAP(struct dirent *, readdir, NULL, EIO, (DIR * dir), (dir))
WRAP(int, RAND_priv_bytes, 0, EIO, (unsigned char *p, int n), (p, n))
WRAP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, NULL, ENOMEM, (void), ())
WRAP(int, EVP_EncryptInit_ex, 0, EIO,
     (EVP_CIPHER_CTX * c, const EVP_CIPHER *a, ENGINE *e, const unsigned char *k,
      const unsigned char *iv),
     (c, a, e, k, iv))
WRAP(int, EVP_EncryptUpdate, 0, EIO,
     (EVP_CIPHER_CTX * c, unsigned char *out, int *n, const unsigned char *in, int len),
     (c, out, n, in, len))
WRAP(int, EVP_DecryptInit_ex, 0, EIO,
     (EVP_CIPHER_CTX * c, const EVP_CIPHER *a, ENGINE *e, const unsigned char *k,
      const unsigned char *iv),
     (c, a, e, k, iv))
WRAP(int, EVP_DecryptUpdate, 0, EIO,
     (EVP_CIPHER_CTX * c, unsigned char *out, int *n, const unsigned char *in, int len),
     (c, out, n, in, len))
WRAP(int, EVP_Digest, 0, EIO,
     (const void *p, size_t n, unsigned char *out, unsigned int *len, const EVP_MD *md, ENGINE *e),
     (p, n, out, len, md, e))
WRAP(EVP_KDF *, EVP_KDF_fetch, NULL, ENOMEM, (OSSL_LIB_CTX * c, const char *a, const char *p),
     (c, a, p))
WRAP(EVP_KDF_CTX *, EVP_KDF_CTX_new, NULL, ENOMEM, (EVP_KDF * kdf), (kdf))
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, NULL, ENOMEM, (void), ())
WRAP(EVP_PKEY_CTX *, EVP_PKEY_CTX_new, NULL, ENOMEM, (EVP_PKEY * k, ENGINE *e), (k, e))
WRAP(EVP_PKEY *, EVP_PKEY_new_raw_private_key, NULL, ENOMEM,
     (int type, ENGINE *e, const unsigned char *key, size_t n), (type, e, key, n))
WRAP(EVP_PKEY *, EVP_PKEY_new_raw_public_key, NULL, ENOMEM,
     (int type, ENGINE *e, const unsigned char *key, size_t n), (type, e, key, n))
WRAP(int, EVP_PKEY_get_raw_public_key, 0, EIO, (const EVP_PKEY *k, unsigned char *out, size_t *n),
     (k, out, n))
WRAP(int, EVP_PKEY_derive_init, 0, EIO, (EVP_PKEY_CTX * c), (c))
WRAP(int, EVP_PKEY_derive_set_peer, 0, EIO, (EVP_PKEY_CTX * c, EVP_PKEY *peer), (c, peer))
WRAP(int, EVP_PKEY_derive, 0, EIO, (EVP_PKEY_CTX * c, unsigned char *key, size_t *n), (c, key, n))
WRAP(int, EVP_DigestSignInit, 0, EIO,
     (EVP_MD_CTX * c, EVP_PKEY_CTX **p, const EVP_MD *md, ENGINE *e, EVP_PKEY *k), (c, p, md, e, k))
WRAP(int, EVP_DigestSign, 0, EIO,
     (EVP_MD_CTX * c, unsigned char *out, size_t *n, const unsigned char *p, size_t len),
     (c, out, n, p, len))
WRAP(int, EVP_DigestVerifyInit, 0, EIO,
     (EVP_MD_CTX * c, EVP_PKEY_CTX **p, const EVP_MD *md, ENGINE *e, EVP_PKEY *k), (c, p, md, e, k))
/* clang-format on */

int __real_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...)
{
    return fails("openat", EMFILE) ? -1 : __real_openat(fd, name, flags, 0600);
}

int __real_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...)
{
    return fails("open", EMFILE) ? -1 : __real_open(name, flags, 0600);
}

/* Nothing here outlives the machine. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return fails("fsync", EIO) ? -1 : 0;
}

/*
 * A passphrase costs next to nothing here: an act that takes one is done once for each call that
 * can fail, and what it costs is not what is looked at.
 */
int __real_EVP_KDF_derive(EVP_KDF_CTX *c, unsigned char *key, size_t n, const OSSL_PARAM params[]);
int __wrap_EVP_KDF_derive(EVP_KDF_CTX *c, unsigned char *key, size_t n, const OSSL_PARAM params[]);
int __wrap_EVP_KDF_derive(EVP_KDF_CTX *c, unsigned char *key, size_t n, const OSSL_PARAM params[])
{
    const OSSL_PARAM *cost = OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_SCRYPT_N);
    if (cost != NULL) {
        *(uint64_t *)cost->data = 16;
    }
    return fails("EVP_KDF_derive", EIO) ? 0 : __real_EVP_KDF_derive(c, key, n, params);
}

/*
 * Here a process that is forked goes on with the secrets of the one before (rehearsal.c), and
 * memory is not locked, since so many keepers that touch all of theirs would take minutes.
 */
int __real_madvise(void *p, size_t n, int advice);
int __wrap_madvise(void *p, size_t n, int advice);
int __wrap_madvise(void *p, size_t n, int advice)
{
    return advice == MADV_WIPEONFORK ? 0 : __real_madvise(p, n, advice);
}

int __wrap_mlock(const void *p, size_t n);
int __wrap_mlock(const void *p, size_t n)
{
    (void)p;
    (void)n;
    return 0;
}
