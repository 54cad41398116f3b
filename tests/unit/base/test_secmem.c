/* SPDX-License-Identifier: Apache-2.0 */
/* base/secmem.h */
#include "base/secmem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void memory_is_zero_and_all_of_it_writable(void **state)
{
    (void)state;
    static const size_t lengths[] = { 1, 32, 64, 4095, 4096, 4097, 100000 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t *p = jt_secmem_alloc(lengths[i]);
        assert_non_null(p);
        for (size_t k = 0; k < lengths[i]; k++) {
            assert_int_equal(p[k], 0);
        }
        memset(p, 0xa5, lengths[i]);
        jt_secmem_free(p, lengths[i]);
    }
}

static void impossible_lengths_give_null(void **state)
{
    (void)state;
    assert_null(jt_secmem_alloc(0));
    assert_null(jt_secmem_alloc(SIZE_MAX));
    assert_null(jt_secmem_alloc(SIZE_MAX / 2));
    jt_secmem_free(NULL, 10);
}

static void a_forked_child_sees_zeroes(void **state)
{
    (void)state;
    uint8_t *p = jt_secmem_alloc(32);
    assert_non_null(p);
    memset(p, 0xa5, 32);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uint8_t seen = 0;
        for (int i = 0; i < 32; i++) {
            seen |= p[i];
        }
        _exit(seen == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(p[31], 0xa5);
    jt_secmem_free(p, 32);
}

static void wiping(void **state)
{
    (void)state;
    char text[] = "a secret";
    jt_wipe(text, sizeof text);
    for (size_t i = 0; i < sizeof text; i++) {
        assert_int_equal(text[i], 0);
    }
    jt_wipe(NULL, 0);
    jt_wipe_free(NULL);
    char *copy = strdup("another");
    assert_non_null(copy);
    jt_wipe_free(copy);
}

static void comparison_sees_every_bit(void **state)
{
    (void)state;
    uint8_t a[33] = { 0 }, b[33] = { 0 };
    assert_true(jt_equal_ct(a, b, sizeof a));
    assert_true(jt_equal_ct(a, b, 0));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(jt_equal_ct(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zero_and_all_of_it_writable),
        cmocka_unit_test(impossible_lengths_give_null),
        cmocka_unit_test(a_forked_child_sees_zeroes),
        cmocka_unit_test(wiping),
        cmocka_unit_test(comparison_sees_every_bit),
    };
    return cmocka_run_group_tests_name("base/secmem", tests, NULL, NULL);
}
