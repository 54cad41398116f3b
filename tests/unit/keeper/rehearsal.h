/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test that links rehearsal.c has each kind of request that it makes of a keeper inside the test
 * (inside.h) tried beforehand with every single call to memory, the system and libcrypto failing in
 * turn (failing.h), each time in a process of its own, after which the key directory is put back.
 * Of each try it is demanded:
 *
 *   - nothing that would be refused is granted, and nothing is refused for another reason than the
 *     one that it would be refused for, or than that something of this machine's failed;
 *   - the same request is answered right afterwards as if nothing had been;
 *   - a keeper that starts on what lies on the disk then, starts, and knows what it knew before the
 *     request, or what it knows behind it, and nothing else.
 *
 * A kind is a verb with an outcome. What the helpers of inside.h ask is left out: test_faults.c has
 * it.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_REHEARSAL_H
#define JETON_TESTS_UNIT_KEEPER_REHEARSAL_H

#include "inside.h"

/* With what is in in->payload, which stays. */
void rehearse(struct inside *in, uint8_t verb) __attribute__((weak));

/*
 * A start, in the same way but in this process: of each set of files, with each outcome. No keeper
 * has the directory.
 */
void rehearse_start(const struct jt_keeper_source *source) __attribute__((weak));

#endif
