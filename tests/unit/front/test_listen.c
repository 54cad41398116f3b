/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: loopback only; a port that somebody has is never shared in silence. */
#include "front/listen.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void several_sockets_share_a_port_of_the_kernels_choice(void **state)
{
    (void)state;
    int fds[3], port = 0;
    struct jt_fault fault = { .err = JT_OK };
    assert_int_equal(jt_listen("127.0.0.1", 0, fds, 3, &port, &fault), JT_OK);
    assert_in_range(port, 1, 65535);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
}

static void a_port_in_use_is_a_conflict_even_between_our_own(void **state)
{
    (void)state;
    int fds[1], again[1], port = 0, same = 0;
    struct jt_fault fault = { .err = JT_OK };
    assert_int_equal(jt_listen("127.0.0.1", 0, fds, 1, &port, &fault), JT_OK);
    assert_int_equal(jt_listen("127.0.0.1", port, again, 1, &same, &fault), JT_ERR_IN_USE);
    close(fds[0]);
    assert_int_equal(jt_listen("127.0.0.1", port, again, 1, &same, &fault), JT_OK);
    assert_int_equal(same, port);
    close(again[0]);
}

static void other_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0.0.0.0", "192.0.2.1", "::", "localhost", "", "127.0.0.1:80"
    };
    int fds[1], port;
    struct jt_fault fault = { .err = JT_OK };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(jt_listen(bad[i], 0, fds, 1, &port, &fault), JT_ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_sockets_share_a_port_of_the_kernels_choice),
        cmocka_unit_test(a_port_in_use_is_a_conflict_even_between_our_own),
        cmocka_unit_test(other_addresses_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
