/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/throttle.h"

#include <stdlib.h>
#include <string.h>

#define ENOUGH      50   /* batches, to say what is usual or slow */
#define QUIET_PART  20   /* a second is a quiet one if the workers worked for a 20th of it */
#define PART        0.99 /* the percentile */
#define SLOWER_US   500
#define FORGET      0.5 /* of what is now, each second */
#define DOWN        0.6
#define DOWN_LAG    0.5
#define AT_FIRST    0.25
#define UP          1.15
#define UP_BY       0.01
#define CLOSE       0.7 /* to the share at which requests were slow */
#define CLOSE_UP    1.03
#define CLOSE_UP_BY 0.002
#define UP_ALONE    4 /* where nobody asks */
#define UP_ALONE_BY 0.1
#define HARDLY      10 /* batches in a second: hardly any card is asked for */

void jt_throttle_init(struct jt_throttle *t, long per_second, long max_lag_ms)
{
    *t = (struct jt_throttle){ .per_second = per_second,
                               .max_lag_ms = max_lag_ms,
                               .for_latency = 1,
                               .slow_at = 1,
                               .for_lag = 1,
                               .at_first = AT_FIRST };
    pthread_mutex_init(&t->mutex, NULL);
}

void jt_throttle_clear(struct jt_throttle *t)
{
    pthread_mutex_destroy(&t->mutex);
}

size_t jt_throttle_batch(struct jt_throttle *t, size_t max)
{
    size_t n = t->per_second > 0 && (size_t)t->per_second < max ? (size_t)t->per_second : max;
    pthread_mutex_lock(&t->mutex);
    n = t->asked && n > JT_THROTTLE_BRIEF ? JT_THROTTLE_BRIEF : n;
    pthread_mutex_unlock(&t->mutex);
    return n;
}

int64_t jt_throttle_take(struct jt_throttle *t, size_t n, int64_t now_us,
                         enum jt_throttle_reason *why)
{
    *why = JT_THROTTLE_NONE;
    if (t->per_second <= 0) {
        return 0;
    }
    pthread_mutex_lock(&t->mutex);
    int64_t wait_us = t->free_us - now_us;
    if (wait_us <= 0) {
        /* what was not used in the past is not made up for */
        t->free_us = now_us + (int64_t)n * 1000000 / t->per_second;
        wait_us = 0;
    } else {
        *why = JT_THROTTLE_RATE;
    }
    pthread_mutex_unlock(&t->mutex);
    return wait_us;
}

int64_t jt_throttle_rest(struct jt_throttle *t, int64_t took_us, enum jt_throttle_reason *why)
{
    pthread_mutex_lock(&t->mutex);
    t->worked_us += took_us;
    double latency = t->probing > 0 ? JT_THROTTLE_LEAST : t->for_latency;
    double share = latency < t->for_lag ? latency : t->for_lag;
    *why = share >= 1              ? JT_THROTTLE_NONE
           : latency <= t->for_lag ? JT_THROTTLE_LATENCY
                                   : JT_THROTTLE_REPLICATION;
    share = share < t->at_first ? share : t->at_first;
    pthread_mutex_unlock(&t->mutex);
    return (int64_t)((double)took_us * (1 / share - 1));
}

bool jt_throttle_lag_due(struct jt_throttle *t, int64_t now_us)
{
    pthread_mutex_lock(&t->mutex);
    bool is = t->max_lag_ms > 0 && now_us - t->lag_looked_us >= JT_THROTTLE_LOOK_US;
    if (is) {
        t->lag_looked_us = now_us;
    }
    pthread_mutex_unlock(&t->mutex);
    return is;
}

static double fall(double share, double factor)
{
    return share * factor < JT_THROTTLE_LEAST ? JT_THROTTLE_LEAST : share * factor;
}

static double rise(double share)
{
    return share * UP + UP_BY > 1 ? 1 : share * UP + UP_BY;
}

/* Beside requests: see slow_at. */
static double rise_beside(double share, double slow_at)
{
    double quickly = rise(share), slowly = share * CLOSE_UP + CLOSE_UP_BY;
    double next = quickly <= CLOSE * slow_at ? quickly
                  : slowly > CLOSE * slow_at ? slowly
                                             : CLOSE * slow_at;
    return next > 1 ? 1 : next;
}

static double rise_alone(double share)
{
    return share * UP_ALONE + UP_ALONE_BY > 1 ? 1 : share * UP_ALONE + UP_ALONE_BY;
}

/* A quiet second, or several with few requests. */
static void note_quiet(struct jt_throttle *t, const uint64_t counts[static JT_LATENCY_STEPS])
{
    jt_latency_view_add(&t->quiet, 1, t->seen, counts);
    if (t->quiet.n >= ENOUGH) {
        t->usual[t->n_usual++ % JT_THROTTLE_USUAL] = jt_latency_view_quantile(&t->quiet, PART);
        t->quiet = (struct jt_latency_view){ .n = 0 };
    }
}

static int by_size(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double usual_of(const struct jt_throttle *t)
{
    uint64_t sorted[JT_THROTTLE_USUAL];
    size_t n = t->n_usual < JT_THROTTLE_USUAL ? t->n_usual : JT_THROTTLE_USUAL;
    memcpy(sorted, t->usual, sizeof sorted);
    qsort(sorted, n, sizeof sorted[0], by_size);
    return (double)sorted[n / 2];
}

static bool is_slow(const struct jt_throttle *t)
{
    double usual = usual_of(t);
    double now = (double)jt_latency_view_quantile(&t->now, PART);
    return now > usual * JT_THROTTLE_SLOWER && now > usual + SLOWER_US;
}

/* After a second in which the workers worked. */
static void judge(struct jt_throttle *t)
{
    if (!t->asked || t->now.n < ENOUGH) {
        /* there is hardly anybody to disturb */
        t->for_latency = t->asked ? rise(t->for_latency) : rise_alone(t->for_latency);
    } else if (t->n_usual == 0 || ++t->since_probe >= JT_THROTTLE_PROBE_AGE) {
        t->probing = JT_THROTTLE_PROBE;
        t->since_probe = 0;
    } else {
        bool slow = is_slow(t);
        t->slow_at = slow && !t->slow ? t->for_latency : t->slow_at;
        t->slow = slow;
        t->for_latency =
            slow ? fall(t->for_latency, DOWN) : rise_beside(t->for_latency, t->slow_at);
    }
}

/* Whether cards were asked for since the last look, which is so long ago. */
static bool was_asked(const struct jt_throttle *t, uint64_t n, int64_t span_us)
{
    uint64_t more = n > t->n_seen ? n - t->n_seen : 0;
    return more * 1000000 >= HARDLY * (uint64_t)span_us;
}

/* The share of who begins, or goes on beside requests that begin. */
static void note_first(struct jt_throttle *t, bool asked)
{
    t->slow_at = asked ? t->slow_at : 1;
    if (t->worked_us == 0 || (asked && !t->asked)) {
        t->at_first = AT_FIRST;
    } else {
        t->at_first = asked ? rise(t->at_first) : rise_alone(t->at_first);
    }
    t->asked = asked;
}

void jt_throttle_look(struct jt_throttle *t, const uint64_t counts[static JT_LATENCY_STEPS],
                      uint64_t n, int64_t now_us)
{
    pthread_mutex_lock(&t->mutex);
    int64_t span_us = now_us - t->looked_us;
    if (span_us >= JT_THROTTLE_LOOK_US) {
        bool quiet = t->worked_us * QUIET_PART <= span_us;
        bool at_work = !quiet && t->probing == 0;
        note_first(t, was_asked(t, n, span_us));
        jt_latency_view_add(&t->now, FORGET, t->seen, at_work ? counts : t->seen);
        if (quiet) {
            note_quiet(t, counts);
        }
        t->probing -= t->probing > 0;
        if (at_work) {
            judge(t);
        } else if (quiet) {
            t->for_latency =
                t->asked ? rise_beside(t->for_latency, t->slow_at) : rise_alone(t->for_latency);
        }
        memcpy(t->seen, counts, sizeof t->seen);
        t->n_seen = n;
        t->worked_us = 0;
        t->looked_us = now_us;
    }
    pthread_mutex_unlock(&t->mutex);
}

/* The end of the WAL of now, unless the last mark is still a fresh one. */
static void mark_lsn(struct jt_throttle *t, uint64_t lsn, int64_t now_us)
{
    int64_t apart_us = t->max_lag_ms * 1000 / (JT_THROTTLE_MARKS / 2);
    if (t->n_marks > 0 && now_us - t->marks[t->n_marks - 1].at_us < apart_us) {
        return;
    }
    if (t->n_marks == JT_THROTTLE_MARKS) {
        t->n_marks--;
        memmove(t->marks, t->marks + 1, t->n_marks * sizeof t->marks[0]);
    }
    t->marks[t->n_marks].at_us = now_us;
    t->marks[t->n_marks++].lsn = lsn;
}

/* For how long at least a standby has been behind, by the marks. */
static int64_t behind_ms(const struct jt_throttle *t, uint64_t replayed, int64_t now_us)
{
    size_t i = 0;
    while (i < t->n_marks && t->marks[i].lsn <= replayed) {
        i++;
    }
    return i == t->n_marks ? 0 : (now_us - t->marks[i].at_us) / 1000;
}

void jt_throttle_lag(struct jt_throttle *t, const struct jt_replication *seen, int64_t now_us)
{
    pthread_mutex_lock(&t->mutex);
    bool behind = false;
    if (t->max_lag_ms > 0 && seen->n_seen > 0) {
        mark_lsn(t, seen->lsn, now_us);
        behind =
            seen->lag_ms > t->max_lag_ms || behind_ms(t, seen->replayed, now_us) > t->max_lag_ms;
    }
    t->for_lag = behind ? fall(t->for_lag, DOWN_LAG) : rise(t->for_lag);
    pthread_mutex_unlock(&t->mutex);
}
