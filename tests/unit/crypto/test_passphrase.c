/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/passphrase.c: a secret opens with its passphrase, header and cost, and with nothing else.
 */
#include "crypto/passphrase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t salt[JT_PASSPHRASE_SALT_LEN] = { 1, 2, 3 };
static const uint8_t secret[JT_PASSPHRASE_SECRET_LEN] = "thirty-two bytes of a seed......";

static void it_opens_with_what_it_was_sealed_with(void **state)
{
    (void)state;
    uint8_t sealed[JT_PASSPHRASE_SEALED_LEN], out[JT_PASSPHRASE_SECRET_LEN];
    static const uint8_t zeroes[JT_PASSPHRASE_SECRET_LEN];
    struct jt_passphrase p = { "secret", 6, { .log_n = 4, .r = 8, .p = 1 }, salt };
    assert_int_equal(jt_passphrase_seal(&p, "head", 4, secret, sealed), JT_OK);
    assert_int_equal(jt_passphrase_open(&p, "head", 4, sealed, out), JT_OK);
    assert_memory_equal(out, secret, sizeof out);
    assert_int_equal(jt_passphrase_open(&p, "hear", 4, sealed, out), JT_ERR_DECRYPT);
    assert_memory_equal(out, zeroes, sizeof out);
    p.bytes = "secreT";
    assert_int_equal(jt_passphrase_open(&p, "head", 4, sealed, out), JT_ERR_DECRYPT);
    p.bytes = "secret";
    p.cost.log_n = 5;
    assert_int_equal(jt_passphrase_open(&p, "head", 4, sealed, out), JT_ERR_DECRYPT);
}

static void a_file_cannot_ask_for_any_cost(void **state)
{
    (void)state;
    uint8_t sealed[JT_PASSPHRASE_SEALED_LEN] = { 0 }, out[JT_PASSPHRASE_SECRET_LEN];
    const struct jt_passphrase_cost costs[] = { { 0, 8, 1 },   { 21, 8, 1 }, { 4, 0, 1 },
                                                { 4, 255, 1 }, { 4, 8, 0 },  { 4, 8, 255 } };
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        const struct jt_passphrase p = { "secret", 6, costs[i], salt };
        assert_int_equal(jt_passphrase_open(&p, "", 0, sealed, out), JT_ERR_LIMIT);
    }
}

static void the_cost_of_today_is_one_that_is_taken(void **state)
{
    (void)state;
    uint8_t sealed[JT_PASSPHRASE_SEALED_LEN];
    const struct jt_passphrase p = { "secret", 6, JT_PASSPHRASE_COST, salt };
    assert_int_equal(jt_passphrase_seal(&p, "head", 4, secret, sealed), JT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_with_what_it_was_sealed_with),
        cmocka_unit_test(a_file_cannot_ask_for_any_cost),
        cmocka_unit_test(the_cost_of_today_is_one_that_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
