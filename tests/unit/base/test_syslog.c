/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines to a collector: what an address is, what goes over the wire (RFC 5424, RFC 6587), and that
 * a connection that was closed is noticed before anything more is said on it.
 */
#include "base/syslog.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void addresses(void **state)
{
    (void)state;
    static const char *const good[] = { "localhost:514", "192.0.2.1:6514", "[2001:db8::1]:514",
                                        "logs.example:65535" };
    static const char *const bad[] = { "",        "localhost", ":514",      "localhost:", "h:0",
                                       "h:65536", "h:-1",      "h:+1",      "h:514x",     "::1:514",
                                       "[]:514",  "h ost:514", "user@h:514" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_null(jt_syslog_check(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_syslog *s;
        assert_non_null(jt_syslog_check(bad[i]));
        assert_int_equal(jt_syslog_new(bad[i], "jetond", "test", &s), JT_ERR_INVALID);
        assert_null(s);
    }
}

/* A listening socket on loopback, and its address. */
static int collector(char address[static 32])
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    (void)snprintf(address, 32, "127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

/* One message: its length, a space, and so many bytes, to `out` with a NUL. */
static void receive(int fd, char *out, size_t size)
{
    size_t len = 0;
    char c;
    while (read(fd, &c, 1) == 1 && c != ' ') {
        assert_in_range(c, '0', '9');
        len = len * 10 + (size_t)(c - '0');
    }
    assert_in_range(len, 1, size - 1);
    assert_int_equal(recv(fd, out, len, MSG_WAITALL), len);
    out[len] = '\0';
}

static void a_message_has_its_length_and_header(void **state)
{
    (void)state;
    char address[32], got[2000], host[256] = "", line[JT_SYSLOG_TEXT_MAX + 100], app[16], kind[16];
    char at[32], self[256];
    int priority, version, used;
    long pid;
    struct jt_syslog *s;
    struct jt_fault fault = { 0 };
    bool fresh;
    int listener = collector(address);
    assert_int_equal(jt_syslog_new(address, "jetond", "heads", &s), JT_OK);
    assert_int_equal(jt_syslog_connect(s, &fresh, &fault), JT_OK);
    assert_true(fresh);
    int fd = accept(listener, NULL, NULL);
    assert_int_equal(jt_syslog_say(s, "one two", &fault), JT_OK);
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    assert_int_equal(jt_syslog_say(s, line, &fault), JT_OK);

    receive(fd, got, sizeof got);
    assert_int_equal(sscanf(got, "<%d>%d %31s %255s %15s %ld %15s - %n", &priority, &version, at,
                            self, app, &pid, kind, &used),
                     7);
    assert_int_equal(priority, 109);
    assert_int_equal(version, 1);
    assert_int_equal(strlen(at), 20);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_string_equal(self, host);
    assert_string_equal(app, "jetond");
    assert_int_equal(pid, getpid());
    assert_string_equal(kind, "heads");
    assert_string_equal(got + used, "one two");
    receive(fd, got, sizeof got); /* what is too long is cut */
    assert_int_equal(strspn(strrchr(got, ' ') + 1, "x"), JT_SYSLOG_TEXT_MAX);

    assert_int_equal(jt_syslog_connect(s, &fresh, &fault), JT_OK);
    assert_false(fresh);
    close(fd);
    close(listener);
    jt_syslog_free(s);
}

static void a_closed_connection_is_made_anew_and_told_of(void **state)
{
    (void)state;
    char address[32], got[500];
    struct jt_syslog *s;
    struct jt_fault fault = { 0 };
    bool fresh;
    int listener = collector(address);
    assert_int_equal(jt_syslog_new(address, "jetond", "heads", &s), JT_OK);
    assert_int_equal(jt_syslog_say(s, "too early", &fault), JT_ERR_IO);
    assert_int_equal(jt_syslog_connect(s, &fresh, &fault), JT_OK);
    close(accept(listener, NULL, NULL));
    assert_int_equal(jt_syslog_connect(s, &fresh, &fault), JT_OK);
    assert_true(fresh);
    int fd = accept(listener, NULL, NULL);
    assert_int_equal(jt_syslog_say(s, "again", &fault), JT_OK);
    receive(fd, got, sizeof got);
    assert_string_equal(got + strlen(got) - 5, "again");
    close(fd);
    close(listener);
    assert_int_equal(jt_syslog_connect(s, &fresh, &fault), JT_ERR_IO);
    assert_true(fresh);
    assert_int_equal(jt_syslog_say(s, "nobody", &fault), JT_ERR_IO);
    jt_syslog_free(s);
    jt_syslog_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(a_message_has_its_length_and_header),
        cmocka_unit_test(a_closed_connection_is_made_anew_and_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
