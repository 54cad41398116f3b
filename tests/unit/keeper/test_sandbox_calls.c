/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of system calls against what the keeper does: the tests that run the real process are
 * run once more with a tracer in its place (tracer.c). No keeper is killed by its filter; every
 * call that was made stands in the list; and every call of the list was made, or says why it stands
 * there.
 */
#include "keeper/sandbox.h"

#include "base/log.h"
#include "base/must.h"

#include "tracer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIST      "JETON_TEST_TRACE_LIST"
#define MAX_CALLS 1024

static char self[400];
static char folder[400];
static char list_path[64];
static bool used[MAX_CALLS];
static int n_killed;

/* What goes through all that a keeper does: verbs, files, refusals, want of descriptors, ends. */
static const char *const programs[] = {
    "test_life",
    "test_op_certify",
    "test_op_ring",
    "test_root",
    "test_rows",
    "test_server",
    "test_start",
    "../keyclient/test_nodes",
    "../keyclient/test_async",
    "../keyclient/test_wait",
};

/* What a test said, set off so that nobody counts it as results of this one. */
static void quote(FILE *output)
{
    char line[400];
    rewind(output);
    while (fgets(line, sizeof line, output) != NULL) {
        print_error("| %s", line);
    }
}

/*
 * Runs a test as a whole: its keepers are traced. Its status as of waitpid. What it says is told
 * only where it fails: it has said the same in a run of its own.
 */
static int run_program(const char *name)
{
    char path[500];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *output = tmpfile();
    assert_non_null(output);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(fileno(output), STDOUT_FILENO);
        (void)dup2(fileno(output), STDERR_FILENO);
        (void)setenv("JETON_KEEPER", self, 1);
        (void)setenv(LIST, list_path, 1);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        quote(output);
    }
    fclose(output);
    return status;
}

/* Where a keeper's life may end on its own: traced, in this program's own place. */
static const char must_end[] = "--must", libc_end[] = "--libc";

_Noreturn static void end_confined(const char *how)
{
    struct jt_fault fault = { 0 };
    bool landlocked;
    jt_log_init("jeton-keeper", JT_LOG_INFO);
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (jt_sandbox_harden(&fault) != JT_OK ||
        jt_sandbox_confine(fd, -1, &landlocked, &fault) != JT_OK) {
        _exit(97);
    }
    if (strcmp(how, libc_end) == 0) {
        char *volatile block = malloc(100);
        free(block);
        free(block); /* libc finds this out, says so and aborts */
    }
    jt_must(fd < 0);
    _exit(96);
}

static int run_end(const char *how)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char name[] = "ending", argument[10];
        snprintf(argument, sizeof argument, "%s", how);
        char *arguments[] = { name, argument, NULL };
        tracer_run(self, arguments, list_path);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void abort_is_left_to_a_confined_process(void **state)
{
    (void)state;
    const char *const ends[] = { must_end, libc_end };
    for (size_t i = 0; i < 2 && !jt_sandbox_is_weakened(); i++) {
        int status = run_end(ends[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
    }
}

static void read_list(void)
{
    char line[40];
    unsigned number;
    FILE *f = fopen(list_path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "killed %u", &number) == 1) {
            print_error("a keeper was killed for call %u\n", number);
            n_killed++;
        } else if (sscanf(line, "%u", &number) == 1 && number < MAX_CALLS) {
            used[number] = true;
        }
    }
    fclose(f);
}

static void what_the_keeper_calls_is_what_it_may(void **state)
{
    (void)state;
    if (jt_sandbox_is_weakened()) {
        print_message("built with a sanitizer: nothing is confined\n");
        skip();
    }
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        int status = run_program(programs[i]);
        if (status != 0) {
            fail_msg("%s under the tracer: status %#x", programs[i], (unsigned)status);
        }
    }
    read_list();
    assert_int_equal(n_killed, 0);
    size_t n;
    unsigned n_wrong = 0;
    const struct jt_sandbox_call *calls = jt_sandbox_calls(&n);
    for (size_t i = 0; i < n; i++) {
        if (calls[i].number < 0 || calls[i].number >= MAX_CALLS) {
            continue;
        }
        if (!used[calls[i].number] && calls[i].why == NULL) {
            print_error("%s is listed and never used: let it go, or say why\n", calls[i].name);
            n_wrong++;
        }
        used[calls[i].number] = false;
    }
    for (unsigned number = 0; number < MAX_CALLS; number++) {
        if (used[number]) {
            print_error("call %u is used and not listed\n", number);
            n_wrong++;
        }
    }
    assert_int_equal(n_wrong, 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], must_end) == 0 || strcmp(argv[1], libc_end) == 0)) {
        end_confined(argv[1]);
    }
    const char *list = getenv(LIST);
    if (list != NULL && argc > 1) {
        tracer_run(KEEPER_PATH, argv, list);
    }
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0) {
        return 1;
    }
    memcpy(folder, self, sizeof folder);
    *strrchr(folder, '/') = '\0';
    snprintf(list_path, sizeof list_path, "/tmp/jeton-calls-test-XXXXXX");
    int fd = mkstemp(list_path);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abort_is_left_to_a_confined_process), /* first: what it used is listed */
        cmocka_unit_test(what_the_keeper_calls_is_what_it_may),
    };
    int failed = cmocka_run_group_tests_name("keeper/sandbox_calls", tests, NULL, NULL);
    close(fd);
    unlink(list_path);
    return failed;
}
