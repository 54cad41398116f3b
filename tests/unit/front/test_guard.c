/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that cannot be protected is told, with the measure that failed; what can be done is. */
#include "front/guard.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

/* In a child, which a lock or a lost privilege does not outlive: 0 or the line that failed. */
static int in_a_child(int (*check)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(check());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define NEED(condition)      \
    do {                     \
        if (!(condition)) {  \
            return __LINE__; \
        }                    \
    } while (0)

static int without_a_limit_to_lock(void)
{
    struct rlimit none = { 0, 0 }, core = { 1, 1 };
    struct jt_fault fault = { .err = JT_OK };
    NEED(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
    /* a privilege would lift the limit */
    NEED(geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0));
    NEED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    NEED(jt_guard_memory(&fault) == JT_ERR_UNPROTECTED);
    NEED(fault.err == JT_ERR_UNPROTECTED);
    NEED(strstr(fault.cause, "memory cannot be locked") != NULL);
    NEED(strstr(fault.cause, "LimitMEMLOCK") != NULL);
    /* the other measures are taken all the same */
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    NEED(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    return 0;
}

static void memory_that_cannot_be_locked_is_told(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(without_a_limit_to_lock), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_cannot_be_locked_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
