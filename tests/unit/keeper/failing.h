/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, the system and libcrypto, of which one call fails. The functions stand before the real
 * ones by the linker's --wrap ($(keeper_failing_ldflags)); of calls between one failing_from and
 * its failing_end, that of the given number fails, and no other one.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_FAILING_H
#define JETON_TESTS_UNIT_KEEPER_FAILING_H

#include "base/err.h"

#define FAILING_NONE (-1)  /* none fails */
#define FAILING_MANY 20000 /* more calls than any act has */

void failing_from(int number);

/* The function that failed; NULL: there were not so many calls. */
const char *failing_end(void);

/*
 * Whether a refusal says that something of this machine's failed, and nothing about rows, keys and
 * files: what cannot be read today is not false.
 */
bool failing_says_so(enum jt_err err, const char *function);

#endif
