/* SPDX-License-Identifier: Apache-2.0 */
/* Listening places: what they may be, and that a port that somebody has is never shared. */
#include "front/listen.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct jt_places places;
static struct jt_fault fault;

static enum jt_err add(const char *list, int port, bool tls, bool anywhere)
{
    fault = (struct jt_fault){ .err = JT_OK };
    places = (struct jt_places){ .n = 0 };
    return jt_places_add(&places, "listen", list, port, tls, anywhere, &fault);
}

static void several_sockets_share_a_port_of_the_kernels_choice(void **state)
{
    (void)state;
    int fds[3];
    assert_int_equal(add("127.0.0.1", 0, false, false), JT_OK);
    assert_int_equal(jt_place_open(&places.all[0], fds, 3, &fault), JT_OK);
    assert_in_range(places.all[0].port, 1, 65535);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
}

static void a_port_in_use_is_a_conflict_even_between_our_own(void **state)
{
    (void)state;
    int fds[1], again[1];
    assert_int_equal(add("127.0.0.1", 0, false, false), JT_OK);
    assert_int_equal(jt_place_open(&places.all[0], fds, 1, &fault), JT_OK);
    int port = places.all[0].port;
    assert_int_equal(add("127.0.0.1", port, false, false), JT_OK);
    assert_int_equal(jt_place_open(&places.all[0], again, 1, &fault), JT_ERR_IN_USE);
    close(fds[0]);
    fault = (struct jt_fault){ .err = JT_OK };
    assert_int_equal(jt_place_open(&places.all[0], again, 1, &fault), JT_OK);
    assert_int_equal(places.all[0].port, port);
    close(again[0]);
}

static void a_list_has_places_of_every_form(void **state)
{
    (void)state;
    assert_int_equal(
        add("127.0.0.1, 127.0.0.2:81,::1,[::1]:82 , [::1], unix:/run/x", 80, false, false), JT_OK);
    static const int ports[] = { 80, 81, 80, 82, 80, 0 };
    assert_int_equal(places.n, 6);
    for (size_t i = 0; i < places.n; i++) {
        assert_int_equal(places.all[i].port, ports[i]);
    }
    assert_int_equal(places.all[5].address_len, 0);
    assert_int_equal(add("", 80, false, false), JT_OK);
    assert_int_equal(places.n, 0);
}

static void networks_are_served_with_tls_or_by_explicit_word(void **state)
{
    (void)state;
    static const char *const all[] = { "0.0.0.0", "192.0.2.1", "::", "[2001:db8::1]:80",
                                       "::ffff:192.0.2.1" };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(add(all[i], 80, false, false), JT_ERR_INVALID);
        assert_int_equal(add(all[i], 80, true, false), JT_OK);
        assert_int_equal(add(all[i], 80, false, true), JT_OK);
    }
}

static void development_serves_its_own_machine_only(void **state)
{
    (void)state;
    assert_int_equal(add("127.0.0.1, ::1, unix:/run/x", 80, false, true), JT_OK);
    assert_int_equal(jt_places_stay_home(&places, &fault), JT_OK);
    static const char *const all[] = { "0.0.0.0", "127.0.0.1, 192.0.2.1",
                                       "::", "[2001:db8::1]:80" };
    for (size_t i = 0; i < 2 * sizeof all / sizeof all[0]; i++) {
        assert_int_equal(add(all[i / 2], 80, i % 2 == 1, true), JT_OK);
        fault = (struct jt_fault){ .err = JT_OK };
        assert_int_equal(jt_places_stay_home(&places, &fault), JT_ERR_INVALID);
    }
}

static void what_is_no_place_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "localhost",      "127.0.0.1:",   "127.0.0.1:65536",
                                       "127.0.0.1:-1",   "127.0.0.1:8x", "[::1",
                                       "[::1]8",         "[::1]:",       ",",
                                       "127.0.0.1,,::1", "127.0.0.1,",   " " };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum jt_err err = add(bad[i], 80, true, true);
        if (i == 10) { /* a comma at the end is no further entry */
            assert_int_equal(err, JT_OK);
        } else if (err != JT_ERR_INVALID) {
            fail_msg("%s is taken", bad[i]);
        }
    }
}

static void a_unix_socket_has_a_name_while_it_is_served(void **state)
{
    (void)state;
    char directory[] = "/tmp/jeton-listen-test-XXXXXX", list[80];
    int fds[2];
    assert_non_null(mkdtemp(directory));
    snprintf(list, sizeof list, "unix:%s/front.sock", directory);
    assert_int_equal(add(list, 80, false, false), JT_OK);
    assert_int_equal(jt_place_open(&places.all[0], fds, 2, &fault), JT_OK);
    assert_int_equal(access(list + 5, F_OK), 0);
    struct jt_places first = places;
    assert_int_equal(add(list, 80, false, false), JT_OK);
    int again[2];
    assert_int_equal(jt_place_open(&places.all[0], again, 2, &fault), JT_ERR_IN_USE);
    jt_places_close(&first);
    assert_int_not_equal(access(list + 5, F_OK), 0);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(rmdir(directory), 0);
}

static void a_socket_that_is_handed_over_is_served_by_every_loop(void **state)
{
    (void)state;
    int fds[2], fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
    fault = (struct jt_fault){ .err = JT_OK };
    places = (struct jt_places){ .n = 0 };
    assert_int_equal(jt_places_inherit(&places, dup(fd), true, false, &fault), JT_ERR_INVALID);
    jt_places_close(&places);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listen(fd, 1), 0);
    fault = (struct jt_fault){ .err = JT_OK };
    assert_int_equal(jt_places_inherit(&places, dup(fd), false, false, &fault), JT_ERR_INVALID);
    jt_places_close(&places);
    fault = (struct jt_fault){ .err = JT_OK };
    assert_int_equal(jt_places_inherit(&places, fd, true, false, &fault), JT_OK);
    assert_int_equal(jt_place_open(&places.all[0], fds, 2, &fault), JT_OK);
    jt_places_close(&places);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_sockets_share_a_port_of_the_kernels_choice),
        cmocka_unit_test(a_port_in_use_is_a_conflict_even_between_our_own),
        cmocka_unit_test(a_list_has_places_of_every_form),
        cmocka_unit_test(networks_are_served_with_tls_or_by_explicit_word),
        cmocka_unit_test(development_serves_its_own_machine_only),
        cmocka_unit_test(what_is_no_place_is_refused),
        cmocka_unit_test(a_unix_socket_has_a_name_while_it_is_served),
        cmocka_unit_test(a_socket_that_is_handed_over_is_served_by_every_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
