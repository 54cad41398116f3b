/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/lockout.h"

#include "store/lockouts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_MS 60000ll

static struct jt_lockout *l;
static int64_t now_ms;

static int setup(void **state)
{
    (void)state;
    now_ms = 1000 * MINUTE_MS;
    return jt_lockout_new(&l) == JT_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    jt_lockout_free(l);
    return 0;
}

static struct jt_source address(uint32_t number)
{
    const uint8_t bytes[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                               (uint8_t)(number >> 8), (uint8_t)number };
    return jt_source_of(bytes, sizeof bytes);
}

static void miss(const char *client, uint32_t from, int times)
{
    const struct jt_source source = address(from);
    for (int i = 0; i < times; i++) {
        jt_lockout_failed(l, client, &source, now_ms);
    }
}

static int64_t left(const char *client, uint32_t from)
{
    const struct jt_source source = address(from);
    return jt_lockout_left_ms(l, client, &source, now_ms);
}

static void ten_failures_lock_out_one_client_from_one_place_for_half_an_hour(void **state)
{
    (void)state;
    miss("shop", 1, 9);
    assert_int_equal(left("shop", 1), 0);
    miss("shop", 1, 1);
    assert_int_equal(left("shop", 1), 30 * MINUTE_MS);
    assert_int_equal(left("shop", 2), 0);  /* from elsewhere */
    assert_int_equal(left("other", 1), 0); /* another client from there */
    now_ms += 20 * MINUTE_MS;
    miss("shop", 1, 100); /* what is tried meanwhile makes it no longer */
    assert_int_equal(left("shop", 1), 10 * MINUTE_MS);
    now_ms += 10 * MINUTE_MS;
    assert_int_equal(left("shop", 1), 0);
    miss("shop", 1, 9); /* and it begins anew */
    assert_int_equal(left("shop", 1), 0);
    miss("shop", 1, 1);
    assert_true(left("shop", 1) > 0);
}

static void failures_count_together_that_are_half_an_hour_apart_at_most(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        miss("slow", 1, 1);
        now_ms += 31 * MINUTE_MS;
    }
    miss("slow", 1, 9);
    assert_int_equal(left("slow", 1), 0);
    for (int i = 0; i < 10; i++) { /* any ten within half an hour */
        miss("steady", 1, 1);
        now_ms += 3 * MINUTE_MS;
    }
    assert_true(left("steady", 1) > 0);
}

static void an_ipv6_network_of_64_bits_is_one_place(void **state)
{
    (void)state;
    uint8_t bytes[16] = { 0x20, 1, 0xd, 0xb8 };
    for (uint8_t i = 0; i < 10; i++) {
        bytes[15] = i;
        const struct jt_source source = jt_source_of(bytes, sizeof bytes);
        jt_lockout_failed(l, "shop", &source, now_ms);
    }
    bytes[15] = 99;
    struct jt_source source = jt_source_of(bytes, sizeof bytes);
    assert_true(jt_lockout_left_ms(l, "shop", &source, now_ms) > 0);
    bytes[7] = 1;
    source = jt_source_of(bytes, sizeof bytes);
    assert_int_equal(jt_lockout_left_ms(l, "shop", &source, now_ms), 0);
}

static void names_that_could_be_card_numbers_count_as_one(void **state)
{
    (void)state;
    miss("a4111111111111111", 1, 5);
    miss("b5555555555554444", 1, 5);
    assert_true(left("c378282246310005", 1) > 0);
    assert_int_equal(left("shop", 1), 0);
}

/* Made-up names from one place, and places without number: whoever is near a lock-out stays so. */
static void strangers_do_not_make_a_count_forgotten(void **state)
{
    (void)state;
    char name[JT_CLIENT_ID_MAX + 1];
    miss("shop", 1, 9);
    miss("locked", 1, 10);
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "x%d", i);
        miss(name, 1, 1 + i % 2);
    }
    for (uint32_t i = 2; i < 60000; i++) {
        miss("shop", i, 1);
    }
    assert_true(left("locked", 1) > 0);
    assert_int_equal(left("shop", 1), 0);
    miss("shop", 1, 1);
    assert_true(left("shop", 1) > 0);
}

static struct jt_login_failure row(const char *client, const char *place, uint32_t n,
                                   uint64_t locked_ms)
{
    struct jt_login_failure f = { .n = n, .locked_ms = locked_ms };
    (void)snprintf(f.client, sizeof f.client, "%s", client);
    (void)snprintf(f.place, sizeof f.place, "%s", place);
    return f;
}

static void learn(struct jt_login_failure f)
{
    jt_lockout_learn(l, &f, now_ms);
}

static void what_other_nodes_counted_counts(void **state)
{
    (void)state;
    learn(row("shop", "0.0.0.1", 9, 0));
    assert_int_equal(left("shop", 1), 0);
    miss("shop", 1, 1);
    assert_true(left("shop", 1) > 0);
    learn(row("app", "0.0.0.1", 12, 5 * MINUTE_MS));
    assert_int_equal(left("app", 1), 5 * MINUTE_MS);
    learn(
        row("app", "0.0.0.2", 12, UINT64_MAX)); /* no longer than half an hour, whatever it says */
    assert_int_equal(left("app", 2), 30 * MINUTE_MS);
    learn(row("app", "0.0.0.1", 0, 0)); /* it has a fresh key */
    assert_int_equal(left("app", 1), 0);
    const char *const bad[] = { "", "x", "0.0.0.1/8", "::/63", "0.0.0.1 " };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        learn(row("app", bad[i], 12, 1000));
    }
    learn(row("NO", "0.0.0.1", 12, 1000));
    learn(row("a4111111111111111", "0.0.0.1", 12, 1000));
    assert_int_equal(left("app", 1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ten_failures_lock_out_one_client_from_one_place_for_half_an_hour),
        TEST(failures_count_together_that_are_half_an_hour_apart_at_most),
        TEST(an_ipv6_network_of_64_bits_is_one_place),
        TEST(names_that_could_be_card_numbers_count_as_one),
        TEST(strangers_do_not_make_a_count_forgotten),
        TEST(what_other_nodes_counted_counts),
    };
    return cmocka_run_group_tests_name("vault/lockout", tests, NULL, NULL);
}
