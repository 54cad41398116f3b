/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void fips_180_vectors(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("sha256_fips180.txt");
    struct vector v;
    size_t n = 0;
    for (; vector_next(&f, &v); n++) {
        struct jt_bytes message = vector_get(&v, "message");
        struct jt_bytes want = vector_get(&v, "digest");
        uint8_t digest[JT_SHA256_LEN];
        assert_int_equal(want.len, JT_SHA256_LEN);
        assert_int_equal(jt_sha256(message.p, message.len, digest), JT_OK);
        assert_memory_equal(digest, want.p, JT_SHA256_LEN);
    }
    vector_file_close(&f);
    assert_int_equal(n, 3);
}

static void nothing_at_null_is_the_empty_message(void **state)
{
    (void)state;
    uint8_t a[JT_SHA256_LEN];
    uint8_t b[JT_SHA256_LEN];
    assert_int_equal(jt_sha256(NULL, 0, a), JT_OK);
    assert_int_equal(jt_sha256("", 0, b), JT_OK);
    assert_memory_equal(a, b, JT_SHA256_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fips_180_vectors),
        cmocka_unit_test(nothing_at_null_is_the_empty_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
