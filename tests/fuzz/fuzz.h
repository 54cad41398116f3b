/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share. A target is one file that defines LLVMFuzzerTestOneInput: it takes
 * any bytes, gives them to a parser, and demands what must hold whatever they are. It is linked
 * with libFuzzer (./configure --enable-fuzzers, ./runtests --fuzz SECONDS) or with replay.c, which
 * runs the inputs that are kept in tests/fuzz/corpus (make check).
 *
 * A target keeps nothing from one input to the next that could change what happens, so that a kept
 * input does today what it did when it was found.
 */
#ifndef JETON_TESTS_FUZZ_FUZZ_H
#define JETON_TESTS_FUZZ_FUZZ_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What must hold. The text goes to standard error, and the process ends: that is the finding. */
#define MUST(condition)                                                                    \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

/* A copy of exactly the size, so that the sanitizer sees one byte too far. Freed by the caller. */
static inline void *fuzz_copy(const void *p, size_t len)
{
    void *copy = calloc(1, len > 0 ? len : 1);
    MUST(copy != NULL);
    if (len > 0) {
        memcpy(copy, p, len);
    }
    return copy;
}

static inline bool fuzz_same(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* Whether `len` bytes are all zero: what a refusal must leave of secrets. */
static inline bool fuzz_zero(const void *p, size_t len)
{
    const uint8_t *bytes = p;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

#endif
