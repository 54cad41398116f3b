/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas of clients in one table: what fronts reserve there, and serve of it, by a clock that is
 * passed in. */
#include "tests/db/fixture.h"

#include "store/budgets.h"
#include "vault/budgets.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define DAY    20000u
#define OF_DAY INT64_C(1728000000) /* its first second */

static struct jt_vault vault; /* of its counters only */

static struct jt_budget_part part(uint64_t n)
{
    return (struct jt_budget_part){ .client = "shop", .operation = 1, .day = DAY, .n = n };
}

static void assert_reserves(struct jt_db *db, uint64_t back, uint64_t need, uint64_t want,
                            uint64_t granted, uint64_t used)
{
    const struct jt_budget_part p = part(back);
    uint64_t got, all;
    assert_int_equal(jt_budget_reserve(db, &p, need, want, 100, &got, &all), JT_OK);
    assert_int_equal(got, granted);
    assert_int_equal(all, used);
}

static int64_t used(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT coalesce(sum(used), 0)::int8 FROM client_budget");
}

static void a_quota_is_reserved_and_never_exceeded(void **state)
{
    struct fx *fx = *state;
    assert_reserves(fx->db, 0, 1, 40, 40, 40);
    assert_reserves(fx->db, 0, 40, 50, 50, 90);
    assert_reserves(fx->db, 0, 11, 20, 0, 90); /* it is not there whole: nothing */
    assert_reserves(fx->db, 0, 5, 20, 10, 100);
    assert_reserves(fx->db, 0, 1, 1, 0, 100);
    assert_reserves(fx->db, 30, 10, 20, 20, 90); /* 30 went back */
    assert_reserves(fx->db, 7, 50, 50, 0, 83);   /* and so they do where nothing is got */
    assert_reserves(fx->db, 1000, 1, 1, 1, 1);
    const struct jt_budget_part p = part(0);
    uint64_t got, all;
    assert_int_equal(jt_budget_reserve(fx->db, &p, 1, 5, 1, &got, &all), JT_OK);
    assert_int_equal(got, 0); /* a smaller quota */
    const struct jt_budget_part parts[] = { part(1), { "nobody", 1, DAY, 5 } };
    assert_int_equal(jt_budget_give_back(fx->db, parts, 2), JT_OK);
    assert_int_equal(used(fx), 0);
}

static void a_first_request_beyond_the_quota_reserves_nothing(void **state)
{
    struct fx *fx = *state;
    assert_reserves(fx->db, 0, 101, 120, 0, 0);
    assert_reserves(fx->db, 0, 100, 120, 100, 100);
}

static void old_days_are_forgotten(void **state)
{
    struct fx *fx = *state;
    assert_reserves(fx->db, 0, 1, 1, 1, 1);
    assert_int_equal(jt_budget_prune(fx->db, DAY + JT_BUDGET_DAYS - 1), JT_OK);
    assert_int_equal(used(fx), 1);
    assert_int_equal(jt_budget_prune(fx->db, DAY + JT_BUDGET_DAYS), JT_OK);
    assert_int_equal(used(fx), 0);
}

/* --- fronts --- */

static enum jt_budget_verdict ask(struct jt_budgets *front, struct fx *fx,
                                  const struct jt_budget *budget, uint32_t n,
                                  struct jt_budget_time now)
{
    struct jt_work_ctx ctx = { .vault = &vault, .db = fx->db };
    uint32_t retry_s;
    enum jt_budget_verdict verdict = jt_budgets_take(front, "shop", budget, n, now, &retry_s);
    if (verdict == JT_BUDGET_RESERVE) {
        assert_int_equal(jt_budgets_reserve(front, &ctx, "shop", budget, n, now), JT_OK);
        verdict = jt_budgets_take(front, "shop", budget, n, now, &retry_s);
    }
    assert_int_not_equal(verdict, JT_BUDGET_RESERVE);
    return verdict;
}

static struct jt_budgets *new_front(void)
{
    struct jt_budgets *front;
    assert_int_equal(jt_budgets_new(&front), JT_OK);
    return front;
}

static void two_fronts_together_serve_the_quota(void **state)
{
    struct fx *fx = *state;
    struct jt_budgets *fronts[] = { new_front(), new_front() };
    const struct jt_budget budget = { 1, 0, 6400 };
    struct jt_budget_time now = { 0, OF_DAY };
    size_t served = 0, statements = 0;
    int64_t before = 0;
    uint64_t near = jt_counted(&vault.counters.budget_quota_near);
    for (size_t i = 0; i < 8000; i++, now.us += 1000) {
        served += ask(fronts[i % 2], fx, &budget, 1, now) == JT_BUDGET_TAKEN;
        if (i % 50 == 0 && used(fx) != before) {
            statements++;
            before = used(fx);
        }
    }
    assert_int_equal(served, 6400); /* both used up what they had: no more and no less */
    assert_in_range(statements, 30, 64);
    assert_int_equal(jt_counted(&vault.counters.budget_quota_near), near + 1); /* once for both */
    for (size_t i = 0; i < 2; i++) {
        jt_budgets_free(fronts[i]);
    }
}

#define FRONTS 4

struct crowd {
    pthread_t thread;
    struct jt_db *db;
    uint64_t granted;
    enum jt_err err;
};

/* Reserves and gives back at one time with others; it keeps three of four. */
static void *reserve_many(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 200 && c->err == JT_OK; i++) {
        struct jt_budget_part p = part(0);
        uint64_t got = 0, all = 0;
        c->err = jt_budget_reserve(c->db, &p, 1, 20, 5000, &got, &all);
        c->granted += got;
        p.n = got / 4;
        if (c->err == JT_OK && p.n > 0) {
            c->err = jt_budget_give_back(c->db, &p, 1);
            c->granted -= p.n;
        }
    }
    return NULL;
}

static void fronts_that_reserve_at_one_time_get_parts_of_their_own(void **state)
{
    struct fx *fx = *state;
    struct crowd crowd[FRONTS] = { 0 };
    uint64_t granted = 0;
    for (size_t i = 0; i < FRONTS; i++) {
        assert_int_equal(jt_db_new(fx_conninfo(), "front", 5000, &crowd[i].db), JT_OK);
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, reserve_many, &crowd[i]), 0);
    }
    for (size_t i = 0; i < FRONTS; i++) {
        assert_int_equal(pthread_join(crowd[i].thread, NULL), 0);
        assert_int_equal(crowd[i].err, JT_OK);
        granted += crowd[i].granted;
        jt_db_free(crowd[i].db);
    }
    assert_int_equal(used(fx), granted);
    assert_in_range(granted, 4000, 5000);
}

static void what_a_front_holds_is_missing_elsewhere_until_it_stops(void **state)
{
    struct fx *fx = *state;
    struct jt_budgets *one = new_front(), *other = new_front();
    const struct jt_budget budget = { 1, 0, 640 };
    struct jt_budget_time now = { 0, OF_DAY };
    struct jt_work_ctx ctx = { .vault = &vault, .db = fx->db };
    assert_int_equal(ask(one, fx, &budget, 1, now), JT_BUDGET_TAKEN);
    assert_int_equal(used(fx), 11);
    assert_int_equal(ask(other, fx, &budget, 630, now), JT_BUDGET_QUOTA);
    assert_int_equal(ask(other, fx, &budget, 629, now), JT_BUDGET_TAKEN);
    jt_budgets_give_back(one, &ctx);
    assert_int_equal(used(fx), 630);
    assert_int_equal(ask(other, fx, &budget, 10, now), JT_BUDGET_QUOTA); /* it has just asked */
    now.us += 1000000;
    assert_int_equal(ask(other, fx, &budget, 10, now), JT_BUDGET_TAKEN);
    assert_int_equal(ask(one, fx, &budget, 1, now), JT_BUDGET_QUOTA);
    jt_budgets_free(one);
    jt_budgets_free(other);
}

static void a_day_ends_at_midnight(void **state)
{
    struct fx *fx = *state;
    struct jt_budgets *front = new_front();
    const struct jt_budget budget = { 1, 0, 10 };
    struct jt_budget_time now = { 0, OF_DAY + 86399 };
    struct jt_budget_standing s;
    uint32_t retry_s;
    jt_budgets_look(front, "shop", &budget, now, &s);
    assert_false(s.quota_known);
    assert_int_equal(ask(front, fx, &budget, 9, now), JT_BUDGET_TAKEN);
    assert_int_equal(ask(front, fx, &budget, 2, now), JT_BUDGET_QUOTA);
    assert_int_equal(jt_budgets_take(front, "shop", &budget, 2, now, &retry_s), JT_BUDGET_QUOTA);
    assert_int_equal(retry_s, 1);
    jt_budgets_look(front, "shop", &budget, now, &s);
    assert_true(s.quota_known);
    assert_int_equal(s.quota_left, 1);
    struct jt_budget_time next = { 1, OF_DAY + 86400 };
    assert_int_equal(ask(front, fx, &budget, 10, next), JT_BUDGET_TAKEN);
    /* what was taken yesterday does not come back today */
    jt_budgets_put_back(front, "shop", &budget, 9, now, next);
    assert_int_equal(ask(front, fx, &budget, 1, next), JT_BUDGET_QUOTA);
    jt_budgets_put_back(front, "shop", &budget, 3, next, next);
    assert_int_equal(ask(front, fx, &budget, 3, next), JT_BUDGET_TAKEN);
    assert_int_equal(ask(front, fx, &budget, 11, next), JT_BUDGET_NEVER);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM client_budget WHERE day BETWEEN "
                                          "20000 AND 20001"),
                     2);
    jt_budgets_free(front);
}

static void another_quota_counts_what_was_used(void **state)
{
    struct fx *fx = *state;
    struct jt_budgets *front = new_front();
    struct jt_budget budget = { 1, 0, 640 };
    const struct jt_budget_time now = { 0, OF_DAY };
    assert_int_equal(ask(front, fx, &budget, 100, now), JT_BUDGET_TAKEN); /* and 10 are reserved */
    budget.quota = 104;
    assert_int_equal(ask(front, fx, &budget, 5, now), JT_BUDGET_QUOTA);
    assert_int_equal(used(fx), 100); /* the ten went back */
    assert_int_equal(ask(front, fx, &budget, 4, now), JT_BUDGET_TAKEN);
    budget.quota = 50;
    assert_int_equal(ask(front, fx, &budget, 1, now), JT_BUDGET_QUOTA);
    budget.quota = 200;
    assert_int_equal(ask(front, fx, &budget, 96, now), JT_BUDGET_TAKEN);
    assert_int_equal(ask(front, fx, &budget, 1, now), JT_BUDGET_QUOTA);
    jt_budgets_free(front);
}

static void too_many_in_a_second_cost_nothing_of_the_day(void **state)
{
    struct fx *fx = *state;
    struct jt_budgets *front = new_front();
    const struct jt_budget budget = { 1, 5, 640 };
    struct jt_budget_time now = { 0, OF_DAY };
    jt_budgets_share(front, 2); /* two a second */
    assert_int_equal(ask(front, fx, &budget, 2, now), JT_BUDGET_TAKEN);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(ask(front, fx, &budget, 2, now), JT_BUDGET_RATE);
    }
    struct jt_budget_standing s;
    jt_budgets_look(front, "shop", &budget, now, &s);
    assert_int_equal(s.rate, 2);
    assert_int_equal(s.rate_left, 0);
    assert_int_equal(s.rate_full_s, 1);
    assert_int_equal(s.quota_left, 638);
    now.us += 1000000;
    assert_int_equal(ask(front, fx, &budget, 2, now), JT_BUDGET_TAKEN);
    jt_budgets_free(front);
}

static void without_the_table_what_is_reserved_remains(void **state)
{
    struct fx *fx = *state;
    struct jt_budgets *front = new_front();
    const struct jt_budget budget = { 1, 0, 640 };
    struct jt_budget_time now = { 0, OF_DAY };
    struct jt_work_ctx ctx = { .vault = &vault, .db = fx->db };
    uint32_t retry_s;
    assert_int_equal(ask(front, fx, &budget, 1, now), JT_BUDGET_TAKEN);
    fx_exec(fx->plain, "DROP TABLE client_budget");
    assert_int_equal(ask(front, fx, &budget, 10, now), JT_BUDGET_TAKEN);
    assert_int_equal(jt_budgets_take(front, "shop", &budget, 1, now, &retry_s), JT_BUDGET_RESERVE);
    assert_int_not_equal(jt_budgets_reserve(front, &ctx, "shop", &budget, 1, now), JT_OK);
    jt_budgets_free(front);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fx_vault_test(a_quota_is_reserved_and_never_exceeded),
        fx_vault_test(a_first_request_beyond_the_quota_reserves_nothing),
        fx_vault_test(old_days_are_forgotten),
        fx_vault_test(two_fronts_together_serve_the_quota),
        fx_vault_test(fronts_that_reserve_at_one_time_get_parts_of_their_own),
        fx_vault_test(what_a_front_holds_is_missing_elsewhere_until_it_stops),
        fx_vault_test(a_day_ends_at_midnight),
        fx_vault_test(another_quota_counts_what_was_used),
        fx_vault_test(too_many_in_a_second_cost_nothing_of_the_day),
        fx_vault_test(without_the_table_what_is_reserved_remains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
