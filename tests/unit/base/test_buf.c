/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.h: the one byte parser and the one byte builder, against bounds from both sides. */
#include "base/buf.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void integers_are_big_endian_both_ways(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 100);
    jt_buf_u8(&b, 0x01);
    jt_buf_u16(&b, 0x0203);
    jt_buf_u32(&b, 0x04050607);
    jt_buf_u64(&b, 0x08090a0b0c0d0e0f);
    assert_int_equal(jt_buf_status(&b), JT_OK);
    assert_int_equal(b.len, 15);
    for (size_t i = 0; i < b.len; i++) {
        assert_int_equal(b.data[i], i + 1);
    }
    struct jt_reader r = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_reader_u8(&r), 0x01);
    assert_int_equal(jt_reader_u16(&r), 0x0203);
    assert_int_equal(jt_reader_u32(&r), 0x04050607);
    assert_int_equal(jt_reader_u64(&r), 0x08090a0b0c0d0e0f);
    assert_true(jt_reader_done(&r));
    jt_buf_clear(&b);
}

static void fixed_structure_stores_agree(void **state)
{
    (void)state;
    uint8_t at[8];
    jt_put_u64(at, 0xfedcba9876543210);
    assert_memory_equal(at, "\xfe\xdc\xba\x98\x76\x54\x32\x10", 8);
    assert_true(jt_get_u64(at) == 0xfedcba9876543210);
    assert_int_equal(jt_get_u32(at), 0xfedcba98);
    jt_put_u16(at, 0x1234);
    assert_memory_equal(at, "\x12\x34", 2);
}

/* Every read at every length: short input never reads on, never recovers, and leaves zeroes. */
static void short_input_makes_the_reader_bad_for_good(void **state)
{
    (void)state;
    static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    for (size_t len = 0; len < 8; len++) {
        struct jt_reader r = jt_reader_init(bytes, len);
        assert_int_equal(jt_reader_u64(&r), 0);
        assert_true(r.bad);
        assert_int_equal(jt_reader_u8(&r), 0);
        assert_null(jt_reader_bytes(&r, 0));
        uint8_t copy[3] = { 9, 9, 9 };
        jt_reader_copy(&r, copy, sizeof copy);
        assert_memory_equal(copy, "\0\0\0", 3);
        assert_false(jt_reader_done(&r));
    }
}

static void trailing_bytes_are_not_done(void **state)
{
    (void)state;
    struct jt_reader r = jt_reader_init("\1\2", 2);
    assert_int_equal(jt_reader_u8(&r), 1);
    assert_false(jt_reader_done(&r));
    assert_int_equal(jt_reader_u8(&r), 2);
    assert_true(jt_reader_done(&r));
}

static void a_huge_length_is_refused(void **state)
{
    (void)state;
    struct jt_reader r = jt_reader_init("abc", 3);
    assert_null(jt_reader_bytes(&r, SIZE_MAX));
    assert_true(r.bad);
}

static void zero_bytes_of_an_empty_input_are_no_failure(void **state)
{
    (void)state;
    struct jt_reader r = jt_reader_init(NULL, 0);
    assert_non_null(jt_reader_bytes(&r, 0));
    jt_reader_copy(&r, NULL, 0);
    assert_true(jt_reader_done(&r));
}

static void writing_stops_at_the_bound_and_stays_stopped(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 5);
    jt_buf_u32(&b, 1);
    jt_buf_u8(&b, 2);
    assert_int_equal(jt_buf_status(&b), JT_OK);
    jt_buf_u8(&b, 3);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    assert_int_equal(b.len, 5);
    jt_buf_put(&b, "", 0);
    assert_null(jt_buf_append(&b, 0));
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    assert_int_equal(jt_buf_status(&b), JT_OK);
    jt_buf_u32(&b, 7);
    assert_int_equal(b.len, 4);
    jt_buf_clear(&b);
    assert_int_equal(b.max, 5);
    jt_buf_u8(&b, 1);
    assert_int_equal(jt_buf_status(&b), JT_OK);
    jt_buf_clear(&b);
}

static void memory_never_exceeds_the_bound(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 100);
    for (int i = 0; i < 100; i++) {
        jt_buf_u8(&b, 1);
        assert_true(b.cap <= 100);
    }
    assert_int_equal(jt_buf_status(&b), JT_OK);
    jt_buf_clear(&b);
}

/* AddressSanitizer aborts on an impossible malloc unless it is told that the program checks. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void lengths_near_the_end_of_the_address_space(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, SIZE_MAX);
    jt_buf_u8(&b, 1);
    assert_int_equal(jt_buf_reserve(&b, SIZE_MAX), JT_ERR_LIMIT);
    assert_int_equal(jt_buf_reserve(&b, SIZE_MAX / 2 + 2), JT_ERR_NOMEM);
    assert_null(jt_buf_append(&b, SIZE_MAX / 2 + 2));
    assert_int_equal(b.len, 1);
    jt_buf_clear(&b);
}

static void an_empty_append_is_no_failure(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 0);
    assert_non_null(jt_buf_append(&b, 0));
    assert_int_equal(jt_buf_status(&b), JT_OK);
    jt_buf_reset(&b);
    jt_buf_consume(&b, 10);
    jt_buf_clear(&b);
}

static void lengths_known_afterwards(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 100);
    jt_buf_u32(&b, 0);
    jt_buf_put(&b, "abc", 3);
    jt_buf_set_u32(&b, 0, 3);
    assert_memory_equal(b.data, "\0\0\0\3abc", 7);
    jt_buf_set_u32(&b, 4, 0xffffffff); /* does not fit: nothing happens */
    jt_buf_set_u32(&b, SIZE_MAX, 0xffffffff);
    assert_memory_equal(b.data, "\0\0\0\3abc", 7);
    jt_buf_clear(&b);
}

static void consumed_and_reset_bytes_are_wiped(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 100);
    jt_buf_put(&b, "secretABC", 9);
    jt_buf_consume(&b, 6);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "ABC\0\0\0\0\0\0", 9);
    jt_buf_reset(&b);
    assert_memory_equal(b.data, "\0\0\0\0\0\0\0\0\0", 9);
    jt_buf_put(&b, "xy", 2);
    jt_buf_consume(&b, 1000);
    assert_int_equal(b.len, 0);
    jt_buf_clear(&b);
}

/* A random walk of puts, consumes and resets against a plain array. */
static void behaves_like_an_array(void **state)
{
    (void)state;
    enum { MAX = 300 };
    static uint8_t model[MAX];
    size_t model_len = 0;
    struct jt_buf b;
    jt_buf_init(&b, MAX);
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[64];
        jt_random_fill(bytes, sizeof bytes);
        size_t n = bytes[0] % 60;
        if (bytes[1] < 140) {
            jt_buf_put(&b, bytes, n);
            if (model_len + n <= MAX) {
                memcpy(model + model_len, bytes, n);
                model_len += n;
            } else {
                assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
                b.err = JT_OK;
            }
        } else if (bytes[1] < 250) {
            n = n > model_len ? model_len : n;
            jt_buf_consume(&b, n);
            memmove(model, model + n, model_len - n);
            model_len -= n;
        } else {
            jt_buf_reset(&b);
            model_len = 0;
        }
        assert_int_equal(b.len, model_len);
        assert_true(model_len == 0 || memcmp(b.data, model, model_len) == 0);
    }
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian_both_ways),
        cmocka_unit_test(fixed_structure_stores_agree),
        cmocka_unit_test(short_input_makes_the_reader_bad_for_good),
        cmocka_unit_test(trailing_bytes_are_not_done),
        cmocka_unit_test(a_huge_length_is_refused),
        cmocka_unit_test(zero_bytes_of_an_empty_input_are_no_failure),
        cmocka_unit_test(writing_stops_at_the_bound_and_stays_stopped),
        cmocka_unit_test(memory_never_exceeds_the_bound),
        cmocka_unit_test(lengths_near_the_end_of_the_address_space),
        cmocka_unit_test(an_empty_append_is_no_failure),
        cmocka_unit_test(lengths_known_afterwards),
        cmocka_unit_test(consumed_and_reset_bytes_are_wiped),
        cmocka_unit_test(behaves_like_an_array),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
