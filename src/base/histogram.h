/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and histograms with one writer, an event loop, and any readers. No lock and no locked
 * instruction: the writer loads and stores, and a reader gets each number whole, if not all of one
 * moment.
 */
#ifndef JETON_BASE_HISTOGRAM_H
#define JETON_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t jt_figure;

static inline void jt_figure_set(jt_figure *figure, uint64_t value)
{
    atomic_store_explicit(figure, value, memory_order_relaxed);
}

static inline uint64_t jt_figure_get(const jt_figure *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

static inline void jt_figure_add(jt_figure *figure, uint64_t n)
{
    jt_figure_set(figure, jt_figure_get(figure) + n);
}

#define JT_HISTOGRAM_BOUNDS_MAX 15

/* The upper bounds of all buckets but the last, which has none. */
struct jt_bounds {
    size_t n;
    uint64_t at[JT_HISTOGRAM_BOUNDS_MAX];
};

extern const struct jt_bounds jt_bounds_us;    /* 250 us to 10 s */
extern const struct jt_bounds jt_bounds_items; /* 1 to 2,048 */

struct jt_histogram { /* zeroes: nothing yet */
    jt_figure counts[JT_HISTOGRAM_BOUNDS_MAX + 1];
    jt_figure sum;
};

void jt_histogram_note(struct jt_histogram *h, const struct jt_bounds *bounds, uint64_t value);

/* Adds what `h` holds to `sum`, which is the caller's own. */
void jt_histogram_add(struct jt_histogram *sum, const struct jt_histogram *h);

#endif
