/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void what_holds_goes_on(void **state)
{
    (void)state;
    int n = 1;
    jt_must(n == 1);
    jt_must(n++ == 1); /* looked at once */
    assert_int_equal(n, 2);
}

static void what_does_not_hold_ends_the_process_and_says_where(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit no_core = { 0, 0 };
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        int n = 2;
        jt_must(n == 1);
        _exit(0);
    }
    close(ends[1]);
    char line[400] = "";
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(line, "impossible: (n == 1) does not hold at "));
    assert_non_null(strstr(line, "test_must.c:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_goes_on),
        cmocka_unit_test(what_does_not_hold_ends_the_process_and_says_where),
    };
    return cmocka_run_group_tests_name("base/must", tests, NULL, NULL);
}
