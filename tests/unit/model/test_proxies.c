/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a proxy is believed to speak for, and whom it is not. */
#include "model/proxies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct jt_source source_of(const char *text)
{
    struct jt_network n;
    if (*text == '\0') {
        return jt_source_of(NULL, 0);
    }
    assert_true(jt_network_parse(text, &n));
    return jt_source_of(n.address, jt_network_address_len(n.family));
}

/* Who asks, as text; with a question mark before it where the proxy could not be understood. */
static const char *who(const char *list, const char *peer, const char *said)
{
    static char out[JT_NETWORK_TEXT_MAX + 2];
    struct jt_proxies proxies;
    struct jt_source from = source_of(peer), source;
    assert_true(jt_proxies_parse(list, &proxies));
    bool good = jt_proxies_source(&proxies, &from, said, strlen(said), &source);
    out[0] = '?';
    jt_source_address(&source, out + 1);
    return good ? out + 1 : out;
}

static void nobody_is_believed_unless_he_is_trusted(void **state)
{
    (void)state;
    assert_string_equal(who("", "192.0.2.1", "198.51.100.7"), "192.0.2.1");
    assert_string_equal(who("192.0.2.2", "192.0.2.1", "198.51.100.7"), "192.0.2.1");
    assert_string_equal(who("192.0.2.1", "", "198.51.100.7"), "local");
    assert_string_equal(who("192.0.2.1", "192.0.2.1", ""), "192.0.2.1");
    assert_string_equal(who("0.0.0.0/0", "2001:db8::1", "198.51.100.7"), "2001:db8::1");
}

static void a_trusted_proxy_names_whom_it_speaks_for(void **state)
{
    (void)state;
    static const struct {
        const char *list, *peer, *said, *who;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", "198.51.100.7", "198.51.100.7" },
        { "192.0.2.0/24", "192.0.2.9", "2001:db8::7", "2001:db8::7" },
        { "192.0.2.0/24", "192.0.2.9", "[2001:db8::7]", "2001:db8::7" },
        { "::1", "::1", "::ffff:198.51.100.7", "198.51.100.7" },
        { "unix", "", "198.51.100.7", "198.51.100.7" },
        /* what stands before it was sent by whom it speaks for, who may write what he likes */
        { "192.0.2.1", "192.0.2.1", "10.0.0.1, 198.51.100.7", "198.51.100.7" },
        { "192.0.2.1", "192.0.2.1", "192.0.2.1, 198.51.100.7", "198.51.100.7" },
        { "192.0.2.1", "192.0.2.1", "nonsense,,\t198.51.100.7 ", "198.51.100.7" },
        /* proxies behind each other, as long as each of them is known */
        { "192.0.2.1, 192.0.2.2", "192.0.2.1", "1.2.3.4, 198.51.100.7, 192.0.2.2", "198.51.100.7" },
        { "192.0.2.0/24", "192.0.2.1", "192.0.2.3,192.0.2.2", "192.0.2.3" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(who(cases[i].list, cases[i].peer, cases[i].said), cases[i].who);
    }
}

static void what_cannot_be_read_is_told(void **state)
{
    (void)state;
    static const char *const said[] = {
        "unknown",
        "198.51.100.7,",
        "198.51.100.7, ",
        ",",
        " ",
        "198.51.100.7:4711",
        "[2001:db8::7",
        "198.51.100.0/24",
        "1.2.3.4 5.6.7.8",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        assert_string_equal(who("192.0.2.1", "192.0.2.1", said[i]), "?192.0.2.1");
    }
    /* up to there it was understood */
    assert_string_equal(who("192.0.2.0/24", "192.0.2.1", "x, 192.0.2.2"), "?192.0.2.2");
}

static void a_list_of_proxies(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ",",         "192.0.2.1,",   ",192.0.2.1",          "192.0.2.1 192.0.2.2",
        "localhost", "192.0.2.1/24", "192.0.2.1,,192.0.2.2"
    };
    struct jt_proxies proxies;
    char many[JT_PROXIES_MAX * 9 + 16];
    size_t len = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_proxies_parse(bad[i], &proxies));
    }
    for (int i = 0; i < JT_PROXIES_MAX; i++) {
        len += (size_t)snprintf(many + len, sizeof many - len, "%s10.0.0.1", i == 0 ? "" : ",");
        assert_true(jt_proxies_parse(many, &proxies));
        assert_int_equal(proxies.n, i + 1);
    }
    (void)snprintf(many + len, sizeof many - len, ",::1");
    assert_false(jt_proxies_parse(many, &proxies));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_believed_unless_he_is_trusted),
        cmocka_unit_test(a_trusted_proxy_names_whom_it_speaks_for),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(a_list_of_proxies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
