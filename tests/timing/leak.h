/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the time of a function depends on its input, by the method of dudect: O. Reparaz, J.
 * Balasch and I. Verbauwhede, "Dude, is my code constant time?", DATE 2017. The function is timed
 * with inputs of two classes in random order, one fixed and one random, and Welch's t-test says
 * whether the two samples of times have one mean; so it does of what is left when the slowest
 * measurements are cropped, for several cuts, since a leak may hide below interrupts.
 */
#ifndef JETON_TESTS_TIMING_LEAK_H
#define JETON_TESTS_TIMING_LEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAK_INPUT_MAX 512

struct leak_case {
    const char *name;
    size_t input_len; /* at most LEAK_INPUT_MAX */
    int repeats;      /* of the call in one measurement, where one is too short to be seen */
    /* Makes an input of the fixed class or of the random one. */
    void (*prepare)(bool fixed, uint8_t *input);
    void (*run)(const uint8_t *input);
};

/*
 * The greatest |t| of `n` measurements over all cuts. Above 10 the means differ for sure; what
 * does not leak stays below 5 nearly always.
 */
double leak_measure(const struct leak_case *c, size_t n);

/* Bytes from the system's generator: an input of the random class. */
void leak_random(void *out, size_t len);

#endif
