/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of HTTP that says the same to every request, whatever is right: the library's answers to
 * servers that are wrong, hostile or none of Jeton's are tested with it, and how many connections
 * it makes. It thinks nothing and stores nothing.
 */
#ifndef JETON_TEST_ANSWERS_H
#define JETON_TEST_ANSWERS_H

#include <stddef.h>

struct answers;

/* Answers with this status and body until answers_end. */
struct answers *answers_begin(int status, const char *body);
void answers_end(struct answers *a);

int answers_port(const struct answers *a);
/* How many connections were taken; those that are open, once `n` of them are (it waits). */
int answers_taken(struct answers *a);
void answers_wait_open(struct answers *a, int n);

/* Copies the body of the last request. */
void answers_last(struct answers *a, char *out, size_t size);

#endif
