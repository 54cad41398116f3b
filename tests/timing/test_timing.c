/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets are compared and selected in time that does not depend on them: API keys, tags of
 * envelopes, tokens, card numbers, shares and what is made of them (leak.h has the method). A
 * difference that is there is there each time: a case fails where three runs in a row find one.
 *
 * By the number of measurements of a run, JETON_TEST_TIMINGS: 200,000 unless it says otherwise.
 * Built without sanitizers; what they add takes time that depends on data.
 */
#include "leak.h"

#include "base/base32.h"
#include "base/sanitized.h"
#include "base/secmem.h"
#include "crypto/shares.h"
#include "crypto/siv.h"
#include "crypto/tokenkey.h"
#include "vault/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SURE 10
#define RUNS 3

static uint8_t secret[32];
static struct jt_siv *siv;
static struct jt_tokenkey *tk;
static uint8_t envelope[16 + 8], token[JT_TOKEN_LEN];
static volatile int sink;

static size_t n_measurements(void)
{
    const char *text = getenv("JETON_TEST_TIMINGS");
    size_t n = text != NULL ? strtoul(text, NULL, 10) : 0;
    return n >= 1000 ? n : 200000;
}

/* --- comparisons: the fixed class is all but equal, the random one differs early --- */

static void near_secret(bool fixed, uint8_t *input)
{
    leak_random(input, sizeof secret);
    if (fixed) {
        memcpy(input, secret, sizeof secret);
        input[sizeof secret - 1] ^= 1;
    }
}

static void compare(const uint8_t *input)
{
    sink = jt_equal_ct(secret, input, sizeof secret);
}

/* What must be noticed, or the measurements see nothing: a comparison that stops early. */
static void compare_badly(const uint8_t *input)
{
    size_t i = 0;
    while (i < sizeof secret && ((volatile uint8_t *)secret)[i] == input[i]) {
        i++;
    }
    sink = i == sizeof secret;
}

static void forged_envelope(bool fixed, uint8_t *input)
{
    memcpy(input, envelope, sizeof envelope);
    if (fixed) {
        input[JT_SIV_TAG_LEN - 1] ^= 1;
    } else {
        leak_random(input, JT_SIV_TAG_LEN);
    }
}

static void open_envelope(const uint8_t *input)
{
    uint8_t out[8];
    sink = jt_siv_open(siv, NULL, 0, input, sizeof envelope, out) != JT_OK;
}

static void some_token(bool fixed, uint8_t *input)
{
    if (fixed) {
        memcpy(input, token, sizeof token);
    } else {
        leak_random(input, sizeof token);
    }
}

static void open_token(const uint8_t *input)
{
    uint64_t id;
    sink = jt_tokenkey_open(tk, (const uint8_t(*)[JT_TOKEN_LEN])input, 1, &id) != JT_OK;
}

/* --- what is decoded and computed: the fixed class is one secret, the random one any --- */

static void api_key(bool fixed, uint8_t *input)
{
    struct jt_credential c = { .id = "app" };
    if (!fixed) {
        leak_random(c.secret, sizeof c.secret);
    }
    jt_credential_format(&c, (char *)input);
}

static void parse_api_key(const uint8_t *input)
{
    struct jt_credential c;
    sink = jt_credential_parse((const char *)input, &c) != JT_OK;
}

static void any_secret(bool fixed, uint8_t *input)
{
    memset(input, 0, JT_SHARE_LEN);
    if (!fixed) {
        leak_random(input, JT_SHARE_LEN);
    }
}

static void split(const uint8_t *input)
{
    struct jt_share shares[5];
    sink = jt_shares_split(input, 3, 5, shares) != JT_OK;
}

static void join(const uint8_t *input)
{
    struct jt_share shares[3] = { { .x = 1 }, { .x = 2 }, { .x = 5 } };
    uint8_t out[JT_SHARE_LEN];
    for (size_t i = 0; i < 3; i++) {
        memcpy(shares[i].y, input, JT_SHARE_LEN);
    }
    sink = jt_shares_join(shares, 3, out) != JT_OK;
}

static void any_text(bool fixed, uint8_t *input)
{
    uint8_t bytes[32] = { 0 };
    if (!fixed) {
        leak_random(bytes, sizeof bytes);
    }
    jt_base32_encode(bytes, sizeof bytes, (char *)input);
}

static void decode_text(const uint8_t *input)
{
    uint8_t out[32];
    sink = jt_base32_decode((const char *)input, sizeof out, out) != JT_OK;
}

/* --- the tests --- */

static const struct leak_case bad = { "a comparison that stops early", 32, 8, near_secret,
                                      compare_badly };

static const struct leak_case cases[] = {
    { "comparison of secrets (base/secmem)", 32, 8, near_secret, compare },
    { "tag of an envelope (crypto/siv)", sizeof envelope, 1, forged_envelope, open_envelope },
    { "a token, made up or not (crypto/tokenkey)", JT_TOKEN_LEN, 1, some_token, open_token },
    { "text of an API key (vault/credential)", JT_API_KEY_MAX, 1, api_key, parse_api_key },
    { "text of a secret (base/base32)", 64, 4, any_text, decode_text },
    { "making shares (crypto/shares)", JT_SHARE_LEN, 1, any_secret, split },
    { "joining shares (crypto/shares)", JT_SHARE_LEN, 1, any_secret, join },
};

static bool leaks(const struct leak_case *c)
{
    double t = SURE + 1;
    for (int run = 0; run < RUNS && t > SURE; run++) {
        t = leak_measure(c, n_measurements());
        print_message("%s: |t| %.1f of %zu\n", c->name, t, n_measurements());
    }
    return t > SURE;
}

static void a_leak_is_noticed(void **state)
{
    (void)state;
    assert_true(leaks(&bad));
}

static void nothing_leaks(void **state)
{
    (void)state;
    if (JT_SANITIZED) {
        skip();
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (leaks(&cases[i])) {
            fail_msg("the time of this depends on secrets: %s", cases[i].name);
        }
    }
}

static int setup(void **state)
{
    (void)state;
    uint8_t key[JT_SIV_256_KEY_LEN] = { 1 };
    const uint64_t id = 77;
    leak_random(secret, sizeof secret);
    if (jt_siv_new(key, sizeof key, &siv) != JT_OK || jt_tokenkey_new(key, 3, &tk) != JT_OK ||
        jt_siv_seal(siv, NULL, 0, (const uint8_t *)"12345678", 8, envelope) != JT_OK ||
        jt_tokenkey_seal(tk, &id, 1, &token) != JT_OK) {
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    jt_siv_free(siv);
    jt_tokenkey_free(tk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leak_is_noticed),
        cmocka_unit_test(nothing_leaks),
    };
    return cmocka_run_group_tests_name("timing", tests, setup, teardown);
}
