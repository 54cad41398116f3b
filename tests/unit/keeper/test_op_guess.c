/* SPDX-License-Identifier: Apache-2.0 */
/* GUESS: cards of one class have its MAC, and nothing else has it. */
#include "inside.h"

#include "crypto/kdf.h"
#include "wire/guess.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 3000 /* several chunks */

static struct jt_guess_item items[N];
static struct jt_guess_result results[N];
static uint8_t cards[N][10];

static enum jt_err ask(struct inside *in, enum jt_guess_act act, uint32_t day, size_t n)
{
    struct jt_reader payload;
    const struct jt_guess_request request = { act, day, items, n };
    struct jt_guess_reply reply = { .results = results };
    jt_guess_request_encode(&request, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_GUESS, &payload);
    if (err == JT_OK) {
        assert_int_equal(jt_guess_reply_decode(&payload, n, &reply), JT_OK);
    }
    return err;
}

static void put(size_t i, const char *client, const char *pan)
{
    size_t n = strlen(pan);
    memset(cards[i], 0xFF, sizeof cards[i]);
    for (size_t d = 0; d < n; d++) {
        uint8_t digit = (uint8_t)(pan[d] - '0');
        cards[i][d / 2] =
            d % 2 == 0 ? (uint8_t)(digit << 4 | 0xF) : (uint8_t)((cards[i][d / 2] & 0xF0) | digit);
    }
    items[i] = (struct jt_guess_item){
        .client = client,
        .client_len = (uint8_t)strlen(client),
        .packed = cards[i],
        .packed_len = (uint8_t)((n + 1) / 2),
    };
}

static struct jt_guess_result one(struct inside *in, const char *client, const char *pan,
                                  enum jt_guess_act act, uint32_t day)
{
    put(0, client, pan);
    assert_int_equal(ask(in, act, day, 1), JT_OK);
    return results[0];
}

static bool same_class(const struct jt_guess_result *a, const struct jt_guess_result *b)
{
    return memcmp(a->class_mac, b->class_mac, sizeof a->class_mac) == 0;
}

static bool same_card(const struct jt_guess_result *a, const struct jt_guess_result *b)
{
    return memcmp(a->card_mac, b->card_mac, sizeof a->card_mac) == 0;
}

static void a_class_is_client_first_six_last_four_length_act_and_day(void **state)
{
    struct inside *in = *state;
    static const struct {
        const char *client, *pan;
        enum jt_guess_act act;
        uint32_t day;
        bool same;
    } others[] = {
        { "app", "4111110000001111", JT_GUESS_LOOKUP, 7, true },
        { "app", "4111119999991111", JT_GUESS_LOOKUP, 7, true },
        { "shop", "4111111111111111", JT_GUESS_LOOKUP, 7, false },
        { "app", "4111121111111111", JT_GUESS_LOOKUP, 7, false },
        { "app", "4111111111111112", JT_GUESS_LOOKUP, 7, false },
        { "app", "4111111111112111", JT_GUESS_LOOKUP, 7, false },
        { "app", "411111111111111", JT_GUESS_LOOKUP, 7, false },
        { "app", "41111111111111111", JT_GUESS_LOOKUP, 7, false },
        { "app", "4111111111111111", JT_GUESS_TOKENIZE, 7, false },
        { "app", "4111111111111111", JT_GUESS_LOOKUP, 8, false },
    };
    const struct jt_guess_result base = one(in, "app", "4111111111111111", JT_GUESS_LOOKUP, 7);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const struct jt_guess_result other =
            one(in, others[i].client, others[i].pan, others[i].act, others[i].day);
        assert_int_equal(same_class(&base, &other), others[i].same);
        assert_false(same_card(&base, &other));
    }
    inside_restart(in, false);
    const struct jt_guess_result again = one(in, "app", "4111111111111111", JT_GUESS_LOOKUP, 7);
    assert_memory_equal(&again, &base, sizeof base);
    assert_memory_not_equal(base.class_mac, base.card_mac, sizeof base.class_mac);
}

/* As docs/keeper-protocol.md says, made by hand. */
static void the_macs_are_those_of_the_protocol(void **state)
{
    struct inside *in = *state;
    static const uint8_t group[] = "\x01\x02\0\0\x4e\x20\x03"
                                   "app\x10"
                                   "4111111111";
    static const uint8_t card[] = "\x02\x02\0\0\x4e\x20\x03"
                                  "app\x08\x41\x11\x11\x22\x22\x22\x11\x11";
    uint8_t key[JT_CMAC_KEY_LEN], mac[JT_CMAC_LEN];
    struct jt_cmac *cmac;
    assert_int_equal(jt_kdf_derive(in->k->root->key, JT_KDF_MAC_GUESS, NULL, 0, key, sizeof key),
                     JT_OK);
    assert_int_equal(jt_cmac_new(key, &cmac), JT_OK);
    const struct jt_guess_result got = one(in, "app", "4111112222221111", JT_GUESS_TOKENIZE, 20000);
    assert_int_equal(jt_cmac_compute(cmac, &(struct jt_bytes){ group, sizeof group - 1 }, 1, mac),
                     JT_OK);
    assert_memory_equal(got.class_mac, mac, sizeof mac);
    assert_int_equal(jt_cmac_compute(cmac, &(struct jt_bytes){ card, sizeof card - 1 }, 1, mac),
                     JT_OK);
    assert_memory_equal(got.card_mac, mac, sizeof mac);
    jt_cmac_free(cmac);
}

static void a_long_batch_has_the_macs_of_its_single_items(void **state)
{
    struct inside *in = *state;
    static struct jt_guess_result many[N];
    char pan[20];
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(pan, sizeof pan, "411111%06zu1111", i);
        put(i, i % 2 == 0 ? "app" : "shop", pan);
    }
    assert_int_equal(ask(in, JT_GUESS_LOOKUP, 7, N), JT_OK);
    memcpy(many, results, sizeof many);
    for (size_t i = 0; i < N; i += 511) {
        (void)snprintf(pan, sizeof pan, "411111%06zu1111", i);
        const struct jt_guess_result alone =
            one(in, i % 2 == 0 ? "app" : "shop", pan, JT_GUESS_LOOKUP, 7);
        assert_memory_equal(&alone, &many[i], sizeof alone);
        assert_true(same_class(&many[i], &many[i % 2]));
    }
}

static void what_is_no_card_number_is_refused(void **state)
{
    struct inside *in = *state;
    put(0, "app", "4111111111111111");
    put(1, "app", "41111111111"); /* eleven digits */
    assert_int_equal(ask(in, JT_GUESS_LOOKUP, 7, 2), JT_ERR_INVALID);
    cards[0][3] = 0xAA;
    assert_int_equal(ask(in, JT_GUESS_LOOKUP, 7, 1), JT_ERR_INVALID);
    assert_int_equal(ask(in, JT_GUESS_LOOKUP, 7, 0), JT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_class_is_client_first_six_last_four_length_act_and_day,
                                        inside_setup, inside_teardown),
        cmocka_unit_test_setup_teardown(the_macs_are_those_of_the_protocol, inside_setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(a_long_batch_has_the_macs_of_its_single_items, inside_setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_card_number_is_refused, inside_setup,
                                        inside_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
