/* SPDX-License-Identifier: Apache-2.0 */
/* How far a mistyped word is from a right one. */
#ifndef JETON_CLI_SPELLING_H
#define JETON_CLI_SPELLING_H

#include <stddef.h>

#define JT_SPELLING_MAX 40 /* longer words are like none */

/*
 * How many letters must be put in, taken out or changed to make one word of the other
 * (Levenshtein's distance); JT_SPELLING_MAX where a word is longer than that.
 */
size_t jt_spelling_distance(const char *a, const char *b);

#endif
