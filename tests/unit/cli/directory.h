/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own: made before, removed with what is in it after. */
#ifndef JETON_TESTS_UNIT_CLI_DIRECTORY_H
#define JETON_TESTS_UNIT_CLI_DIRECTORY_H

#include <stddef.h>
#include <sys/types.h>

/* cmocka's setup and teardown. */
int directory_make(void **state);
int directory_remove(void **state);

/* The path of `name` in it; good until the fourth call after. */
const char *directory_path(const char *name);

/* Writes a file with that mode. */
void directory_write(const char *name, const char *contents, mode_t mode);

/*
 * The contents of a file, and its mode unless NULL; fails the test when it is not there. Good until
 * the next call.
 */
const char *directory_read(const char *name, mode_t *mode);

int directory_n_entries(void);

#endif
