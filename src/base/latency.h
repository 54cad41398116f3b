/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latencies in steps fine enough to see that one is a fifth longer: eight to each power of two, up
 * to 16 seconds. One writer, any readers, no lock (base/histogram.h). A reader keeps a view, in
 * which what is longer ago counts less.
 */
#ifndef JETON_BASE_LATENCY_H
#define JETON_BASE_LATENCY_H

#include "base/histogram.h"

#define JT_LATENCY_PER_OCTAVE 8
#define JT_LATENCY_STEPS      (JT_LATENCY_PER_OCTAVE * 24)

struct jt_latency { /* zeroes: nothing yet */
    jt_figure counts[JT_LATENCY_STEPS];
};

/* Which step it is of, and the upper bound of a step. */
size_t jt_latency_step(uint64_t us);
uint64_t jt_latency_bound(size_t step);

void jt_latency_note(struct jt_latency *l, uint64_t us);

/* Adds what `l` holds to `sum`. */
void jt_latency_add(uint64_t sum[static JT_LATENCY_STEPS], const struct jt_latency *l);

struct jt_latency_view { /* zeroes: nothing yet */
    double counts[JT_LATENCY_STEPS];
    double n;
};

/* What is there counts `factor` times; then the counts from `before` to `now` come. */
void jt_latency_view_add(struct jt_latency_view *v, double factor,
                         const uint64_t before[static JT_LATENCY_STEPS],
                         const uint64_t now[static JT_LATENCY_STEPS]);

/* The bound below which `part` of all are, 0 to 1; 0 where there are none. */
uint64_t jt_latency_view_quantile(const struct jt_latency_view *v, double part);

#endif
