/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a retirement may go, by a clock of the test's own. */
#include "vault/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND 1000000

/* A throttle, the request path as it sees it, and a worker that always has something to do. */
struct scene {
    struct jt_throttle t;
    struct jt_latency path;
    uint64_t n;
    int64_t now_us;
    double share; /* of the last second that the worker worked */
    enum jt_throttle_reason why;
};

static int open_scene(void **state)
{
    static struct scene s;
    s = (struct scene){ .now_us = 100 * (int64_t)SECOND };
    jt_throttle_init(&s.t, 0, 5000);
    s.t.looked_us = s.now_us;
    *state = &s;
    return 0;
}

static int close_scene(void **state)
{
    jt_throttle_clear(&((struct scene *)*state)->t);
    return 0;
}

static void note(struct scene *s, int n, uint64_t us)
{
    for (int i = 0; i < n; i++) {
        jt_latency_note(&s->path, us);
    }
    s->n += (uint64_t)n;
}

static void look(struct scene *s)
{
    uint64_t counts[JT_LATENCY_STEPS] = { 0 };
    jt_latency_add(counts, &s->path);
    jt_throttle_look(&s->t, counts, s->n, s->now_us);
}

/* One second, in which `n` batches of the request path took so long, and the worker works or not.
 */
static void second(struct scene *s, int n, uint64_t us, bool works)
{
    const int64_t batch_us = 5000;
    int64_t until_us = s->now_us + SECOND, worked_us = 0, at_us = s->now_us;
    while (works && at_us < until_us) {
        int64_t rest_us = jt_throttle_rest(&s->t, batch_us, &s->why);
        worked_us += batch_us;
        at_us += batch_us + rest_us;
    }
    s->share = (double)worked_us / SECOND;
    note(s, n, us);
    s->now_us = until_us;
    look(s);
}

static void nobody_is_disturbed_where_nobody_asks(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 300; i++) {
        second(s, i % 3, 1000000, true);
        assert_true(i > 0 || s->share < 0.3); /* it begins with a quarter */
        assert_true(i < 3 || s->share > 0.9);
    }
    assert_int_equal(s->why, JT_THROTTLE_NONE);
    assert_int_equal(jt_throttle_batch(&s->t, 500), 500);
}

static void it_is_alone_within_three_seconds_when_requests_end(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 20; i++) {
        second(s, 500, 2000, false);
    }
    for (int i = 0; i < 12; i++) {
        second(s, 500, 9000, true);
    }
    assert_true(s->share < 0.1);
    for (int i = 0; i < 4; i++) {
        second(s, 0, 0, true);
    }
    assert_true(s->share > 0.9);
    assert_int_equal(jt_throttle_batch(&s->t, 500), 500);
    second(s, 500, 2000, true); /* they come again: a look later it goes on with a quarter */
    second(s, 500, 2000, true);
    assert_true(s->share < 0.35);
}

static void beside_requests_batches_are_brief(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 20; i++) {
        second(s, 500, 2000, false);
    }
    second(s, 500, 2000, true);
    assert_int_equal(jt_throttle_batch(&s->t, 500), JT_THROTTLE_BRIEF);
    assert_int_equal(jt_throttle_batch(&s->t, 30), 30);
    second(s, 9, 2000, true);
    assert_int_equal(jt_throttle_batch(&s->t, 500), 500);
}

/* Large batches are not judged by their time, but somebody asks for cards. */
static void beside_large_batches_it_is_not_alone(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 3; i++) {
        s->n += 20;
        second(s, 0, 0, true);
        assert_int_equal(jt_throttle_batch(&s->t, 500), JT_THROTTLE_BRIEF);
    }
    assert_true(s->share < 0.5);
    second(s, 0, 0, true);
    assert_int_equal(jt_throttle_batch(&s->t, 500), 500);
}

static void it_gives_way_to_requests_that_became_slower_and_comes_back(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 20; i++) {
        second(s, 500, 2000, false);
    }
    for (int i = 0; i < 10; i++) {
        second(s, 500, 2200, true); /* a little slower: not the worker's business */
    }
    assert_true(s->share > 0.9 && s->why == JT_THROTTLE_NONE);
    for (int i = 0; i < 12; i++) {
        second(s, 500, 4000, true);
        assert_true(i < 7 || s->share < 0.1);
        assert_true(i < 1 || s->why == JT_THROTTLE_LATENCY);
    }
    double after_15 = 0;
    for (int i = 0; i < 60; i++) {
        second(s, 500, 2000, true);
        after_15 = i == 14 ? s->share : after_15;
    }
    assert_true(after_15 > 0.15); /* near to where they became slow it is careful */
    assert_true(s->share > 0.9 && s->why == JT_THROTTLE_NONE);
}

static void what_is_slow_for_another_reason_becomes_usual(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 20; i++) {
        second(s, 500, 2000, false);
    }
    /* From here on whatever the worker does: requests take four times as long. */
    double worked = 0;
    for (int i = 0; i < 600; i++) {
        second(s, 500, 8000, true);
        worked += i >= 300 ? s->share : 0;
    }
    assert_true(worked > 300 * 0.8);
}

static void without_knowing_what_is_usual_it_looks_first(void **state)
{
    struct scene *s = *state;
    second(s, 500, 3000, true);
    for (int i = 0; i < JT_THROTTLE_PROBE; i++) {
        second(s, 500, 2000, true);
        assert_true(s->share < 0.05 && s->why == JT_THROTTLE_LATENCY);
    }
    for (int i = 0; i < 20; i++) {
        second(s, 500, 2100, true);
    }
    assert_true(s->share > 0.9);
}

static void it_gives_way_to_a_standby_that_says_it_is_behind(void **state)
{
    struct scene *s = *state;
    struct jt_replication seen = { .n_seen = 2, .lag_ms = 5001, .lsn = 9, .replayed = 9 };
    for (int i = 0; i < 5; i++) {
        assert_true(jt_throttle_lag_due(&s->t, s->now_us));
        assert_false(jt_throttle_lag_due(&s->t, s->now_us)); /* one asks */
        jt_throttle_lag(&s->t, &seen, s->now_us);
        second(s, 0, 0, true);
    }
    assert_true(s->share < 0.05);
    assert_int_equal(s->why, JT_THROTTLE_REPLICATION);
    seen.lag_ms = 5000;
    for (int i = 0; i < 40; i++) {
        jt_throttle_lag(&s->t, &seen, s->now_us);
        second(s, 0, 0, true);
    }
    assert_true(s->share > 0.9 && s->why == JT_THROTTLE_NONE);
    struct jt_throttle careless;
    jt_throttle_init(&careless, 0, 0);
    assert_false(jt_throttle_lag_due(&careless, s->now_us));
    seen.lag_ms = 1000000;
    jt_throttle_lag(&careless, &seen, s->now_us);
    assert_int_equal(jt_throttle_rest(&careless, 1000, &s->why), 3000); /* a quarter at first */
    assert_int_equal(s->why, JT_THROTTLE_NONE);
    jt_throttle_clear(&careless);
}

/* The server says nothing of one that has replayed nothing since it came. */
static void it_gives_way_to_a_standby_that_stands_still(void **state)
{
    struct scene *s = *state;
    struct jt_replication seen = { .n_seen = 1, .lsn = 1000, .replayed = 1000 };
    for (int i = 0; i < 100; i++) {
        jt_throttle_lag(&s->t, &seen, s->now_us);
        second(s, 0, 0, true);
        seen.lsn += 1000;
        seen.replayed = seen.lsn - 4000; /* always four seconds behind */
    }
    assert_true(s->share > 0.9);
    for (int i = 0; i < 12; i++) {
        jt_throttle_lag(&s->t, &seen, s->now_us);
        second(s, 0, 0, true);
        seen.lsn += 1000;
    }
    assert_true(s->share < 0.1 && s->why == JT_THROTTLE_REPLICATION);
    seen.n_seen = 0; /* it went away */
    for (int i = 0; i < 40; i++) {
        jt_throttle_lag(&s->t, &seen, s->now_us);
        second(s, 0, 0, true);
    }
    assert_true(s->share > 0.9);
}

static void the_rate_is_one_for_all_and_is_not_saved_up(void **state)
{
    (void)state;
    struct jt_throttle t;
    enum jt_throttle_reason why;
    jt_throttle_init(&t, 1000, 0);
    assert_int_equal(jt_throttle_batch(&t, 5000), 1000);
    assert_int_equal(jt_throttle_batch(&t, 500), 500);
    assert_int_equal(jt_throttle_take(&t, 500, 10 * SECOND, &why), 0);
    assert_int_equal(jt_throttle_take(&t, 500, 10 * SECOND, &why), SECOND / 2);
    assert_int_equal(why, JT_THROTTLE_RATE);
    assert_int_equal(jt_throttle_take(&t, 500, 10 * SECOND + SECOND / 2, &why), 0);
    assert_int_equal(why, JT_THROTTLE_NONE);
    assert_int_equal(jt_throttle_take(&t, 500, 20 * SECOND, &why), 0);
    assert_int_equal(jt_throttle_take(&t, 500, 20 * SECOND, &why), SECOND / 2);
    jt_throttle_clear(&t);
}

#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_SCENE(nobody_is_disturbed_where_nobody_asks),
        IN_A_SCENE(it_is_alone_within_three_seconds_when_requests_end),
        IN_A_SCENE(beside_requests_batches_are_brief),
        IN_A_SCENE(beside_large_batches_it_is_not_alone),
        IN_A_SCENE(it_gives_way_to_requests_that_became_slower_and_comes_back),
        IN_A_SCENE(what_is_slow_for_another_reason_becomes_usual),
        IN_A_SCENE(without_knowing_what_is_usual_it_looks_first),
        IN_A_SCENE(it_gives_way_to_a_standby_that_says_it_is_behind),
        IN_A_SCENE(it_gives_way_to_a_standby_that_stands_still),
        cmocka_unit_test(the_rate_is_one_for_all_and_is_not_saved_up),
    };
    return cmocka_run_group_tests_name("vault/throttle", tests, NULL, NULL);
}
