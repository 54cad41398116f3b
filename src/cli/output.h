/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output file that appears whole or not at all: written as FILE.part (0600, since it may hold
 * card numbers), synced, and renamed to FILE at the end. A FILE.part that a killed run left behind
 * is written over; one that a running command holds is refused.
 */
#ifndef JETON_CLI_OUTPUT_H
#define JETON_CLI_OUTPUT_H

#include "base/buf.h"

struct jt_output {
    const char *path; /* the caller's */
    char *part;
    int fd; /* -1: not open */
};

/* JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_output_open(const char *path, struct jt_output *out);

/* Writes and empties `data`. JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_output_write(struct jt_output *out, struct jt_buf *data);

/* Publishes the file. JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_output_commit(struct jt_output *out);

/* Removes what was written and not committed. */
void jt_output_abandon(struct jt_output *out);

#endif
