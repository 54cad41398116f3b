/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts: what names one, what does not, and the list of permitted ones. */
#include "http/host.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct jt_slice slice(const char *text)
{
    return (struct jt_slice){ text, strlen(text) };
}

static void hosts_with_and_without_a_port(void **state)
{
    (void)state;
    static const char *const good[] = { "localhost",
                                        "localhost:8080",
                                        "LOCALHOST",
                                        "a",
                                        "a.",
                                        "vault.example",
                                        "a_b",
                                        "a~b",
                                        "127.0.0.1",
                                        "127.0.0.1:1",
                                        "[::1]",
                                        "[::1]:8080",
                                        "[2001:db8::7]:65535",
                                        "[::ffff:127.0.0.1]",
                                        "a:",
                                        "xn--bcher-kva.example",
                                        "9.example" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!jt_host_valid(slice(good[i]))) {
            fail_msg("%s", good[i]);
        }
    }
}

static void what_is_no_host(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       ":",           ":80",     ".",     "..",    ".a",
        "a..b",   "a b",         "a,b",     "a/b",   "a?b",   "a#b",
        "a@b",    "user:pw@a",   "a:65536", "a:x",   "a:1:2", "a:-1",
        "::1",    "[::1",        "[::1]x",  "[]",    "[::g]", "[fe80::1%eth0]",
        "[v1.a]", "[127.0.0.1]", "a%41",    "a\x80", "a\tb",  "--",
        "<a>",    "a;b",         "http://a"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (jt_host_valid(slice(bad[i]))) {
            fail_msg("%s", bad[i]);
        }
    }
    char longest[300];
    memset(longest, 'a', sizeof longest);
    assert_true(jt_host_valid((struct jt_slice){ longest, 255 }));
    assert_false(jt_host_valid((struct jt_slice){ longest, 256 }));
    assert_false(jt_host_valid((struct jt_slice){ "a\0b", 3 }));
    assert_false(jt_host_valid((struct jt_slice){ NULL, 0 }));
}

static void permitted_names_are_compared_without_port_and_case(void **state)
{
    (void)state;
    static const char names[] = "vault.example, localhost ,[::1]";
    assert_true(jt_host_permitted(names, slice("vault.example")));
    assert_true(jt_host_permitted(names, slice("VAULT.example:8443")));
    assert_true(jt_host_permitted(names, slice("localhost")));
    assert_true(jt_host_permitted(names, slice("[::1]:80")));
    assert_false(jt_host_permitted(names, slice("evil.example")));
    assert_false(jt_host_permitted(names, slice("vault.example.evil")));
    assert_false(jt_host_permitted(names, slice("vault.exampl")));
    assert_true(jt_host_permitted("", slice("anything")));
    assert_true(jt_host_permitted(" , ", slice("anything")) == false);
}

static void a_list_of_hosts(void **state)
{
    (void)state;
    assert_true(jt_host_list_valid(""));
    assert_true(jt_host_list_valid("a"));
    assert_true(jt_host_list_valid(" a.example , [::1],127.0.0.1 "));
    assert_false(jt_host_list_valid("a:80"));
    assert_false(jt_host_list_valid("a b"));
    assert_false(jt_host_list_valid("a,,b"));
    assert_false(jt_host_list_valid("http://a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_with_and_without_a_port),
        cmocka_unit_test(what_is_no_host),
        cmocka_unit_test(permitted_names_are_compared_without_port_and_case),
        cmocka_unit_test(a_list_of_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
