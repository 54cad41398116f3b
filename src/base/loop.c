/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_A_ROUND 128
#define MAX_TIMERS     16
#define MAX_AFTER      8

struct timer {
    jt_loop_fn *fn;
    void *arg;
    int every_ms;
    int64_t due_ms;
};

struct callback {
    jt_loop_fn *fn;
    void *arg;
};

struct jt_loop {
    int epoll_fd;
    bool stopping, again;
    bool in_round;
    uint64_t n_rounds;
    struct epoll_event ready[EVENTS_A_ROUND];
    int n_ready;
    struct timer timers[MAX_TIMERS];
    int n_timers;
    struct callback after[MAX_AFTER];
    int n_after;
    struct jt_watch wake;
    struct callback on_wake;
};

static void on_wake_fd(void *arg, uint32_t events)
{
    (void)events;
    struct jt_loop *loop = arg;
    uint64_t count;
    ssize_t n = read(loop->wake.fd, &count, sizeof count);
    if (n > 0 && loop->on_wake.fn != NULL) {
        loop->on_wake.fn(loop->on_wake.arg, 0);
    }
}

enum jt_err jt_loop_new(struct jt_loop **out)
{
    *out = NULL;
    struct jt_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return JT_ERR_NOMEM;
    }
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = (struct jt_watch){ .fn = on_wake_fd, .arg = loop, .events = EPOLLIN };
    loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->wake.fd < 0 || jt_loop_watch(loop, &loop->wake) != JT_OK) {
        jt_loop_free(loop);
        return JT_ERR_IO;
    }
    *out = loop;
    return JT_OK;
}

void jt_loop_free(struct jt_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    if (loop->wake.fd >= 0) {
        close(loop->wake.fd);
    }
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    free(loop);
}

enum jt_err jt_loop_watch(struct jt_loop *loop, struct jt_watch *w)
{
    struct epoll_event e = { .events = w->events, .data.ptr = w };
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, w->fd, &e) == 0 ? JT_OK : JT_ERR_IO;
}

void jt_loop_set_events(struct jt_loop *loop, struct jt_watch *w, uint32_t events)
{
    if (w->fd < 0 || w->events == events) {
        return;
    }
    w->events = events;
    struct epoll_event e = { .events = events, .data.ptr = w };
    /* cannot fail for a watched descriptor */
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, w->fd, &e);
}

void jt_loop_unwatch(struct jt_loop *loop, struct jt_watch *w)
{
    if (w->fd >= 0) {
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    }
    w->fd = -1;
    for (int i = 0; i < loop->n_ready; i++) {
        if (loop->ready[i].data.ptr == w) {
            /* an event already fetched must not reach a dead owner */
            loop->ready[i].data.ptr = NULL;
        }
    }
}

enum jt_err jt_loop_every(struct jt_loop *loop, int every_ms, jt_loop_fn *fn, void *arg)
{
    if (loop->n_timers == MAX_TIMERS) {
        return JT_ERR_LIMIT;
    }
    loop->timers[loop->n_timers++] = (struct timer){ fn, arg, every_ms, jt_clock_ms() + every_ms };
    return JT_OK;
}

enum jt_err jt_loop_after_round(struct jt_loop *loop, jt_loop_fn *fn, void *arg)
{
    if (loop->n_after == MAX_AFTER) {
        return JT_ERR_LIMIT;
    }
    loop->after[loop->n_after++] = (struct callback){ fn, arg };
    return JT_OK;
}

uint64_t jt_loop_round(const struct jt_loop *loop)
{
    return loop->in_round ? loop->n_rounds : 0;
}

void jt_loop_wake(struct jt_loop *loop)
{
    int saved = errno; /* a signal handler may be the caller */
    uint64_t one = 1;
    /* fails only when a wake is pending already */
    ssize_t n = write(loop->wake.fd, &one, sizeof one);
    (void)n;
    errno = saved;
}

void jt_loop_on_wake(struct jt_loop *loop, jt_loop_fn *fn, void *arg)
{
    loop->on_wake = (struct callback){ fn, arg };
}

static void run_timers(struct jt_loop *loop)
{
    for (int i = 0; i < loop->n_timers; i++) {
        struct timer *t = &loop->timers[i];
        int64_t now = jt_clock_ms();
        if (now >= t->due_ms) {
            t->due_ms = now + t->every_ms;
            t->fn(t->arg, 0);
        }
    }
}

/* Milliseconds until the next timer, 0 when one is due already, -1 when there is none. */
static int until_next_timer(const struct jt_loop *loop)
{
    int64_t now = jt_clock_ms(); /* read after the callbacks: they may have taken long */
    int wait = -1;
    for (int i = 0; i < loop->n_timers; i++) {
        int64_t left = loop->timers[i].due_ms - now;
        left = left < 0 ? 0 : left;
        if (wait < 0 || left < wait) {
            wait = (int)left;
        }
    }
    return wait;
}

enum jt_err jt_loop_run(struct jt_loop *loop)
{
    while (!loop->stopping) {
        run_timers(loop);
        if (loop->stopping) {
            break;
        }
        int wait = loop->again ? 0 : until_next_timer(loop);
        loop->again = false;
        loop->n_ready = epoll_wait(loop->epoll_fd, loop->ready, EVENTS_A_ROUND, wait);
        if (loop->n_ready < 0) {
            loop->n_ready = 0;
            if (errno != EINTR) {
                return JT_ERR_IO;
            }
        }
        loop->n_rounds++;
        loop->in_round = true;
        for (int i = 0; i < loop->n_ready; i++) {
            struct jt_watch *w = loop->ready[i].data.ptr;
            if (w != NULL) {
                w->fn(w->arg, loop->ready[i].events);
            }
        }
        loop->n_ready = 0;
        for (int i = 0; i < loop->n_after; i++) {
            loop->after[i].fn(loop->after[i].arg, 0);
        }
        loop->in_round = false;
    }
    return JT_OK;
}

void jt_loop_again(struct jt_loop *loop)
{
    loop->again = true;
}

void jt_loop_stop(struct jt_loop *loop)
{
    loop->stopping = true;
}
