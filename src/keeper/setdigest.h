/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of sets of rows (wire/set.h says why they are what they are) and the MACs around
 * them: adding and taking away rows, from a set row or a partial sum to the next one.
 *
 * A sum is at work in the clear inside the keeper only: jt_setdigest_open takes it out of what is
 * stored, and jt_setdigest_close puts it under a fresh nonce.
 */
#ifndef JETON_KEEPER_SETDIGEST_H
#define JETON_KEEPER_SETDIGEST_H

#include "keeper/root.h"
#include "wire/set.h"

/* A sum modulo 2^128. */
struct jt_setdigest {
    uint64_t high, low;
    uint32_t n; /* rows */
};

/* A row comes in, or goes out. The rows' own MACs are not checked here. */
enum jt_err jt_setdigest_add_client(const struct jt_root *root, struct jt_setdigest *d,
                                    const struct jt_client_row *row) JT_CHECKED;
enum jt_err jt_setdigest_take_client(const struct jt_root *root, struct jt_setdigest *d,
                                     const struct jt_client_row *row) JT_CHECKED;
enum jt_err jt_setdigest_add_field(const struct jt_root *root, struct jt_setdigest *d,
                                   const struct jt_field_row *row) JT_CHECKED;
enum jt_err jt_setdigest_take_field(const struct jt_root *root, struct jt_setdigest *d,
                                    const struct jt_field_row *row) JT_CHECKED;

/*
 * The sum in a set row: JT_ERR_FORGED unless a keeper made the row, or it is the empty one of
 * version 0.
 */
enum jt_err jt_setdigest_open_row(const struct jt_root *root, const struct jt_set_row *row,
                                  struct jt_setdigest *out) JT_CHECKED;

/* Fills in count, nonce, digest and MAC of a set row whose other members stand. */
enum jt_err jt_setdigest_close_row(const struct jt_root *root, const struct jt_setdigest *d,
                                   struct jt_set_row *row) JT_CHECKED;

/* The same for a partial sum, whose kind stands. */
enum jt_err jt_setdigest_open_sum(const struct jt_root *root, const struct jt_set_sum *sum,
                                  struct jt_setdigest *out) JT_CHECKED;
enum jt_err jt_setdigest_close_sum(const struct jt_root *root, const struct jt_setdigest *d,
                                   struct jt_set_sum *sum) JT_CHECKED;

#endif
