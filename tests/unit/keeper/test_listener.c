/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a keeper serves: the front's user, by name or number, and in production nobody of its own.
 */
#include "keeper/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

static struct jt_listener l;

static enum jt_err front(const char *user, bool production, const char *told)
{
    struct jt_fault fault = { 0 };
    enum jt_err err = jt_listener_set_front(&l, user, production, &fault);
    assert_true((err == JT_OK) == (told == NULL));
    if (told != NULL) {
        assert_non_null(strstr(fault.cause, told));
    }
    return err;
}

static void a_front_is_a_user_by_name_or_by_number(void **state)
{
    (void)state;
    assert_int_equal(front("", false, NULL), JT_OK);
    assert_true(l.front_uid == geteuid() && l.front_gid == getegid());
    assert_int_equal(front("root", false, NULL), JT_OK);
    assert_int_equal(l.front_uid, 0);
    assert_int_equal(front("4000000001", false, NULL), JT_OK); /* nobody has it, and it may come */
    assert_true(l.front_uid == 4000000001u && l.front_gid == getegid());
    const char *const none[] = { "no such user", "12x", "99999999999999999999999", "4294967295" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(front(none[i], false, "there is no user"), JT_ERR_INVALID);
    }
}

static void in_production_it_is_neither_root_nor_the_keepers_own(void **state)
{
    (void)state;
    char own[24];
    assert_int_equal(front("root", true, "must not be root"), JT_ERR_INVALID);
    (void)snprintf(own, sizeof own, "%u", (unsigned)geteuid());
    assert_int_equal(front(own, true, "must not be"), JT_ERR_INVALID);
    assert_int_equal(front("4000000001", true, NULL), JT_OK);
}

static void a_path_has_its_bounds(void **state)
{
    (void)state;
    struct jt_fault fault = { 0 };
    char far[400];
    memset(far, 'x', sizeof far - 1);
    far[sizeof far - 1] = '\0';
    assert_int_equal(front("", false, NULL), JT_OK);
    assert_int_equal(jt_listener_open(&l, "", &fault), JT_ERR_INVALID);
    assert_int_equal(jt_listener_open(&l, far, &fault), JT_ERR_INVALID);
    assert_int_equal(l.fd, -1);
}

static void whoever_is_none_of_them_may_not_speak(void **state)
{
    (void)state;
    uid_t uid;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(front("4000000001", false, NULL), JT_OK);
    assert_true(jt_listener_peer_allowed(&l, pair[0], &uid));
    assert_int_equal(uid, geteuid());
    close(pair[0]);
    close(pair[1]);
    /* nor one of whom nobody can say who it is */
    assert_false(jt_listener_peer_allowed(&l, pair[0], &uid));
    assert_true(uid == (uid_t)-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_front_is_a_user_by_name_or_by_number),
        cmocka_unit_test(in_production_it_is_neither_root_nor_the_keepers_own),
        cmocka_unit_test(a_path_has_its_bounds),
        cmocka_unit_test(whoever_is_none_of_them_may_not_speak),
    };
    return cmocka_run_group_tests_name("keeper/listener", tests, NULL, NULL);
}
