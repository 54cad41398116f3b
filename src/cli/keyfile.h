/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that hold one API key: "jck_...", a line end, mode 0600, this user's own.
 */
#ifndef JETON_CLI_KEYFILE_H
#define JETON_CLI_KEYFILE_H

#include "vault/credential.h"

/* Reads the key; the caller wipes `key`. JT_EXIT_OK, or JT_EXIT_CONFIG after a message. */
int jt_keyfile_read(const char *path, char key[static JT_API_KEY_MAX + 1]);

/*
 * Stores a key in a new file in one durable step. JT_EXIT_OK, or JT_EXIT_FAILED after a message
 * (the file exists, say).
 */
int jt_keyfile_create(const char *path, const char *key);

/*
 * A key file to be. It is reserved, empty, before the server is asked for a key, so that a key
 * which exists only once never meets a full disk or a name that is taken.
 */
struct jt_keyfile {
    int dir_fd;
    const char *path; /* the caller's */
    const char *name; /* last part of path */
};

/*
 * JT_EXIT_OK, or JT_EXIT_FAILED after a message (the file exists, say). Ends with one of the two
 * below.
 */
int jt_keyfile_reserve(const char *path, struct jt_keyfile *out);

/* Stores the key durably. JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_keyfile_store(struct jt_keyfile *file, const char *key);

/* Removes the reservation. */
void jt_keyfile_abandon(struct jt_keyfile *file);

#endif
