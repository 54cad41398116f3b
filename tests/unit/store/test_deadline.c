/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines in an event loop: met once, moved, cancelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/deadline.h"

struct scene {
    struct jt_loop *loop;
    struct jt_deadline tested, end;
    int64_t start_ms, met_ms;
    int n_met;
};

static void on_met(void *arg, uint32_t events)
{
    struct scene *s = arg;
    assert_int_equal(events, 0);
    s->n_met++;
    s->met_ms = jt_clock_ms() - s->start_ms;
}

static void on_end(void *arg, uint32_t events)
{
    (void)events;
    jt_loop_stop(((struct scene *)arg)->loop);
}

static void begin(struct scene *s)
{
    *s = (struct scene){ .n_met = 0 };
    assert_int_equal(jt_loop_new(&s->loop), JT_OK);
    assert_int_equal(jt_deadline_init(&s->tested, s->loop, on_met, s), JT_OK);
    assert_int_equal(jt_deadline_init(&s->end, s->loop, on_end, s), JT_OK);
    s->start_ms = jt_clock_ms();
}

/* Runs the loop for so long. */
static void run(struct scene *s, int ms)
{
    jt_deadline_set(&s->end, ms);
    assert_int_equal(jt_loop_run(s->loop), JT_OK);
    jt_deadline_clear(&s->tested);
    jt_deadline_clear(&s->end);
    jt_loop_free(s->loop);
}

static void a_deadline_is_met_once(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    jt_deadline_set(&s.tested, 20);
    run(&s, 80);
    assert_int_equal(s.n_met, 1);
    assert_true(s.met_ms >= 20);
}

static void a_deadline_moved_later_is_met_later(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    jt_deadline_set(&s.tested, 10);
    jt_deadline_set(&s.tested, 50);
    run(&s, 100);
    assert_int_equal(s.n_met, 1);
    assert_true(s.met_ms >= 50);
}

static void a_deadline_moved_earlier_is_met_earlier(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    jt_deadline_set(&s.tested, 60000);
    jt_deadline_set(&s.tested, 10);
    run(&s, 60);
    assert_int_equal(s.n_met, 1);
}

static void a_cancelled_deadline_is_not_met_and_can_be_set_again(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    jt_deadline_set(&s.tested, 10);
    jt_deadline_cancel(&s.tested);
    run(&s, 40);
    assert_int_equal(s.n_met, 0);
    begin(&s);
    jt_deadline_set(&s.tested, 10);
    jt_deadline_cancel(&s.tested);
    jt_deadline_set(&s.tested, 30);
    run(&s, 80);
    assert_int_equal(s.n_met, 1);
    assert_true(s.met_ms >= 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_met_once),
        cmocka_unit_test(a_deadline_moved_later_is_met_later),
        cmocka_unit_test(a_deadline_moved_earlier_is_met_earlier),
        cmocka_unit_test(a_cancelled_deadline_is_not_met_and_can_be_set_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
