/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error codes of every Jeton library layer.
 *
 * A function that can fail returns enum jt_err and is marked JT_CHECKED, so that the compiler
 * refuses a caller who looks away. Library layers never log: the code travels up to a main() or a
 * request handler, which logs once.
 *
 * JT_ERR_DECRYPT is deliberately the only code for every failure to decrypt (wrong key, row, field,
 * tag, padding): a caller must not learn which of them it was.
 */
#ifndef JETON_BASE_ERR_H
#define JETON_BASE_ERR_H

#define JT_CHECKED __attribute__((warn_unused_result))

enum jt_err {
    JT_OK = 0,
    JT_ERR_NOMEM,       /* this process ran out of memory or of another resource */
    JT_ERR_INVALID,     /* input is malformed */
    JT_ERR_LIMIT,       /* input is larger than a stated bound */
    JT_ERR_NOT_FOUND,   /* the named thing does not exist */
    JT_ERR_CONFLICT,    /* exists already, or its state does not allow the operation */
    JT_ERR_DENIED,      /* policy or permission forbids it */
    JT_ERR_DECRYPT,     /* ciphertext refused; never says why */
    JT_ERR_STALE,       /* the ring moved on: refresh, then repeat */
    JT_ERR_UNAVAILABLE, /* the keeper or the database cannot be reached now */
    JT_ERR_IO,          /* a system call failed; errno says which way */
    JT_ERR_CRYPTO,      /* libcrypto failed, or a known-answer test did */
    JT_ERR_PROTOCOL,    /* the peer broke the protocol */
};

/* A short lower-case English phrase for `err`, static storage, never NULL. */
const char *jt_err_str(enum jt_err err);

#endif
