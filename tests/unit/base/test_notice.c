/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines that strangers can cause: the first at once, then one in ten seconds with a count. */
#include "base/notice.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void a_flood_is_a_few_lines(void **state)
{
    (void)state;
    static struct jt_notice notice = { .what = "things" };
    int saved = dup(STDERR_FILENO), pipes[2], written = 0;
    assert_int_equal(pipe(pipes), 0);
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    for (int64_t ms = 1; ms <= 2 * JT_NOTICE_EVERY_MS + 1; ms += 10) {
        written += jt_notice_at(&notice, ms == 1 ? NULL : "peer", ms);
    }
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_int_equal(written, 3);
    char text[1000] = "";
    ssize_t n = read(pipes[0], text, sizeof text - 1);
    assert_true(n > 0);
    assert_non_null(strstr(text, "things (1 since the last such line)\n"));
    assert_non_null(strstr(text, "things: peer (1000 since the last such line)\n"));
    close(saved);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_flood_is_a_few_lines) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
