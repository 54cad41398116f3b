/* SPDX-License-Identifier: Apache-2.0 */
/* Failed logins of several nodes in one table. */
#include "tests/db/fixture.h"

#include "store/lockouts.h"

#include <stdio.h>
#include <string.h>

static struct jt_login_failure failures(const char *client, const char *place, uint32_t n)
{
    struct jt_login_failure f = { .n = n };
    (void)snprintf(f.client, sizeof f.client, "%s", client);
    (void)snprintf(f.place, sizeof f.place, "%s", place);
    return f;
}

static void add(struct fx *fx, const char *client, uint32_t n)
{
    const struct jt_login_failure f = failures(client, "192.0.2.1", n);
    assert_int_equal(jt_lockouts_add(fx->db, &f, 1), JT_OK);
}

static long locked(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM login_failure WHERE locked_until > now()");
}

static void failures_of_all_nodes_add_up_and_are_locked_out_once(void **state)
{
    struct fx *fx = *state;
    add(fx, "app", 4);
    add(fx, "app", 5);
    assert_int_equal(locked(fx), 0);
    add(fx, "app", 1);
    assert_int_equal(locked(fx), 1);
    add(fx, "app", 30); /* another node, that did not know yet */
    assert_int_equal(locked(fx), 1);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 27 AND client = 'app' AND "
                             "object = '192.0.2.1' AND n_items = 10"),
        1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 27"), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM login_failure WHERE locked_until "
                                          "BETWEEN now() + interval '29 min' AND "
                                          "now() + interval '30 min'"),
                     1);
}

static void what_is_long_ago_or_over_counts_no_longer(void **state)
{
    struct fx *fx = *state;
    add(fx, "app", 9);
    fx_exec(fx->plain, "UPDATE login_failure SET last_at = last_at - interval '31 min'");
    add(fx, "app", 9);
    assert_int_equal(locked(fx), 0);
    add(fx, "app", 1);
    assert_int_equal(locked(fx), 1);
    fx_exec(fx->plain, "UPDATE login_failure SET locked_until = now() - interval '1 s'");
    add(fx, "app", 9);
    assert_int_equal(locked(fx), 0);
    assert_int_equal(jt_lockouts_prune(fx->db), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM login_failure"), 1);
    fx_exec(fx->plain, "UPDATE login_failure SET last_at = last_at - interval '31 min'");
    assert_int_equal(jt_lockouts_prune(fx->db), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM login_failure"), 0);
}

struct seen {
    size_t n;
    struct jt_login_failure last;
};

static void note(void *arg, const struct jt_login_failure *f)
{
    struct seen *seen = arg;
    seen->n++;
    seen->last = *f;
}

static void what_changed_is_read_by_age(void **state)
{
    struct fx *fx = *state;
    struct seen seen = { 0 };
    add(fx, "app", 10);
    add(fx, "shop", 2);
    fx_exec(fx->plain, "UPDATE login_failure SET last_at = now() - interval '1 min' "
                       "WHERE client = 'shop'");
    assert_int_equal(jt_lockouts_since(fx->db, 30000, note, &seen), JT_OK);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.last.client, "app");
    assert_string_equal(seen.last.place, "192.0.2.1");
    assert_int_equal(seen.last.n, 10);
    assert_in_range(seen.last.locked_ms, 1790000, 1800000);
    fx_exec(fx->plain, "UPDATE login_failure SET locked_until = now() - interval '1 s'");
    assert_int_equal(jt_lockouts_since(fx->db, 30000, note, &seen), JT_OK);
    assert_int_equal(seen.last.n, 0); /* it is over */
    assert_int_equal(seen.last.locked_ms, 0);
    seen.n = 0;
    assert_int_equal(jt_lockouts_since(fx->db, 90000, note, &seen), JT_OK);
    assert_int_equal(seen.n, 2);
    assert_string_equal(seen.last.client, "shop");
    assert_in_range(seen.last.age_ms, 60000, 80000);
}

static void the_table_is_bounded_and_keeps_whom_it_locks_out(void **state)
{
    struct fx *fx = *state;
    static struct jt_login_failure many[JT_LOCKOUT_BATCH];
    add(fx, "app", 10);
    add(fx, "near", 9);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < JT_LOCKOUT_BATCH; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "x%d", round * JT_LOCKOUT_BATCH + i);
            many[i] = failures(name, "192.0.2.2", 1);
        }
        assert_int_equal(jt_lockouts_add(fx->db, many, JT_LOCKOUT_BATCH), JT_OK);
    }
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM login_failure"),
                     JT_LOCKOUT_MAX_ROWS);
    assert_int_equal(locked(fx), 1);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM login_failure WHERE client = 'near'"), 1);
}

static void many_lock_outs_at_one_time_are_told_by_their_number(void **state)
{
    struct fx *fx = *state;
    static struct jt_login_failure many[100];
    for (int i = 0; i < 100; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%d", i);
        many[i] = failures(name, "2001:db8::/64", 10);
    }
    assert_int_equal(jt_lockouts_add(fx->db, many, 100), JT_OK);
    assert_int_equal(locked(fx), 100);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 27"), 33);
    assert_int_equal(
        fx_number(fx->plain, "SELECT n_items FROM audit WHERE action = 27 AND client = ''"), 68);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fx_vault_test(failures_of_all_nodes_add_up_and_are_locked_out_once),
        fx_vault_test(what_is_long_ago_or_over_counts_no_longer),
        fx_vault_test(what_changed_is_read_by_age),
        fx_vault_test(the_table_is_bounded_and_keeps_whom_it_locks_out),
        fx_vault_test(many_lock_outs_at_one_time_are_told_by_their_number),
    };
    return cmocka_run_group_tests_name("store/lockouts", tests, NULL, NULL);
}
