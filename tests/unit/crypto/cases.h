/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random cases that can be repeated: the seed is fresh in every run, printed, and taken from
 * JETON_TEST_SEED when that is set. JETON_TEST_CASES sets how many cases a random test runs in
 * place of its default.
 */
#ifndef JETON_TESTS_CRYPTO_CASES_H
#define JETON_TESTS_CRYPTO_CASES_H

#include <stddef.h>
#include <stdint.h>

struct cases {
    uint64_t state;
    size_t n;
};

struct cases cases_start(size_t default_n);

uint64_t cases_next(struct cases *c);

/* 0 to bound - 1. */
size_t cases_below(struct cases *c, size_t bound);

void cases_fill(struct cases *c, uint8_t *out, size_t len);

#endif
