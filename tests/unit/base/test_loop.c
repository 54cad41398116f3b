/* SPDX-License-Identifier: Apache-2.0 */
/* base/loop.h: real pipes, no sleeps; each test stops its loop from a callback. */
#include "base/clock.h"
#include "base/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

struct pipe_watch {
    struct jt_watch watch;
    struct jt_loop *loop;
    int write_end;
    int calls;
    uint32_t seen;
    struct pipe_watch *victim; /* unwatched by the first callback */
};

static int set_up(void **state)
{
    struct jt_loop *loop;
    int err = jt_loop_new(&loop);
    *state = loop;
    return err;
}

static int tear_down(void **state)
{
    jt_loop_free(*state);
    return 0;
}

static void on_pipe(void *arg, uint32_t events)
{
    struct pipe_watch *p = arg;
    p->calls++;
    p->seen |= events;
    if (p->victim != NULL) {
        jt_loop_unwatch(p->loop, &p->victim->watch);
    }
    jt_loop_stop(p->loop);
}

static void open_pipe(struct jt_loop *loop, struct pipe_watch *p)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *p = (struct pipe_watch){ .loop = loop, .write_end = ends[1] };
    p->watch = (struct jt_watch){ .fn = on_pipe, .arg = p, .fd = ends[0], .events = EPOLLIN };
    assert_int_equal(jt_loop_watch(loop, &p->watch), JT_OK);
}

static void close_pipe(struct jt_loop *loop, struct pipe_watch *p)
{
    int read_end = p->watch.fd;
    jt_loop_unwatch(loop, &p->watch);
    jt_loop_unwatch(loop, &p->watch);
    if (read_end >= 0) {
        close(read_end);
    }
    close(p->write_end);
}

static void readable_descriptor_is_called_back(void **state)
{
    struct jt_loop *loop = *state;
    struct pipe_watch p;
    open_pipe(loop, &p);
    assert_int_equal(write(p.write_end, "x", 1), 1);
    assert_int_equal(jt_loop_run(loop), JT_OK);
    assert_int_equal(p.calls, 1);
    assert_int_equal(p.seen, EPOLLIN);
    close_pipe(loop, &p);
}

/* Both are ready in one round; whichever comes first removes the other. */
static void an_unwatched_descriptor_gets_no_event_already_fetched(void **state)
{
    struct jt_loop *loop = *state;
    struct pipe_watch a, b;
    open_pipe(loop, &a);
    open_pipe(loop, &b);
    int fds[2] = { a.watch.fd, b.watch.fd };
    a.victim = &b;
    b.victim = &a;
    assert_int_equal(write(a.write_end, "x", 1), 1);
    assert_int_equal(write(b.write_end, "x", 1), 1);
    assert_int_equal(jt_loop_run(loop), JT_OK);
    assert_int_equal(a.calls + b.calls, 1);
    assert_int_equal(a.calls == 1 ? b.watch.fd : a.watch.fd, -1);
    close(a.write_end);
    close(b.write_end);
    jt_loop_unwatch(loop, &a.watch);
    jt_loop_unwatch(loop, &b.watch);
    close(fds[0]);
    close(fds[1]);
}

static void stop_loop(void *arg, uint32_t events)
{
    (void)events;
    jt_loop_stop(arg);
}

static void silenced_descriptor_still_tells_a_hang_up(void **state)
{
    struct jt_loop *loop = *state;
    struct pipe_watch p;
    open_pipe(loop, &p);
    jt_loop_set_events(loop, &p.watch, 0);
    assert_int_equal(write(p.write_end, "x", 1), 1);
    assert_int_equal(jt_loop_every(loop, 1, stop_loop, loop), JT_OK);
    assert_int_equal(jt_loop_run(loop), JT_OK);
    assert_int_equal(p.calls, 0);
    close_pipe(loop, &p);

    struct jt_loop *second;
    assert_int_equal(jt_loop_new(&second), JT_OK);
    open_pipe(second, &p);
    jt_loop_set_events(second, &p.watch, 0);
    close(p.write_end);
    assert_int_equal(jt_loop_run(second), JT_OK);
    assert_int_equal(p.seen, EPOLLHUP);
    p.write_end = dup(0);
    close_pipe(second, &p);
    jt_loop_free(second);
}

struct ticks {
    struct jt_loop *loop;
    int timer, after;
};

static void on_tick(void *arg, uint32_t events)
{
    struct ticks *t = arg;
    assert_int_equal(events, 0);
    if (++t->timer == 5) {
        jt_loop_stop(t->loop);
    }
}

static void on_after(void *arg, uint32_t events)
{
    struct ticks *t = arg;
    assert_int_equal(events, 0);
    t->after++;
}

static void timers_keep_their_period_and_rounds_end_in_the_hook(void **state)
{
    struct ticks t = { .loop = *state };
    assert_int_equal(jt_loop_every(t.loop, 3, on_tick, &t), JT_OK);
    assert_int_equal(jt_loop_after_round(t.loop, on_after, &t), JT_OK);
    int64_t from = jt_clock_ms();
    assert_int_equal(jt_loop_run(t.loop), JT_OK);
    assert_true(jt_clock_ms() - from >= 14); /* milliseconds are cut off, hence not 15 */
    assert_int_equal(t.timer, 5);
    assert_true(t.after >= 4);
}

static void after_the_second_round(void *arg, uint32_t events)
{
    (void)events;
    static int rounds;
    if (++rounds == 2) {
        jt_loop_stop(arg);
    } else {
        /* there is no timer and no event: without it the loop would wait for ever */
        jt_loop_again(arg);
    }
}

static void the_next_round_follows_at_once_when_asked(void **state)
{
    struct jt_loop *loop = *state;
    assert_int_equal(jt_loop_after_round(loop, after_the_second_round, loop), JT_OK);
    jt_loop_again(loop);
    assert_int_equal(jt_loop_run(loop), JT_OK);
}

static void tables_are_bounded(void **state)
{
    struct jt_loop *loop = *state;
    for (int i = 0; i < 16; i++) {
        assert_int_equal(jt_loop_every(loop, 1000, stop_loop, loop), JT_OK);
    }
    assert_int_equal(jt_loop_every(loop, 1000, stop_loop, loop), JT_ERR_LIMIT);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(jt_loop_after_round(loop, stop_loop, loop), JT_OK);
    }
    assert_int_equal(jt_loop_after_round(loop, stop_loop, loop), JT_ERR_LIMIT);
}

static void *wake_thrice(void *loop)
{
    jt_loop_wake(loop);
    jt_loop_wake(loop);
    jt_loop_wake(loop);
    return NULL;
}

static void another_thread_wakes_the_loop(void **state)
{
    struct jt_loop *loop = *state;
    jt_loop_on_wake(loop, stop_loop, loop);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_thrice, loop), 0);
    assert_int_equal(jt_loop_run(loop), JT_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_bad_descriptor_is_refused(void **state)
{
    struct jt_watch w = { .fn = stop_loop, .fd = -1, .events = EPOLLIN };
    assert_int_equal(jt_loop_watch(*state, &w), JT_ERR_IO);
    jt_loop_unwatch(*state, &w);
    jt_loop_set_events(*state, &w, EPOLLOUT);
    jt_loop_free(NULL);
}

struct rounds {
    struct jt_loop *loop;
    uint64_t in_event, in_hook, in_timer;
    int n_timers;
};

static void note_event(void *arg, uint32_t events)
{
    (void)events;
    struct rounds *r = arg;
    r->in_event = jt_loop_round(r->loop);
}

static void note_hook(void *arg, uint32_t events)
{
    (void)events;
    struct rounds *r = arg;
    r->in_hook = jt_loop_round(r->loop);
}

static void note_timer(void *arg, uint32_t events)
{
    (void)events;
    struct rounds *r = arg;
    r->in_timer = jt_loop_round(r->loop);
    if (++r->n_timers == 2) {
        jt_loop_stop(r->loop);
    }
}

static void a_round_has_a_number_from_its_events_to_its_hooks(void **state)
{
    struct rounds r = { .loop = *state, .in_timer = 99 };
    jt_loop_on_wake(r.loop, note_event, &r);
    assert_int_equal(jt_loop_after_round(r.loop, note_hook, &r), JT_OK);
    assert_int_equal(jt_loop_every(r.loop, 1, note_timer, &r), JT_OK);
    assert_int_equal(jt_loop_round(r.loop), 0);
    jt_loop_wake(r.loop);
    assert_int_equal(jt_loop_run(r.loop), JT_OK);
    assert_true(r.in_event > 0 && r.in_hook >= r.in_event);
    assert_int_equal(r.in_timer, 0);
    assert_int_equal(jt_loop_round(r.loop), 0);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(readable_descriptor_is_called_back),
        WITH_LOOP(an_unwatched_descriptor_gets_no_event_already_fetched),
        WITH_LOOP(silenced_descriptor_still_tells_a_hang_up),
        WITH_LOOP(timers_keep_their_period_and_rounds_end_in_the_hook),
        WITH_LOOP(the_next_round_follows_at_once_when_asked),
        WITH_LOOP(tables_are_bounded),
        WITH_LOOP(another_thread_wakes_the_loop),
        WITH_LOOP(a_bad_descriptor_is_refused),
        WITH_LOOP(a_round_has_a_number_from_its_events_to_its_hooks),
    };
    return cmocka_run_group_tests_name("base/loop", tests, NULL, NULL);
}
