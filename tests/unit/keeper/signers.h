/* SPDX-License-Identifier: Apache-2.0 */
/* Custodians of tests: alice, bob, carol and dave, with keys that follow from their places. */
#ifndef JETON_TESTS_UNIT_KEEPER_SIGNERS_H
#define JETON_TESTS_UNIT_KEEPER_SIGNERS_H

#include "inside.h"
#include "wire/custodian.h"

struct jt_custodian signers_one(size_t who);
struct jt_approval signers_sign(size_t who, const void *text, size_t len);

/* The custodians `from` and the next, as a set that nobody has approved yet. */
struct jt_custodians_make signers_two(size_t from);

/* The custodians `from` and the next, and approvals by two of the present ones. */
struct jt_custodians_make signers_next(const struct inside *in, size_t from, size_t by_a,
                                       size_t by_b);

/* CUSTODIANS_MAKE; and the verdict of CUSTODIANS_SHOW. */
enum jt_err signers_make(struct inside *in, const struct jt_custodians_make *make,
                         struct jt_custodian_row *row);
uint8_t signers_show(struct inside *in, const struct jt_custodian_row *row);

/* alice and bob are this keeper's custodians from now on. */
struct jt_custodian_row signers_enroll(struct inside *in);

#endif
