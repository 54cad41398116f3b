/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line for the operator, made where the fault is found and logged once by main: which file or
 * setting, and what is wrong with it.
 */
#ifndef JETON_KEEPER_PROBLEM_H
#define JETON_KEEPER_PROBLEM_H

struct jt_problem {
    char text[400];
};

/* Never carries a key, a PAN or a credential. Keeps the first problem set. */
void jt_problem_set(struct jt_problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
