/* SPDX-License-Identifier: Apache-2.0 */
#include "model/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool has(const char *network, const void *address, size_t len)
{
    struct jt_network n;
    struct jt_source source = jt_source_of(address, len);
    assert_true(jt_network_parse(network, &n));
    return jt_network_has(&n, &source);
}

static void networks_are_read_and_written_in_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } good[] = {
        { "10.0.0.0/8", "10.0.0.0/8" },          { "0.0.0.0/0", "0.0.0.0/0" },
        { "192.0.2.7", "192.0.2.7/32" },         { "2001:db8::/32", "2001:db8::/32" },
        { "2001:0db8:0::1", "2001:db8::1/128" }, { "::/0", "::/0" },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct jt_network n;
        char text[JT_NETWORK_TEXT_MAX + 1];
        assert_true(jt_network_parse(good[i].text, &n));
        jt_network_format(&n, text);
        assert_string_equal(text, good[i].canonical);
    }
    static const char *const bad[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.1/8",
        "10.0.0/8",
        "10.0.0.0/8/8",
        "10.0.0.0/-1",
        "::1/64",
        "2001:db8::/129",
        "fe80::1%eth0",
        "localhost",
        "010.0.0.0/8",
        "10.0.0.0/1e1",
        "1.2.3.4 ",
        "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/32"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_network n;
        assert_false(jt_network_parse(bad[i], &n));
    }
}

static void an_address_is_in_a_network_by_its_prefix(void **state)
{
    (void)state;
    static const uint8_t v4[4] = { 10, 1, 2, 3 };
    static const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
    assert_true(has("10.0.0.0/8", v4, 4));
    assert_true(has("10.1.2.2/31", v4, 4));
    assert_true(has("10.1.2.3", v4, 4));
    assert_true(has("0.0.0.0/0", v4, 4));
    assert_false(has("10.1.2.0/31", v4, 4));
    assert_false(has("11.0.0.0/8", v4, 4));
    assert_false(has("::/0", v4, 4));
    assert_true(has("2001:db8::/33", v6, 16));
    assert_true(has("2001:db8::1", v6, 16));
    assert_false(has("2001:db8::2", v6, 16));
    assert_false(has("0.0.0.0/0", v6, 16));
    static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 10, 1, 2, 3 };
    assert_true(has("10.0.0.0/8", mapped, 16));
    assert_false(has("::ffff:0.0.0.0/96", mapped, 16)); /* it is an IPv4 address */
    assert_false(has("0.0.0.0/0", "x", 1));             /* from no network at all */
}

static void an_ipv6_network_of_64_bits_is_one_place(void **state)
{
    (void)state;
    uint8_t a[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
    char text[JT_NETWORK_TEXT_MAX + 1];
    struct jt_source source = jt_source_of(a, sizeof a);
    const struct jt_source one = jt_source_place(&source);
    jt_source_format(&one, text);
    assert_string_equal(text, "2001:db8::/64");
    a[12] = 77;
    source = jt_source_of(a, sizeof a);
    struct jt_source other = jt_source_place(&source);
    assert_memory_equal(&one, &other, sizeof one);
    a[7] = 1;
    source = jt_source_of(a, sizeof a);
    other = jt_source_place(&source);
    assert_memory_not_equal(&one, &other, sizeof one);
    static const char *const texts[] = { "192.0.2.7", "2001:db8:0:1::/64", "local" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct jt_source back;
        assert_true(jt_source_parse(texts[i], &back));
        jt_source_format(&back, text);
        assert_string_equal(text, texts[i]);
    }
    struct jt_source back;
    assert_false(jt_source_parse("10.0.0.0/8", &back));
    assert_false(jt_source_parse("2001:db8::/63", &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read_and_written_in_one_form),
        cmocka_unit_test(an_address_is_in_a_network_by_its_prefix),
        cmocka_unit_test(an_ipv6_network_of_64_bits_is_one_place),
    };
    return cmocka_run_group_tests_name("model/network", tests, NULL, NULL);
}
