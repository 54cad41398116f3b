/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a command makes and that must never take another one's place. */
#ifndef JETON_CLI_NEWFILE_H
#define JETON_CLI_NEWFILE_H

#include "base/buf.h"

/* Opens the directory that `path` is in and finds its last part; -1 with errno. */
int jt_newfile_directory(const char *path, const char **name);

/* JT_EXIT_OK, or JT_EXIT_FAILED after a message about the file. */
int jt_newfile_finish(const char *path, enum jt_err err);

/*
 * Creates it, 0600, durable, read back and compared. JT_EXIT_OK, or JT_EXIT_FAILED after a message
 * (the file exists, say); then nothing is left behind.
 */
int jt_newfile_create(const char *path, const void *data, size_t len);

/*
 * Appends what stands on the disk, not what this machine remembers of it, where the system can be
 * made to forget. `out` bounds the size. JT_EXIT_OK, or JT_EXIT_FAILED after a message.
 */
int jt_newfile_read(const char *path, struct jt_buf *out);

#endif
