/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of make_seeds: each writes first inputs of some targets. */
#ifndef JETON_TESTS_FUZZ_SEEDS_H
#define JETON_TESTS_FUZZ_SEEDS_H

#include "fuzz.h"
#include "base/buf.h"

/* Stores an input of a target. */
void seed(const char *target, const void *data, size_t len);

/* An input that begins with one or two bytes that tell the target how to take the rest. */
void seed_with(const char *target, int first, int second, const void *data, size_t len);

/* Stores the message that was just encoded, and empties it. */
typedef void seeds_store_fn(int which, int n_asked);
struct jt_ring_row;
void seeds_of_recovery(const struct jt_ring_row *row, struct jt_buf *message,
                       seeds_store_fn *store);

void seeds_of_columns(struct jt_buf *message, seeds_store_fn *store);

void seeds_of_custody(struct jt_buf *message, seeds_store_fn *store);

void seeds_of_wire(void);
void seeds_of_files(void);
void seeds_of_text(void);
void seeds_of_batch(void);

#endif
