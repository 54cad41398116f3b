/* SPDX-License-Identifier: Apache-2.0 */
#include "pan/generator.h"

#include "pan/pan.h"

#include <stddef.h>
#include <string.h>

/*
 * The schemes' published test numbers (their and the large processors' testing pages); all pass
 * Luhn.
 */
static const char *const test_numbers[] = {
    "4111111111111111", "4012888888881881", "4222222222222", "4242424242424242", /* Visa */
    "5555555555554444", "5105105105105100", "2223003122003222",                  /* Mastercard */
    /* American Express */
    "378282246310005", "371449635398431", "6011111111111117", "6011000990139424", /* Discover */
    "30569309025904", "38520000023237",                                           /* Diners Club */
    "3530111333300000", "3566002020360505",                                       /* JCB */
    "6200000000000005", "6205500000000000004",                                    /* UnionPay */
    "6759649826438453",                                                           /* Maestro */
};

#define N_TEST_NUMBERS (sizeof test_numbers / sizeof test_numbers[0])
#define N_LENGTHS      (JT_PAN_MAX_DIGITS - JT_PAN_MIN_DIGITS + 1)

_Static_assert(JT_GENERATOR_N_SURE == N_TEST_NUMBERS + N_LENGTHS,
               "the header counts what every file holds");

/*
 * Ranges of issuer prefixes with the share of cards that each gets (of 1,000) and the lengths that
 * it issues.
 */
struct range {
    unsigned share;
    unsigned prefix_from, prefix_to;
    unsigned prefix_digits;
    unsigned length_from, length_to;
};

static const struct range ranges[] = {
    /* Visa */
    { 440, 4, 4, 1, 16, 16 },
    { 10, 4, 4, 1, 13, 13 },
    { 20, 4, 4, 1, 19, 19 },
    /* Mastercard */
    { 210, 51, 55, 2, 16, 16 },
    { 80, 2221, 2720, 4, 16, 16 },
    /* American Express */
    { 35, 34, 34, 2, 15, 15 },
    { 35, 37, 37, 2, 15, 15 },
    /* Discover */
    { 25, 6011, 6011, 4, 16, 16 },
    { 15, 644, 659, 3, 16, 16 },
    /* Diners Club */
    { 10, 300, 305, 3, 14, 14 },
    { 10, 36, 36, 2, 14, 14 },
    /* JCB */
    { 30, 3528, 3589, 4, 16, 16 },
    /* UnionPay */
    { 40, 62, 62, 2, 16, 19 },
    /* Maestro */
    { 20, 5018, 5018, 4, 12, 19 },
    { 20, 6759, 6763, 4, 12, 19 },
};

#define N_RANGES (sizeof ranges / sizeof ranges[0])
#define MAESTRO  (&ranges[N_RANGES - 1]) /* the scheme that issues every length */

/*
 * splitmix64, S. Vigna, public domain: seeds the generator, and is the stream of each card's own
 * digits.
 */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t rotated(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* xoshiro256**, D. Blackman and S. Vigna, public domain. */
static uint64_t draw(struct jt_generator *g)
{
    uint64_t *s = g->state;
    uint64_t result = rotated(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return result;
}

/* Scales 64 random bits to 0 .. n-1; the bias of at most n / 2^64 does not matter here. */
static uint64_t scaled(uint64_t random, uint64_t n)
{
    return (uint64_t)((unsigned __int128)random * n >> 64);
}

static uint64_t below(struct jt_generator *g, uint64_t n)
{
    return scaled(draw(g), n);
}

static char check_digit(const char *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0');
        if (i % 2 == 0) {
            d *= 2;
            d = d > 9 ? d - 9 : d;
        }
        sum += d;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

static void write_number(char *out, unsigned value, unsigned n_digits)
{
    for (unsigned i = n_digits; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* A Luhn-valid number of `length` digits in `range`, made of the stream `state` alone. */
static void make_number(uint64_t *state, const struct range *range, unsigned length,
                        char out[static JT_GENERATOR_PAN_LEN])
{
    unsigned prefix = range->prefix_from +
                      (unsigned)scaled(splitmix(state), range->prefix_to - range->prefix_from + 1);
    write_number(out, prefix, range->prefix_digits);
    uint64_t random = splitmix(state); /* 64 bits last for the 18 digits at most that follow */
    for (unsigned i = range->prefix_digits; i + 1 < length; i++) {
        out[i] = (char)('0' + random % 10);
        random /= 10;
    }
    out[length - 1] = check_digit(out, length - 1);
    out[length] = '\0';
}

/*
 * The card of a rank is a function of seed and rank: no table of cards is kept, so files may be of
 * any size.
 */
static void make_card(uint64_t seed, uint64_t rank, char out[static JT_GENERATOR_PAN_LEN])
{
    uint64_t of_seed = seed;
    uint64_t state = splitmix(&of_seed) ^ rank * 0xd1342543de82ef95;
    unsigned share = (unsigned)scaled(splitmix(&state), 1000);
    const struct range *range = ranges;
    while (share >= range->share) {
        share -= range->share;
        range++;
    }
    unsigned length = range->length_from +
                      (unsigned)scaled(splitmix(&state), range->length_to - range->length_from + 1);
    make_number(&state, range, length, out);
}

/*
 * Each octave of ranks [2^k - 1, 2^(k+1) - 1) is as likely as the next: the share of a card falls
 * as 1 / rank (Zipf).
 */
static uint64_t draw_rank(struct jt_generator *g)
{
    if (draw(g) & 1) {
        return below(g, g->n_cards);
    }
    unsigned octaves = 64 - (unsigned)__builtin_clzll(g->n_rows);
    uint64_t size = (uint64_t)1 << below(g, octaves);
    return size - 1 + below(g, size);
}

static void make_sure_card(const struct jt_generator *g, char out[static JT_GENERATOR_PAN_LEN])
{
    if (g->sure_made < N_TEST_NUMBERS) {
        memcpy(out, test_numbers[g->sure_made], strlen(test_numbers[g->sure_made]) + 1);
        return;
    }
    uint64_t state = g->seed ^ g->sure_made;
    make_number(&state, MAESTRO, (unsigned)(JT_PAN_MIN_DIGITS + g->sure_made - N_TEST_NUMBERS),
                out);
}

static void group_by_four(char *pan, char separator)
{
    char grouped[JT_GENERATOR_PAN_LEN];
    size_t n = 0;
    for (size_t i = 0; pan[i] != '\0'; i++) {
        if (i > 0 && i % 4 == 0) {
            grouped[n++] = separator;
        }
        grouped[n++] = pan[i];
    }
    grouped[n] = '\0';
    memcpy(pan, grouped, n + 1);
}

/* Makes a good number bad in one of JT_GENERATOR_N_BAD_KINDS ways. */
static void spoil(struct jt_generator *g, char pan[static JT_GENERATOR_PAN_LEN])
{
    size_t len = strlen(pan);
    switch (g->bad_made % JT_GENERATOR_N_BAD_KINDS) {
    case 0: pan[below(g, len)] = (char)('A' + below(g, 26)); break;
    case 1: group_by_four(pan, ' '); break;
    case 2: group_by_four(pan, '-'); break;
    case 3: pan[1 + below(g, JT_PAN_MIN_DIGITS - 1)] = '\0'; break;
    case 4:
        write_number(pan + len, (unsigned)below(g, 100000000),
                     JT_PAN_MAX_DIGITS + 1 - JT_PAN_MIN_DIGITS);
        pan[len + JT_PAN_MAX_DIGITS + 1 - JT_PAN_MIN_DIGITS] = '\0';
        break;
    case 5: pan[len - 1] = (char)('0' + (pan[len - 1] - '0' + 1 + (int)below(g, 9)) % 10); break;
    default: pan[0] = '\0'; break;
    }
}

void jt_generator_init(struct jt_generator *g, uint64_t seed, uint64_t n_rows, uint64_t n_bad)
{
    *g = (struct jt_generator){ .seed = seed,
                                .n_rows = n_rows,
                                .n_bad = n_bad < n_rows ? n_bad : n_rows };
    uint64_t state = seed;
    for (size_t i = 0; i < 4; i++) {
        g->state[i] = splitmix(&state);
    }
    /*
     * Three times the rows: the half of the rows that draw from all cards then meets about one card
     * in seven again.
     */
    g->n_cards = 3 * n_rows;
}

bool jt_generator_next(struct jt_generator *g, struct jt_generator_row *row)
{
    if (g->row >= g->n_rows) {
        return false;
    }
    uint64_t good_made = g->row - g->bad_made;
    uint64_t n_good = g->n_rows - g->n_bad;
    /*
     * Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S): exactly n_bad rows, every set of
     * them as likely.
     */
    row->bad = below(g, g->n_rows - g->row) < g->n_bad - g->bad_made;
    bool sure = !row->bad && g->sure_made < JT_GENERATOR_N_SURE &&
                good_made * JT_GENERATOR_N_SURE >= g->sure_made * n_good;
    if (sure) {
        make_sure_card(g, row->pan);
        g->sure_made++;
    } else {
        make_card(g->seed, draw_rank(g), row->pan);
    }
    if (row->bad) {
        spoil(g, row->pan);
        g->bad_made++;
    }
    /* mostly small, up to 1,310.72 */
    row->amount_cents = 1 + below(g, (uint64_t)128 << below(g, 11));
    g->row++;
    return true;
}
