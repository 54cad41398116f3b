/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the workers of a retirement may go on this node. Any thread.
 *
 * [retirement] rate is a ceiling over all of them. Below it they give way by themselves: they may
 * work for a share of their time, which falls when requests for cards take longer than without them
 * or when a standby is behind, and rises again by and by.
 *
 * Latency: once a second the batches of the request path are looked at, by their 99th percentile.
 * Seconds in which the workers hardly worked say what is usual: the median of the last 31 of them.
 * The others are compared with that, the last few together. Where they are slower by more than
 * JT_THROTTLE_SLOWER, and by half a millisecond, the share falls to 0.6 of what it was; else it
 * rises: quickly up to 0.7 of the share at which requests became slow last, and slowly from there
 * on, so that most seconds are spent below it. It never falls below a fiftieth; while it is that
 * low, seconds count as usual ones. So where requests have become slow for another reason, what is
 * usual follows within half a minute, and the workers come back. The other way round: after each
 * two minutes of work they hold back for three seconds, to see what is usual. They begin with that
 * if they do not know it.
 *
 * While cards are asked for, a batch has JT_THROTTLE_BRIEF rows at most, because what comes
 * meanwhile waits for it. Where hardly any card is asked for, nobody is disturbed: batches are as
 * large as they may be, and in three seconds the workers are at their full share. Whoever begins to
 * work begins with a quarter, and so does everybody when requests come again: they are not to be
 * held up before it is seen that they are.
 *
 * Replication: the share halves each second in which a standby is further behind than [retirement]
 * max_lag_ms: by what the server says of it, which says nothing of one that replays nothing at all,
 * or because it has not replayed what was the end of the WAL so long ago.
 */
#ifndef JETON_VAULT_THROTTLE_H
#define JETON_VAULT_THROTTLE_H

#include "base/latency.h"
#include "model/retirement.h"
#include "store/replication.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JT_THROTTLE_SLOWER    1.3
#define JT_THROTTLE_LEAST     0.02
#define JT_THROTTLE_BRIEF     100
#define JT_THROTTLE_LOOK_US   1000000
#define JT_THROTTLE_PROBE     3  /* looks, of which the first sees what was before */
#define JT_THROTTLE_USUAL     31 /* quiet seconds are remembered */
#define JT_THROTTLE_MARKS     64
#define JT_THROTTLE_PROBE_AGE 120 /* after so many looks at work */

struct jt_throttle {
    pthread_mutex_t mutex; /* of what follows */
    long per_second;       /* 0: any number */
    long max_lag_ms;       /* 0: lag does not matter */
    int64_t free_us;       /* by jt_clock_us: from then on the next batch may begin */

    int64_t looked_us, lag_looked_us;
    int64_t worked_us; /* by all workers since the last look */
    uint64_t seen[JT_LATENCY_STEPS], n_seen;
    struct jt_latency_view now, quiet;
    uint64_t usual[JT_THROTTLE_USUAL]; /* percentiles of quiet seconds, n_usual of them so far */
    size_t n_usual;
    double for_latency, for_lag, at_first; /* shares */
    double slow_at; /* the share at which requests became slow last; 1: none */
    bool slow;      /* they are */
    int probing, since_probe;
    bool asked; /* in the last look cards were asked for */
    struct {
        int64_t at_us;
        uint64_t lsn;
    } marks[JT_THROTTLE_MARKS]; /* where the WAL was when, the oldest first */
    size_t n_marks;
};

void jt_throttle_init(struct jt_throttle *t, long per_second, long max_lag_ms);
void jt_throttle_clear(struct jt_throttle *t);

/* The size of a batch: of one that takes a second at most where there is a ceiling. */
size_t jt_throttle_batch(struct jt_throttle *t, size_t max);

/*
 * Whether a batch of `n` may begin at `now_us`. 0: it may, and is counted; else how long to wait in
 * microseconds, and *why.
 */
int64_t jt_throttle_take(struct jt_throttle *t, size_t n, int64_t now_us,
                         enum jt_throttle_reason *why);

/* A worker's batch took so long: how long that worker rests before its next one, and *why. */
int64_t jt_throttle_rest(struct jt_throttle *t, int64_t took_us, enum jt_throttle_reason *why);

/*
 * What the request path did until now: its latencies, of small batches, and how many batches of any
 * size. A look within the second after the last one is none.
 */
void jt_throttle_look(struct jt_throttle *t, const uint64_t counts[static JT_LATENCY_STEPS],
                      uint64_t n, int64_t now_us);

/* True once a second where lag matters: the caller is to ask for it, and nobody else does. */
bool jt_throttle_lag_due(struct jt_throttle *t, int64_t now_us);

/* How standbys stand. Those that cannot be seen hold nobody back. */
void jt_throttle_lag(struct jt_throttle *t, const struct jt_replication *seen, int64_t now_us);

#endif
