/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two keepers of one installation inside the test's process: A has a service root and one active
 * generation, B has A's master key and nothing else. And how keys are carried between them, as
 * fronts do.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_PAIR_H
#define JETON_TESTS_UNIT_KEEPER_PAIR_H

#include "inside.h"
#include "wire/parcel.h"

struct keeper_pair {
    struct inside *a;
    struct inside *b;
};

/* For cmocka: *state becomes a struct keeper_pair. */
int pair_setup(void **state);
int pair_teardown(void **state);

#define IN_A_PAIR(test) cmocka_unit_test_setup_teardown(test, pair_setup, pair_teardown)

/* PARCEL_ASK for node2, or by another name; row NULL: the service root. */
enum jt_err pair_ask(struct inside *in, const struct jt_generation_row *row,
                     struct jt_parcel_request *out);
enum jt_err pair_ask_as(struct inside *in, const char *node, const struct jt_generation_row *row,
                        struct jt_parcel_request *out);

/* PARCEL_ANSWER. */
enum jt_err pair_answer(struct inside *in, const struct jt_parcel_request *request,
                        const struct jt_generation_row *row, struct jt_parcel *out);

/* PARCEL_ACCEPT, with the row of a generation, or with a ring. */
enum jt_err pair_take(struct inside *in, const struct jt_generation_row *row,
                      const struct jt_ring_row *ring, const struct jt_parcel *parcel);

/* All three: a generation's key; the root; and all that makes B a keeper as A is. */
enum jt_err pair_carry(struct inside *from, struct inside *to, const struct jt_generation_row *row);
void pair_carry_root(struct inside *from, struct inside *to);
void pair_carry_all(struct keeper_pair *p);

/* Whether the keeper's directory has a file. */
bool pair_has_file(const struct inside *in, const char *name);

#endif
