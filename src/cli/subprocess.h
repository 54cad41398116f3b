/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another program of Jeton's as a child: the one that an environment variable names, else the one
 * beside this binary, else ../sbin/PROGRAM from there, else the one in PATH. What it says goes to
 * our standard error.
 */
#ifndef JETON_CLI_SUBPROCESS_H
#define JETON_CLI_SUBPROCESS_H

#include <sys/types.h>

struct jt_program {
    const char *name;
    const char *variable; /* of the environment */
};

/*
 * Starts it; `fd` is the one descriptor above standard error that it inherits, -1: none. The pid,
 * or -1 after a message.
 */
pid_t jt_subprocess_start(const struct jt_program *program, char *const arguments[], int fd);

/* Waits for its end: the exit code, -1 where a signal has ended it. */
int jt_subprocess_wait(pid_t pid);

#endif
