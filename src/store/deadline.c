/* SPDX-License-Identifier: Apache-2.0 */
#include "store/deadline.h"

#include "base/clock.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void arm(struct jt_deadline *d, int64_t now_ms)
{
    int64_t in = d->due_ms > now_ms ? d->due_ms - now_ms : 1;
    struct itimerspec when = { .it_value = { .tv_sec = in / 1000,
                                             .tv_nsec = in % 1000 * 1000000 } };
    /* cannot fail for a good descriptor and value */
    (void)timerfd_settime(d->timer.fd, 0, &when, NULL);
    d->armed_ms = d->due_ms;
}

static void on_timer(void *arg, uint32_t events)
{
    (void)events;
    struct jt_deadline *d = arg;
    uint64_t fired;
    ssize_t n = read(d->timer.fd, &fired, sizeof fired);
    if (n < 0) {
        return;
    }
    d->armed_ms = 0;
    if (d->due_ms == 0) {
        return;
    }
    int64_t now_ms = jt_clock_ms();
    if (now_ms < d->due_ms) {
        arm(d, now_ms);
    } else {
        d->due_ms = 0;
        d->fn(d->arg, 0);
    }
}

enum jt_err jt_deadline_init(struct jt_deadline *d, struct jt_loop *loop, jt_loop_fn *fn, void *arg)
{
    *d = (struct jt_deadline){ .loop = loop, .fn = fn, .arg = arg };
    d->timer = (struct jt_watch){ .fn = on_timer, .arg = d, .events = EPOLLIN };
    /* the clock of jt_clock_ms */
    d->timer.fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (d->timer.fd < 0) {
        return JT_ERR_IO;
    }
    enum jt_err err = jt_loop_watch(loop, &d->timer);
    if (err != JT_OK) {
        close(d->timer.fd);
        d->timer.fd = -1;
    }
    return err;
}

void jt_deadline_clear(struct jt_deadline *d)
{
    int fd = d->timer.fd;
    if (fd >= 0) {
        jt_loop_unwatch(d->loop, &d->timer);
        close(fd);
    }
}

void jt_deadline_set(struct jt_deadline *d, int in_ms)
{
    int64_t now_ms = jt_clock_ms();
    d->due_ms = now_ms + in_ms;
    if (d->armed_ms == 0 || d->armed_ms > d->due_ms) {
        arm(d, now_ms);
    }
}

void jt_deadline_cancel(struct jt_deadline *d)
{
    d->due_ms = 0;
}
