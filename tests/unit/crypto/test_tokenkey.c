/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/tokenkey.h"

#include "base/buf.h"
#include "cases.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIELD 7
#define N     300 /* more than two chunks */

static const uint8_t root[JT_TOKENKEY_ROOT_LEN] = { 5, 6, 7 };
static uint64_t ids[N];
static uint64_t opened[N];
static uint8_t tokens[N][JT_TOKEN_LEN];

static struct jt_tokenkey *tokenkey(const uint8_t *from, uint32_t field)
{
    struct jt_tokenkey *tk = NULL;
    assert_int_equal(jt_tokenkey_new(from, field, &tk), JT_OK);
    assert_non_null(tk);
    return tk;
}

/* The id of one token, 0 for none. */
static uint64_t open_one(struct jt_tokenkey *tk, const uint8_t *token)
{
    uint64_t id = 99;
    uint8_t copy[1][JT_TOKEN_LEN];
    memcpy(copy[0], token, sizeof(copy));
    assert_int_equal(jt_tokenkey_open(tk, (const uint8_t(*)[JT_TOKEN_LEN])copy, 1, &id), JT_OK);
    return id;
}

/* Tokens are with the clients: what the second implementation printed, for ever. */
static void tokens_are_frozen(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("frozen.txt");
    struct vector v;
    size_t n = 0;
    while (vector_next(&f, &v)) {
        if (!vector_has(&v, "token")) {
            continue;
        }
        struct jt_bytes token = vector_get(&v, "token");
        uint64_t id = jt_get_u64(vector_get(&v, "id").p);
        uint8_t made[1][JT_TOKEN_LEN];
        struct jt_tokenkey *tk = tokenkey(vector_get(&v, "key").p, FIELD);
        assert_int_equal(token.len, JT_TOKEN_LEN);
        assert_int_equal(jt_tokenkey_seal(tk, &id, 1, made), JT_OK);
        assert_memory_equal(made[0], token.p, token.len);
        assert_int_equal(open_one(tk, token.p), id);
        jt_tokenkey_free(tk);
        n++;
    }
    vector_file_close(&f);
    assert_int_equal(n, 4);
}

static void many_go_there_and_back(void **state)
{
    (void)state;
    struct cases c = cases_start(N);
    struct jt_tokenkey *tk = tokenkey(root, FIELD);
    static const size_t sizes[] = { 0, 1, 127, 128, 129, 256, N };
    for (size_t i = 0; i < N; i++) {
        uint64_t id = cases_next(&c) >> 1;
        ids[i] = id == 0 ? 1 : id;
    }
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        memset(opened, 0, sizeof(opened));
        assert_int_equal(jt_tokenkey_seal(tk, ids, sizes[s], tokens), JT_OK);
        const uint8_t(*made)[JT_TOKEN_LEN] = (const uint8_t(*)[JT_TOKEN_LEN])tokens;
        assert_int_equal(jt_tokenkey_open(tk, made, sizes[s], opened), JT_OK);
        assert_memory_equal(opened, ids, sizes[s] * sizeof(ids[0]));
    }
    jt_tokenkey_free(tk);
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    struct jt_tokenkey *tk = tokenkey(root, FIELD);
    uint64_t id = UINT64_C(0x0123456789abcdef);
    assert_int_equal(jt_tokenkey_seal(tk, &id, 1, tokens), JT_OK);
    for (size_t bit = 0; bit < 8 * JT_TOKEN_LEN; bit++) {
        tokens[0][bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(open_one(tk, tokens[0]), 0);
        tokens[0][bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(open_one(tk, tokens[0]), id);
    jt_tokenkey_free(tk);
}

static void tokens_of_another_field_or_root_are_refused(void **state)
{
    (void)state;
    static const uint8_t other_root[JT_TOKENKEY_ROOT_LEN] = { 5, 6, 8 };
    struct jt_tokenkey *tk = tokenkey(root, FIELD);
    struct jt_tokenkey *other_field = tokenkey(root, FIELD + 1);
    struct jt_tokenkey *other = tokenkey(other_root, FIELD);
    for (size_t i = 0; i < N; i++) {
        ids[i] = i + 1;
    }
    assert_int_equal(jt_tokenkey_seal(tk, ids, N, tokens), JT_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(open_one(other_field, tokens[i]), 0);
        assert_int_equal(open_one(other, tokens[i]), 0);
    }
    jt_tokenkey_free(other);
    jt_tokenkey_free(other_field);
    jt_tokenkey_free(tk);
}

static void ids_out_of_range_are_refused(void **state)
{
    (void)state;
    static const uint64_t bad[] = { 0, UINT64_C(1) << 63, UINT64_MAX };
    struct jt_tokenkey *tk = tokenkey(root, FIELD);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ids[0] = 1;
        ids[1] = bad[i];
        memset(tokens, 0xee, sizeof(tokens));
        assert_int_equal(jt_tokenkey_seal(tk, ids, 2, tokens), JT_ERR_INVALID);
        static const uint8_t zero[2 * JT_TOKEN_LEN];
        assert_memory_equal(tokens, zero, sizeof(zero));
    }
    jt_tokenkey_free(tk);
    jt_tokenkey_free(NULL);
}

/* Ids ascend inside; what a client sees of neighbours has nothing in common. */
static void neighbours_look_unrelated(void **state)
{
    (void)state;
    struct jt_tokenkey *tk = tokenkey(root, FIELD);
    for (size_t i = 0; i < N; i++) {
        ids[i] = (UINT64_C(200000000000) << 22) + i;
    }
    assert_int_equal(jt_tokenkey_seal(tk, ids, N, tokens), JT_OK);
    size_t n_ascending = 0;
    for (size_t i = 1; i < N; i++) {
        assert_memory_not_equal(tokens[i - 1], tokens[i], 4);
        n_ascending += memcmp(tokens[i - 1], tokens[i], JT_TOKEN_LEN) < 0;
    }
    assert_in_range(n_ascending, N / 4, 3 * N / 4);
    jt_tokenkey_free(tk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_frozen),
        cmocka_unit_test(many_go_there_and_back),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(tokens_of_another_field_or_root_are_refused),
        cmocka_unit_test(ids_out_of_range_are_refused),
        cmocka_unit_test(neighbours_look_unrelated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
