/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd hears: by a path or an abstract name, and by nobody else's watchdog. */
#include "keeper/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[64], name[108];
static int listener = -1;

/* A socket as systemd has one; in the file system, or abstract with an @ for the NUL. */
static void listen_at(const char *where)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    size_t len = strlen(where);
    memcpy(at.sun_path, where, len);
    at.sun_path[0] = where[0] == '@' ? '\0' : where[0];
    listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", where, 1), 0);
}

static void heard(const char *what)
{
    char text[64] = "";
    ssize_t n = recv(listener, text, sizeof text - 1, 0);
    if (what == NULL) {
        assert_true(n < 0 && errno == EAGAIN);
        return;
    }
    assert_int_equal(n, strlen(what));
    assert_string_equal(text, what);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/jeton-supervisor-XXXXXX");
    assert_non_null(mkdtemp(directory));
    (void)snprintf(name, sizeof name, "%s/notify", directory);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (listener >= 0) {
        close(listener);
    }
    listener = -1;
    (void)unlink(name);
    return rmdir(directory);
}

static void says_everything(void)
{
    struct jt_supervisor s;
    jt_supervisor_open(&s);
    assert_true(s.fd >= 0);
    jt_supervisor_ready(&s);
    heard("READY=1");
    jt_supervisor_stopping(&s);
    heard("STOPPING=1");
    jt_supervisor_alive(&s, 1000000); /* no watchdog was asked for */
    heard(NULL);
    jt_supervisor_close(&s);
    assert_int_equal(s.fd, -1);
    jt_supervisor_close(&s); /* and once more does no harm */
}

static void it_is_told_by_a_path_or_an_abstract_name(void **state)
{
    (void)state;
    char abstract[108];
    listen_at(name);
    says_everything();
    close(listener);
    (void)snprintf(abstract, sizeof abstract, "@%s", directory);
    listen_at(abstract);
    says_everything();
}

static void a_watchdog_hears_it_three_times_in_its_patience(void **state)
{
    (void)state;
    struct jt_supervisor s;
    char pid[24];
    listen_at(name);
    setenv("WATCHDOG_USEC", "3000000", 1);
    jt_supervisor_open(&s);
    assert_int_equal(s.every_ms, 1000);
    jt_supervisor_alive(&s, 5000);
    heard("WATCHDOG=1");
    jt_supervisor_alive(&s, 5999);
    heard(NULL);
    jt_supervisor_alive(&s, 6000);
    heard("WATCHDOG=1");
    jt_supervisor_close(&s);
    /* one that is another process's is none */
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid() + 1);
    setenv("WATCHDOG_PID", pid, 1);
    jt_supervisor_open(&s);
    assert_int_equal(s.every_ms, 0);
    jt_supervisor_close(&s);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    jt_supervisor_open(&s);
    assert_int_equal(s.every_ms, 1000);
    jt_supervisor_close(&s);
}

static void what_cannot_be_reached_is_no_error(void **state)
{
    (void)state;
    struct jt_supervisor s;
    char too_long[200];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    too_long[0] = '/';
    const char *const names[] = { "relative", "", "/", "@", too_long, name };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        setenv("WATCHDOG_USEC", "3000000", 1);
        jt_supervisor_open(&s);
        assert_int_equal(s.fd, -1);
        jt_supervisor_ready(&s);
        jt_supervisor_alive(&s, 5000);
        jt_supervisor_stopping(&s);
        jt_supervisor_close(&s);
    }
    /* nor one that has gone away since */
    listen_at(name);
    jt_supervisor_open(&s);
    close(listener);
    listener = -1;
    jt_supervisor_ready(&s);
    jt_supervisor_close(&s);
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(it_is_told_by_a_path_or_an_abstract_name),
        HERE(a_watchdog_hears_it_three_times_in_its_patience),
        HERE(what_cannot_be_reached_is_no_error),
    };
    return cmocka_run_group_tests_name("keeper/supervisor", tests, NULL, NULL);
}
