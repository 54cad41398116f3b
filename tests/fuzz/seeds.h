/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of make_seeds: each writes first inputs of some targets. */
#ifndef JETON_TESTS_FUZZ_SEEDS_H
#define JETON_TESTS_FUZZ_SEEDS_H

#include "fuzz.h"

/* Stores an input of a target. */
void seed(const char *target, const void *data, size_t len);

/* An input that begins with one or two bytes that tell the target how to take the rest. */
void seed_with(const char *target, int first, int second, const void *data, size_t len);

void seeds_of_wire(void);
void seeds_of_files(void);
void seeds_of_text(void);

#endif
