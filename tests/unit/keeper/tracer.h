/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program in its own place, under ptrace, and writes down the system calls that it makes
 * once its filter stands: what jeton-keeper really uses while it serves.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_TRACER_H
#define JETON_TESTS_UNIT_KEEPER_TRACER_H

/*
 * Runs `program` with these arguments and ends as it ends. SIGTERM and SIGINT are passed on. To
 * the file `list` one line is added for each call when it is first made, "N", and "killed N" when
 * the filter ended the program for it.
 */
_Noreturn void tracer_run(const char *program, char **argv, const char *list);

#endif
