/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input file that must stay as it is while it is read. A batch file that somebody cuts, writes
 * on or puts another in place of, while its rows are on their way, would leave an output that looks
 * whole and is not: so what was opened, what was read and what stands under the name are compared
 * at the end, before any output is put in place.
 *
 * Compared are size, time of the last change, device and inode, and the bytes read. Not noticed: a
 * change of equal size within one tick of the file system's clock, and one by whoever sets the time
 * back. What is no regular file (a pipe), or is standard input ("-"), has nothing to compare.
 */
#ifndef JETON_CLI_INPUT_H
#define JETON_CLI_INPUT_H

#include <stdint.h>
#include <sys/stat.h>

struct jt_input {
    const char *path;   /* the caller's */
    int fd;             /* -1: not open */
    struct stat opened; /* what it was then */
};

/*
 * JT_EXIT_OK, or JT_EXIT_FAILED after a message. A pipe is read without waiting (EAGAIN). Of a
 * terminal, which other processes share, reading waits.
 */
int jt_input_open(const char *path, struct jt_input *in);

/* Waits until there is something to read, for a fifth of a second at most. */
void jt_input_wait(const struct jt_input *in);

/* Bytes to be read; 0: unknown. */
uint64_t jt_input_size(const struct jt_input *in);

/*
 * After `n_read` bytes and the end of the file: JT_EXIT_OK, or JT_EXIT_FAILED after a message that
 * says what changed.
 */
int jt_input_check_unchanged(const struct jt_input *in, uint64_t n_read);

void jt_input_close(struct jt_input *in);

#endif
