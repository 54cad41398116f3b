/* SPDX-License-Identifier: Apache-2.0 */
/* A duty comes again when it said, or when there is news; and it ends between two steps. */
#include "base/clock.h"
#include "vault/duty.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LONG_MS 60000

struct counted {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct jt_again again; /* after the first step */
    int n_steps;
};

static struct jt_again step(void *arg)
{
    struct counted *c = arg;
    pthread_mutex_lock(&c->mutex);
    c->n_steps++;
    pthread_cond_broadcast(&c->changed);
    struct jt_again again = c->again;
    pthread_mutex_unlock(&c->mutex);
    return again;
}

static void wait_steps(struct counted *c, int n)
{
    pthread_mutex_lock(&c->mutex);
    while (c->n_steps < n) {
        pthread_cond_wait(&c->changed, &c->mutex);
    }
    pthread_mutex_unlock(&c->mutex);
}

static struct counted counted(struct jt_again again)
{
    return (struct counted){ .mutex = PTHREAD_MUTEX_INITIALIZER,
                             .changed = PTHREAD_COND_INITIALIZER,
                             .again = again };
}

static void it_comes_again_by_itself(void **state)
{
    (void)state;
    struct counted c = counted((struct jt_again){ .ms = 10 });
    struct jt_duty *duty;
    int64_t started_ms = jt_clock_ms();
    assert_int_equal(jt_duty_start(step, &c, &duty), JT_OK);
    wait_steps(&c, 4);
    assert_true(jt_clock_ms() - started_ms >= 30);
    jt_duty_stop(duty);
}

static void news_wake_it_where_it_waits_for_them(void **state)
{
    (void)state;
    struct counted c = counted((struct jt_again){ .ms = LONG_MS, .on_news = true });
    struct jt_duty *duty;
    int64_t started_ms = jt_clock_ms();
    assert_int_equal(jt_duty_start(step, &c, &duty), JT_OK);
    wait_steps(&c, 1);
    jt_duty_nudge(duty);
    wait_steps(&c, 2);
    jt_duty_nudge(duty);
    wait_steps(&c, 3);
    assert_true(jt_clock_ms() - started_ms < LONG_MS / 2);
    jt_duty_stop(duty);
}

static void news_do_not_shorten_a_pause_and_are_kept(void **state)
{
    (void)state;
    struct counted c = counted((struct jt_again){ .ms = 100 });
    struct jt_duty *duty;
    assert_int_equal(jt_duty_start(step, &c, &duty), JT_OK);
    wait_steps(&c, 1);
    int64_t nudged_ms = jt_clock_ms();
    pthread_mutex_lock(&c.mutex);
    c.again = (struct jt_again){ .ms = LONG_MS, .on_news = true };
    pthread_mutex_unlock(&c.mutex);
    jt_duty_nudge(duty);
    wait_steps(&c, 3); /* after the pause, and at once for the news */
    int64_t took_ms = jt_clock_ms() - nudged_ms;
    assert_true(took_ms >= 50 && took_ms < LONG_MS / 2);
    jt_duty_stop(duty);
}

static void a_stop_wakes_it(void **state)
{
    (void)state;
    static const struct jt_again agains[] = { { .ms = LONG_MS }, { .ms = -1 } };
    int64_t started_ms = jt_clock_ms();
    for (size_t i = 0; i < 2; i++) {
        struct counted c = counted(agains[i]);
        struct jt_duty *duty;
        assert_int_equal(jt_duty_start(step, &c, &duty), JT_OK);
        wait_steps(&c, 1);
        jt_duty_stop(duty);
        assert_int_equal(c.n_steps, 1);
    }
    assert_true(jt_clock_ms() - started_ms < LONG_MS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_again_by_itself),
        cmocka_unit_test(news_wake_it_where_it_waits_for_them),
        cmocka_unit_test(news_do_not_shorten_a_pause_and_are_kept),
        cmocka_unit_test(a_stop_wakes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
