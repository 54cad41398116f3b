/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output file that appears whole or not at all: written as FILE.part (0600, since it may hold
 * card numbers), synced, and renamed to FILE at the end. A FILE.part that a killed run left behind
 * is written over, or gone on with from where a checkpoint says; one that a running command holds
 * is refused, and so is one of another owner. "-" is standard output, which appears as it is
 * written.
 */
#ifndef JETON_CLI_OUTPUT_H
#define JETON_CLI_OUTPUT_H

#include "base/buf.h"

struct jt_output {
    const char *path; /* the caller's */
    char *part;
    int fd;     /* -1: not open */
    bool taken; /* what is in it is still another run's, */
    bool made;  /* unless this one made it */
};

/*
 * Looks whether FILE could be written now, for who learns it better at the beginning than at the
 * end: a device, a directory or a symbolic link is never replaced. JT_EXIT_OK, or JT_EXIT_FAILED
 * after a message.
 */
int jt_output_check(const char *path);

/* JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_output_open(const char *path, struct jt_output *out);

/*
 * The same, but what a run before left in FILE.part stays for now. Until jt_output_cut it is not
 * this command's: jt_output_abandon leaves it where it is, unless it was not there before.
 */
int jt_output_take(const char *path, struct jt_output *out);

/* Goes on behind the first `len` bytes. JT_EXIT_FAILED after a message: there are less. */
int jt_output_cut(struct jt_output *out, uint64_t len);

/* Brings what was written to the disk. JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_output_sync(struct jt_output *out);

/* Closes it; FILE.part stays, to be gone on with. */
void jt_output_leave(struct jt_output *out);

/* Writes and empties `data`. JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_output_write(struct jt_output *out, struct jt_buf *data);

/* Publishes the file. JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_output_commit(struct jt_output *out);

/* Removes what was written and not committed. */
void jt_output_abandon(struct jt_output *out);

#endif
