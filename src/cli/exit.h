/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a command ends: its exit code and its one line of explanation on standard error. Results go
 * to standard output, everything that is said about them to standard error.
 */
#ifndef JETON_CLI_EXIT_H
#define JETON_CLI_EXIT_H

#include "base/buf.h"

#include <stddef.h>

/* 64 and up are those of sysexits.h. */
enum jt_exit {
    JT_EXIT_OK = 0,
    JT_EXIT_FAILED = 1,       /* the operation failed here */
    JT_EXIT_REFUSED = 2,      /* the server refused it */
    JT_EXIT_STUCK = 3,        /* what was waited for does not come before somebody acts */
    JT_EXIT_USAGE = 64,       /* the command line is wrong */
    JT_EXIT_UNAVAILABLE = 69, /* server or database cannot be reached now, also after repeating */
    JT_EXIT_DENIED = 77,      /* the credential does not permit it */
    JT_EXIT_CONFIG = 78,      /* configuration or key file is wrong */
};

/*
 * Writes "jeton: message" and a line end. Control characters in the message are replaced: part of
 * it may come from a server.
 */
void jt_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * From here on jt_complain begins its lines with the message's id, as file jobs have it, and not
 * with "jeton: "; NULL: as before. The text is static. `record` gets a copy of each line, with its
 * end; NULL: nothing does.
 */
void jt_complain_as(const char *id);
void jt_complain_record(struct jt_buf *record);

/* Replaces control characters and what is not ASCII, for text of others that goes to a terminal. */
void jt_make_printable(char *text);

#endif
