/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The synchronous client: reconnecting, time-outs, nonsense. (What the verbs do is tested in
 * tests/unit/keeper.)
 */
#include "keyclient/keyclient.h"

#include "../keeper/keeper_process.h"
#include "base/clock.h"
#include "fake_keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_dropped_connection_is_remade_by_the_next_call(void **state)
{
    (void)state;
    struct keeper k;
    struct jt_keyclient *kc;
    struct jt_keeper_status first;
    struct jt_keeper_status second;
    keeper_make(&k, "development", "");
    keeper_init(&k);
    /* before there is a keeper */
    assert_int_equal(jt_keyclient_open(k.socket, -1, 20000, &kc), JT_OK);
    assert_false(jt_keyclient_ready(kc));
    assert_int_equal(jt_keyclient_wait_status(kc, &first), JT_ERR_KEEPER_AWAY);

    assert_true(keeper_start(&k));
    assert_int_equal(jt_keyclient_wait_status(kc, &first), JT_OK);
    assert_memory_equal(first.incarnation, jt_keyclient_incarnation(kc), JT_INCARNATION_LEN);

    (void)keeper_stop(&k, SIGKILL);
    assert_int_equal(jt_keyclient_wait_status(kc, &second), JT_ERR_KEEPER_AWAY);
    assert_true(keeper_start(&k));
    assert_int_equal(jt_keyclient_wait_status(kc, &second), JT_OK);
    assert_memory_not_equal(first.incarnation, second.incarnation, JT_INCARNATION_LEN);

    /* A keeper that went and came while nothing was asked is not noticed by the caller at all. */
    (void)keeper_stop(&k, SIGTERM);
    assert_true(keeper_start(&k));
    assert_int_equal(jt_keyclient_wait_status(kc, &second), JT_OK);
    jt_keyclient_free(kc);
    keeper_remove(&k);
}

static void expect_status_error(enum fake_manner manner, int timeout_ms, enum jt_err expected)
{
    struct fake_keeper f;
    struct jt_keyclient *kc;
    struct jt_keeper_status status;
    fake_start(&f, manner);
    int64_t start = jt_clock_ms();
    assert_int_equal(jt_keyclient_open(f.socket, -1, timeout_ms, &kc), JT_OK);
    assert_int_equal(jt_keyclient_wait_status(kc, &status), expected);
    assert_false(jt_keyclient_ready(kc));
    assert_true(jt_clock_ms() - start < 5000);
    jt_keyclient_free(kc);
    fake_stop(&f);
}

static void misbehaviour_is_an_error_and_closes(void **state)
{
    (void)state;
    expect_status_error(FAKE_SILENT, 50, JT_ERR_KEEPER_AWAY);
    expect_status_error(FAKE_NO_GREETING, 50, JT_ERR_KEEPER_AWAY);
    expect_status_error(FAKE_CLOSES, 20000, JT_ERR_KEEPER_AWAY);
    expect_status_error(FAKE_WRONG_VERSION, 20000, JT_ERR_PROTOCOL);
    expect_status_error(FAKE_WRONG_VERB, 20000, JT_ERR_PROTOCOL);
    expect_status_error(FAKE_TOO_FEW, 20000, JT_ERR_PROTOCOL); /* right verb, wrong payload */
    expect_status_error(FAKE_LONG_FRAME, 20000, JT_ERR_PROTOCOL);
    expect_status_error(FAKE_BAD_STATUS, 20000, JT_ERR_PROTOCOL);
}

static void too_much_is_refused_here(void **state)
{
    (void)state;
    struct fake_keeper f;
    struct jt_keyclient *kc;
    struct jt_reseal_reply reply;
    fake_start(&f, FAKE_SILENT);
    assert_int_equal(jt_keyclient_open(f.socket, -1, 20000, &kc), JT_OK);
    struct jt_open_item *items = calloc(JT_WIRE_MAX_ITEMS + 1, sizeof *items);
    assert_non_null(items);
    assert_int_equal(jt_keyclient_wait_reseal(kc, items, JT_WIRE_MAX_ITEMS + 1, &reply),
                     JT_ERR_LIMIT);
    assert_null(reply.results);
    static uint8_t bytes[1000];
    for (size_t i = 0; i < JT_WIRE_MAX_ITEMS; i++) {
        items[i] = (struct jt_open_item){
            .field = 1, .id = 1, .fingerprint = bytes, .envelope = bytes, .envelope_len = 1000
        };
    }
    assert_int_equal(jt_keyclient_wait_reseal(kc, items, JT_WIRE_MAX_ITEMS, &reply), JT_ERR_LIMIT);
    const struct jt_node_join join = { .spec = { .name = "node1", .number = 1 },
                                       .n = JT_WIRE_MAX_JOIN_ROWS + 1 };
    struct jt_node_joined joined;
    assert_int_equal(jt_keyclient_wait_node_join(kc, &join, &joined), JT_ERR_LIMIT);
    assert_true(jt_keyclient_ready(kc));
    free(items);
    jt_keyclient_free(kc);
    fake_stop(&f);
}

static void a_path_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct jt_keyclient *kc;
    char path[200];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(jt_keyclient_open(path, -1, 1000, &kc), JT_ERR_INVALID);
    assert_null(kc);
    assert_int_equal(jt_keyclient_open("", -1, 1000, &kc), JT_ERR_INVALID);
    jt_keyclient_free(NULL);
}

static void a_descriptor_that_broke_cannot_be_remade(void **state)
{
    (void)state;
    int ends[2];
    struct jt_keyclient *kc;
    struct jt_keeper_status status;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    close(ends[1]);
    assert_int_equal(jt_keyclient_open(NULL, ends[0], 1000, &kc), JT_OK);
    assert_int_equal(jt_keyclient_wait_status(kc, &status), JT_ERR_KEEPER_AWAY);
    assert_int_equal(jt_keyclient_wait_status(kc, &status), JT_ERR_KEEPER_AWAY);
    jt_keyclient_free(kc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dropped_connection_is_remade_by_the_next_call),
        cmocka_unit_test(misbehaviour_is_an_error_and_closes),
        cmocka_unit_test(too_much_is_refused_here),
        cmocka_unit_test(a_path_that_cannot_be_is_refused),
        cmocka_unit_test(a_descriptor_that_broke_cannot_be_remade),
    };
    return cmocka_run_group_tests_name("keyclient/wait", tests, NULL, NULL);
}
