/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that lies: a proxy stands between pipe and database and spoils one byte of the replies,
 * at every place in turn. The pipe must answer each transaction once and come back. What a changed
 * byte inside a value means is not its business: tokens and envelopes are the keeper's to judge.
 */
#include "tests/db/fixture.h"
#include "tests/db/proxy.h"

#include "base/container.h"

#include <stdatomic.h>

static struct fx_result result;

struct spoiling {
    struct fx_proxy proxy;
    _Atomic int spoil_after; /* so many bytes of replies pass before one is spoiled; -1: none is */
    _Atomic unsigned char mask; /* what it is XORed with; 0: the connection is cut there */
    _Atomic bool spoiled;
};

static bool pass(struct fx_proxy *proxy, int to, unsigned char *bytes, size_t n, bool to_server)
{
    struct spoiling *spoil = jt_container_of(proxy, struct spoiling, proxy);
    int left = to_server ? -1 : atomic_load(&spoil->spoil_after);
    if (left >= 0 && (size_t)left < n) {
        bytes[left] ^= atomic_load(&spoil->mask);
        atomic_store(&spoil->spoil_after, -1);
        atomic_store(&spoil->spoiled, true);
        if (atomic_load(&spoil->mask) == 0) {
            return false;
        }
    } else if (left >= 0) {
        atomic_store(&spoil->spoil_after, left - (int)n);
    }
    return fx_proxy_send(to, bytes, n);
}

static void spoiled_replies_cost_the_connection_at_most(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct spoiling spoil = { .proxy = { .pass = pass } };
    atomic_store(&spoil.spoil_after, -1);
    fx_proxy_start(&spoil.proxy, fx->plain);
    struct fx_lane *lane = fx_lane_new(spoil.proxy.conninfo, &fx->node, 250);
    fx_lane_wait_up(lane);

    static const unsigned char masks[] = { 0x80, 0x01, 0x00, 0xff, 0x20 };
    unsigned n_hit = 0, n_failed = 0;
    uint64_t number = 0;
    for (int at = 0; at < 2000; at += 19) {
        const struct fx_card cards[] = { fx_card(1, number, 1), fx_card(1, number + 1, 1),
                                         fx_card(1, 0, 1) };
        number += 2;
        atomic_store(&spoil.mask, masks[at / 19 % 5]);
        atomic_store(&spoil.spoiled, false);
        atomic_store(&spoil.spoil_after, at);
        fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, 3, &result);
        bool hit = atomic_load(&spoil.spoiled);
        atomic_store(&spoil.spoil_after, -1);
        n_hit += hit;
        n_failed += hit && result.err != JT_OK;
        if (hit && masks[at / 19 % 5] == 0) {
            assert_int_equal(result.err, JT_ERR_DB_AWAY); /* a lost connection is no lie */
        }
        if (result.err == JT_ERR_DB_FAULT) {
            char message[256]; /* its own, not that of an earlier loss */
            fx_lane_message(lane, message, sizeof message);
            assert_string_equal(message, "unexpected kind of answer from the server");
        }
        if (!hit) {
            assert_int_equal(result.err, JT_OK);
            assert_true(result.found[0] && result.found[1] && result.found[2]);
            break; /* past the last byte of the reply */
        }
        fx_lane_wait_ready(lane);
    }
    assert_true(n_hit > 20);
    assert_true(n_failed > n_hit / 3); /* the rest are names of columns, and values */
    fx_lane_free(lane);
    fx_proxy_stop(&spoil.proxy);
    /* Whatever the client was told: each card has one row, and the books are right. */
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) - count(DISTINCT fp) FROM card"), 0);
    assert_int_equal(
        fx_number(fx->plain,
                  "SELECT (SELECT count(*) FROM card) - (SELECT sum(written) FROM tally)"),
        0);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(spoiled_replies_cost_the_connection_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
