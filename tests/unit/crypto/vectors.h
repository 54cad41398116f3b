/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test vectors as text files under tests/vectors/crypto: lines "name = hexadecimal", a blank line
 * between cases, # for comments. A name may come more than once in a case (components of associated
 * data). A malformed file fails the test that reads it.
 */
#ifndef JETON_TESTS_CRYPTO_VECTORS_H
#define JETON_TESTS_CRYPTO_VECTORS_H

#include "crypto/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define VECTOR_ENTRIES_MAX 16
#define VECTOR_BYTES_MAX   512

struct vector_entry {
    char name[32];
    uint8_t p[VECTOR_BYTES_MAX];
    size_t len;
};

struct vector {
    struct vector_entry entry[VECTOR_ENTRIES_MAX];
    size_t n;
    int line; /* where the case ends in its file, for messages */
};

struct vector_file {
    FILE *file;
    int line;
};

/* `name` as in "siv_rfc5297.txt". */
struct vector_file vector_file_open(const char *name);
void vector_file_close(struct vector_file *f);

/* The next case; false at the end of the file. */
bool vector_next(struct vector_file *f, struct vector *v);

bool vector_has(const struct vector *v, const char *name);

/* The value of the only entry of that name. The pointer is never NULL, also for an empty value. */
struct jt_bytes vector_get(const struct vector *v, const char *name);

/*
 * All entries of that name, in order, into `out`, which holds VECTOR_ENTRIES_MAX; returns how many.
 */
size_t vector_all(const struct vector *v, const char *name, struct jt_bytes *out);

#endif
