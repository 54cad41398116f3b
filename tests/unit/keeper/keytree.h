/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a keeper's directory holds, as bytes and as names, modes and owners: to be compared, and
 * to be put back.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_KEYTREE_H
#define JETON_TESTS_UNIT_KEEPER_KEYTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KEYTREE_FILES    24
#define KEYTREE_NAME_MAX 48 /* JT_KEYDIR_NAME_LEN */
#define KEYTREE_FILE_MAX 24000

struct keytree_file {
    char name[KEYTREE_NAME_MAX];
    mode_t mode;
    uid_t uid;
    nlink_t n_links;
    size_t len; /* 0 of what is no regular file */
    uint8_t bytes[KEYTREE_FILE_MAX];
};

struct keytree {
    size_t n;
    struct keytree_file files[KEYTREE_FILES]; /* by name */
};

/* What lies in the directory now. */
void keytree_read(const char *directory, struct keytree *out);

/* Makes the directory hold this and nothing else: regular files of this user, mode 0600. */
void keytree_write(const char *directory, const struct keytree *tree);

/* NULL when there is none. */
const struct keytree_file *keytree_find(const struct keytree *tree, const char *name);

/* Puts a copy of the file there, in place of what has its name. */
void keytree_put(struct keytree *tree, const struct keytree_file *file);

/* Fails the test, naming the first file that is another than before. */
void keytree_same(const struct keytree *before, const struct keytree *now, const char *of_what);

#endif
