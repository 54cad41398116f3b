/* SPDX-License-Identifier: Apache-2.0 */
/* base/random.h: no value twice, not over threads and not over fork. */
#include "base/random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LEN 16
#define N   2000 /* several pools of 4 KiB */

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, LEN);
}

static void assert_all_differ(uint8_t *values, size_t n)
{
    qsort(values, n, LEN, compare);
    for (size_t i = 1; i < n; i++) {
        assert_memory_not_equal(values + (i - 1) * LEN, values + i * LEN, LEN);
    }
}

static void *fill(void *values)
{
    for (size_t i = 0; i < N; i++) {
        jt_random_fill((uint8_t *)values + i * LEN, LEN);
    }
    return NULL;
}

static void threads_share_nothing(void **state)
{
    (void)state;
    static uint8_t values[3 * N * LEN];
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, fill, values), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, fill, values + N * LEN), 0);
    fill(values + 2 * N * LEN);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    assert_all_differ(values, 3 * N);
}

static void a_forked_child_draws_other_bytes(void **state)
{
    (void)state;
    uint8_t values[2][LEN];
    jt_random_fill(values[0], LEN); /* the pool is filled now, and the child gets a copy of it */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        jt_random_fill(values[1], LEN);
        _exit(write(ends[1], values[1], LEN) == LEN ? 0 : 1);
    }
    jt_random_fill(values[0], LEN);
    assert_int_equal(read(ends[0], values[1], LEN), LEN);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
    assert_memory_not_equal(values[0], values[1], LEN);
}

static void every_length_is_filled_to_its_end(void **state)
{
    (void)state;
    uint8_t out[5001];
    for (size_t len = 0; len <= 5000; len += len < 70 ? 1 : 493) {
        int nonzero = 0;
        /* the last byte is zero once in 256 by right */
        for (int tries = 0; tries < 20 && len > 0; tries++) {
            memset(out, 0, sizeof out);
            jt_random_fill(out, len);
            nonzero += out[len - 1] != 0;
        }
        memset(out, 0, sizeof out);
        jt_random_fill(out, len);
        assert_int_equal(out[len], 0);
        assert_true(len == 0 || nonzero > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_nothing),
        cmocka_unit_test(a_forked_child_draws_other_bytes),
        cmocka_unit_test(every_length_is_filled_to_its_end),
    };
    return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
