/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seeded generator of payment-like card files, for demonstrations, tests and benchmarks (`jeton
 * gen`).
 *
 * The same seed gives the same file on every machine: integers only, no library's random numbers.
 * Cards repeat as in payment files: half the rows draw from ranked cards whose share falls with
 * their rank (Zipf), half from cards seen once or twice, so that 100,000 rows hold about 60,000
 * distinct cards. The first good rows of each n_rows / JT_GENERATOR_N_SURE hold what every file
 * must have: the schemes' published test numbers, and one card of each length from 12 to 19 digits.
 * A stated number of rows is bad, in turn in every way that jt_pan_parse refuses.
 *
 * Numbers are Luhn-valid and made up; they belong to nobody only in so far as a random number does:
 * treat generated files as test data, not as public data.
 */
#ifndef JETON_PAN_GENERATOR_H
#define JETON_PAN_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#define JT_GENERATOR_PAN_LEN     32 /* room for a PAN or a bad one, and NUL */
#define JT_GENERATOR_N_SURE      26 /* cards that every file of at least so many good rows holds */
#define JT_GENERATOR_N_BAD_KINDS 7

struct jt_generator {
    uint64_t state[4]; /* xoshiro256** */
    uint64_t seed;
    uint64_t n_rows;
    uint64_t n_bad;
    uint64_t n_cards; /* size of the card population that rows draw from */
    uint64_t row;
    uint64_t bad_made;
    uint64_t sure_made;
};

/* One row of a card file. */
struct jt_generator_row {
    char pan[JT_GENERATOR_PAN_LEN];
    bool bad;
    uint64_t amount_cents;
};

/* `n_bad` (at most n_rows) bad rows are spread over the file. */
void jt_generator_init(struct jt_generator *g, uint64_t seed, uint64_t n_rows, uint64_t n_bad);

/* The next row; false after n_rows. */
bool jt_generator_next(struct jt_generator *g, struct jt_generator_row *row);

#endif
