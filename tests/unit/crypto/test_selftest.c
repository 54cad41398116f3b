/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/selftest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void passes_with_this_libcrypto(void **state)
{
    (void)state;
    const char *failed = "not set";
    assert_int_equal(jt_crypto_selftest(&failed), JT_OK);
    assert_null(failed);
}

/*
 * A test that cannot fail tests nothing: each answer in turn is falsified by one bit and must be
 * found out, by name.
 */
static void every_false_answer_is_found(void **state)
{
    (void)state;
    const char *failed = NULL;
    const char *last = NULL;
    int n_answers = 0;
    int n_names = 0;
    while (jt_crypto_selftest_corrupted(n_answers, &failed) == JT_ERR_CRYPTO) {
        assert_non_null(failed);
        n_names += last == NULL || strcmp(last, failed) != 0;
        last = failed;
        n_answers++;
    }
    assert_null(failed);
    assert_int_equal(n_names, 8);
    /*
     * 8 of CMAC, 8 of SIV, 40 records, 2 of the KDF, 2 of Ed25519, 1 of X25519, 1 opened envelope,
     * 2 of tokens
     */
    assert_int_equal(n_answers, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_with_this_libcrypto),
        cmocka_unit_test(every_false_answer_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
