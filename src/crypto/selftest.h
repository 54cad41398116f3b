/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known-answer tests that the keeper runs before it touches a key: RFC 5297 A.1 and A.2, SP 800-38B
 * CMAC, SP 800-108 KDF, Ed25519 (RFC 8032), the token block, the many-record path against the
 * single one, and that forged envelopes and tokens are refused. Behaviour is tested, not the
 * version of the library.
 */
#ifndef JETON_CRYPTO_SELFTEST_H
#define JETON_CRYPTO_SELFTEST_H

#include "base/err.h"

/* JT_OK or JT_ERR_CRYPTO, with *failed naming the first test that failed (static storage). */
enum jt_err jt_crypto_selftest(const char **failed) JT_CHECKED;

/* Corrupt no answer. */
#define JT_SELFTEST_NONE (-1)

/*
 * The same with one byte of the answer that is compared at place `corrupt` (counted from 0)
 * falsified before the comparison: how the unit test proves that every comparison can fail. JT_OK
 * when there are not so many comparisons.
 */
enum jt_err jt_crypto_selftest_corrupted(int corrupt, const char **failed) JT_CHECKED;

#endif
