/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void rfc_8032_vectors(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("ed25519_rfc8032.txt");
    struct vector v;
    size_t n = 0;
    for (; vector_next(&f, &v); n++) {
        struct jt_bytes seed = vector_get(&v, "seed");
        struct jt_bytes public_key = vector_get(&v, "public");
        struct jt_bytes message = vector_get(&v, "message");
        struct jt_bytes want = vector_get(&v, "signature");
        uint8_t derived[JT_SIGN_PUBLIC_LEN];
        uint8_t signature[JT_SIGN_LEN];
        assert_int_equal(seed.len, JT_SIGN_SEED_LEN);
        assert_int_equal(want.len, JT_SIGN_LEN);
        assert_int_equal(jt_sign_public(seed.p, derived), JT_OK);
        assert_memory_equal(derived, public_key.p, JT_SIGN_PUBLIC_LEN);
        assert_int_equal(jt_sign(seed.p, message.p, message.len, signature), JT_OK);
        assert_memory_equal(signature, want.p, JT_SIGN_LEN);
        assert_int_equal(jt_sign_verify(public_key.p, message.p, message.len, want.p), JT_OK);
    }
    vector_file_close(&f);
    assert_int_equal(n, 3);
}

static void changed_signature_message_or_key_is_denied(void **state)
{
    (void)state;
    static const uint8_t seed[JT_SIGN_SEED_LEN] = { 3 };
    static const uint8_t other_seed[JT_SIGN_SEED_LEN] = { 4 };
    char message[] = "generation 3 is empty";
    uint8_t public_key[JT_SIGN_PUBLIC_LEN];
    uint8_t other_public[JT_SIGN_PUBLIC_LEN];
    uint8_t signature[JT_SIGN_LEN];
    assert_int_equal(jt_sign_public(seed, public_key), JT_OK);
    assert_int_equal(jt_sign_public(other_seed, other_public), JT_OK);
    assert_int_equal(jt_sign(seed, message, sizeof(message), signature), JT_OK);
    assert_int_equal(jt_sign_verify(public_key, message, sizeof(message), signature), JT_OK);
    for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(jt_sign_verify(public_key, message, sizeof(message), signature),
                         JT_ERR_BAD_SIGNATURE);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(jt_sign_verify(other_public, message, sizeof(message), signature),
                     JT_ERR_BAD_SIGNATURE);
    assert_int_equal(jt_sign_verify(public_key, message, sizeof(message) - 1, signature),
                     JT_ERR_BAD_SIGNATURE);
    message[11] = '4';
    assert_int_equal(jt_sign_verify(public_key, message, sizeof(message), signature),
                     JT_ERR_BAD_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_8032_vectors),
        cmocka_unit_test(changed_signature_message_or_key_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
