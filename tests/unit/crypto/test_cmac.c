/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cmac.h"

#include "cases.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define MESSAGE_MAX 300
#define MANY_MAX    300

static void sp_800_38b_vectors(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("cmac_sp800_38b.txt");
    struct vector v;
    size_t n = 0;
    for (; vector_next(&f, &v); n++) {
        struct jt_bytes key = vector_get(&v, "key");
        struct jt_bytes message = vector_get(&v, "message");
        struct jt_bytes want = vector_get(&v, "mac");
        uint8_t mac[JT_CMAC_LEN];
        struct jt_cmac_record record = { message.p, message.len, mac };
        struct jt_cmac *cmac = NULL;
        assert_int_equal(key.len, JT_CMAC_KEY_LEN);
        assert_int_equal(want.len, JT_CMAC_LEN);
        assert_int_equal(jt_cmac_new(key.p, &cmac), JT_OK);
        assert_int_equal(jt_cmac_compute(cmac, &message, 1, mac), JT_OK);
        assert_memory_equal(mac, want.p, JT_CMAC_LEN);
        memset(mac, 0, sizeof(mac));
        assert_int_equal(jt_cmac_many(cmac, &record, 1), JT_OK);
        assert_memory_equal(mac, want.p, JT_CMAC_LEN);
        jt_cmac_free(cmac);
    }
    vector_file_close(&f);
    assert_int_equal(n, 5);
}

static void parts_are_concatenated(void **state)
{
    (void)state;
    static const uint8_t key[JT_CMAC_KEY_LEN] = { 7 };
    uint8_t message[70];
    uint8_t whole[JT_CMAC_LEN];
    uint8_t split[JT_CMAC_LEN];
    struct jt_cmac *cmac = NULL;
    for (size_t i = 0; i < sizeof(message); i++) {
        message[i] = (uint8_t)i;
    }
    assert_int_equal(jt_cmac_new(key, &cmac), JT_OK);
    for (size_t len = 0; len <= sizeof(message); len++) {
        assert_int_equal(jt_cmac_compute(cmac, &(struct jt_bytes){ message, len }, 1, whole),
                         JT_OK);
        for (size_t cut = 0; cut <= len; cut++) {
            const struct jt_bytes parts[] = {
                { NULL, 0 }, { message, cut }, { NULL, 0 }, { message + cut, len - cut },
                { NULL, 0 },
            };
            assert_int_equal(jt_cmac_compute(cmac, parts, 5, split), JT_OK);
            assert_memory_equal(split, whole, JT_CMAC_LEN);
        }
    }
    assert_int_equal(jt_cmac_compute(cmac, NULL, 0, split), JT_OK);
    assert_int_equal(jt_cmac_compute(cmac, &(struct jt_bytes){ message, 0 }, 1, whole), JT_OK);
    assert_memory_equal(split, whole, JT_CMAC_LEN);
    jt_cmac_free(cmac);
    jt_cmac_free(NULL);
}

static void openssl_cmac(EVP_MAC_CTX *ctx, const uint8_t *key, const uint8_t *in, size_t len,
                         uint8_t *out)
{
    char cipher[] = "AES-256-CBC";
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher,
                                                                   0),
                                  OSSL_PARAM_construct_end() };
    size_t written = 0;
    assert_int_equal(EVP_MAC_init(ctx, key, JT_CMAC_KEY_LEN, params), 1);
    assert_int_equal(EVP_MAC_update(ctx, in, len), 1);
    assert_int_equal(EVP_MAC_final(ctx, out, &written, JT_CMAC_LEN), 1);
}

static void many_agree_with_openssl(void **state)
{
    (void)state;
    static uint8_t in[MANY_MAX][MESSAGE_MAX];
    static uint8_t out[MANY_MAX][JT_CMAC_LEN];
    static struct jt_cmac_record records[MANY_MAX];
    struct cases c = cases_start(60000);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    assert_non_null(ctx);
    size_t n = 0;
    for (size_t done = 0; done < c.n; done += n) {
        uint8_t key[JT_CMAC_KEY_LEN];
        uint8_t want[JT_CMAC_LEN];
        struct jt_cmac *cmac = NULL;
        cases_fill(&c, key, sizeof(key));
        n = 1 + cases_below(&c, MANY_MAX);
        for (size_t i = 0; i < n; i++) {
            size_t len = cases_below(&c, cases_below(&c, 8) == 0 ? MESSAGE_MAX : 40);
            cases_fill(&c, in[i], len);
            records[i] = (struct jt_cmac_record){ in[i], len, out[i] };
        }
        assert_int_equal(jt_cmac_new(key, &cmac), JT_OK);
        assert_int_equal(jt_cmac_many(cmac, records, n), JT_OK);
        for (size_t i = 0; i < n; i++) {
            openssl_cmac(ctx, key, in[i], records[i].in_len, want);
            assert_memory_equal(out[i], want, JT_CMAC_LEN);
        }
        jt_cmac_free(cmac);
    }
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sp_800_38b_vectors),
        cmocka_unit_test(parts_are_concatenated),
        cmocka_unit_test(many_agree_with_openssl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
