/* SPDX-License-Identifier: Apache-2.0 */
/* ONCE: a MAC that follows from the digest and the service root, and from nothing else. */
#include "inside.h"

#include "wire/once.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 300

static uint8_t digests[N][JT_ONCE_DIGEST_LEN];
static struct jt_once_item items[N];
static struct jt_once_result results[N];

static void ask(struct inside *in, struct jt_once_result *out, size_t n)
{
    struct jt_reader payload;
    struct jt_once_reply reply = { .results = out };
    jt_once_request_encode(items, n, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_ONCE, &payload), JT_OK);
    assert_int_equal(jt_once_reply_decode(&payload, n, &reply), JT_OK);
}

static void the_same_digest_has_the_same_mac_and_others_have_others(void **state)
{
    struct inside *in = *state;
    static struct jt_once_result again[N];
    for (size_t i = 0; i < N; i++) {
        digests[i][i % JT_ONCE_DIGEST_LEN] = (uint8_t)(1 + i / JT_ONCE_DIGEST_LEN);
        items[i].digest = digests[i];
    }
    ask(in, results, N);
    inside_restart(in, false);
    ask(in, again, N);
    assert_memory_equal(results, again, sizeof results);
    for (size_t i = 1; i < N; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(results[i].mac, results[j].mac, JT_ROW_MAC_LEN);
        }
    }
    assert_memory_not_equal(results[0].mac, digests[0], JT_ROW_MAC_LEN);
}

static void none_is_answered_with_none(void **state)
{
    ask(*state, results, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_digest_has_the_same_mac_and_others_have_others,
                                        inside_setup, inside_teardown),
        cmocka_unit_test_setup_teardown(none_is_answered_with_none, inside_setup, inside_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
