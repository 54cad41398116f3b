/* SPDX-License-Identifier: Apache-2.0 */
/* batch/prefix.h: what is in the digest of an input, and what is not. */
#include "batch/prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The digest of one portion: text, a value, a text that is only counted. */
static void digest(const char *text, size_t value_len, uint64_t weight, size_t hidden,
                   uint8_t out[static JT_SHA256_LEN])
{
    struct jt_prefix p;
    jt_prefix_init(&p);
    jt_prefix_put(&p, text, strlen(text));
    jt_prefix_value(&p, value_len, weight);
    jt_prefix_put(&p, NULL, hidden);
    assert_int_equal(jt_prefix_close(&p), JT_OK);
    memcpy(out, p.digest, JT_SHA256_LEN);
    jt_prefix_clear(&p);
}

static void everything_that_is_put_counts(void **state)
{
    (void)state;
    uint8_t one[JT_SHA256_LEN], other[JT_SHA256_LEN];
    digest("id,", 16, 4111111111, 9, one);
    digest("id,", 16, 4111111111, 9, other);
    assert_memory_equal(one, other, sizeof one);
    digest("ie,", 16, 4111111111, 9, other);
    assert_memory_not_equal(one, other, sizeof one);
    digest("id,", 15, 4111111111, 9, other);
    assert_memory_not_equal(one, other, sizeof one);
    digest("id,", 16, 4111111112, 9, other);
    assert_memory_not_equal(one, other, sizeof one);
    digest("id,", 16, 4111111111, 8, other);
    assert_memory_not_equal(one, other, sizeof one);
}

static void portions_are_chained(void **state)
{
    (void)state;
    struct jt_prefix a, b;
    jt_prefix_init(&a);
    jt_prefix_init(&b);
    jt_prefix_put(&a, "1", 1);
    assert_int_equal(jt_prefix_close(&a), JT_OK);
    jt_prefix_put(&b, "2", 1);
    assert_int_equal(jt_prefix_close(&b), JT_OK);
    for (int i = 0; i < 2; i++) { /* the same from here on, and nothing at all */
        assert_memory_not_equal(a.digest, b.digest, JT_SHA256_LEN);
        jt_prefix_put(&a, "3", (size_t)i);
        jt_prefix_put(&b, "3", (size_t)i);
        assert_int_equal(jt_prefix_close(&a), JT_OK);
        assert_int_equal(jt_prefix_close(&b), JT_OK);
    }
    assert_memory_not_equal(a.digest, b.digest, JT_SHA256_LEN);
    jt_prefix_clear(&a);
    jt_prefix_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_is_put_counts),
        cmocka_unit_test(portions_are_chained),
    };
    return cmocka_run_group_tests_name("batch/prefix", tests, NULL, NULL);
}
