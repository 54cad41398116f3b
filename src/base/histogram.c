/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

const struct jt_bounds jt_bounds_us = { 15,
                                        { 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
                                          250000, 500000, 1000000, 2500000, 5000000, 10000000 } };
const struct jt_bounds jt_bounds_items = { 12,
                                           { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048 } };

void jt_histogram_note(struct jt_histogram *h, const struct jt_bounds *bounds, uint64_t value)
{
    size_t i = 0;
    while (i < bounds->n && value > bounds->at[i]) {
        i++;
    }
    jt_figure_add(&h->counts[i], 1);
    jt_figure_add(&h->sum, value);
}

void jt_histogram_add(struct jt_histogram *sum, const struct jt_histogram *h)
{
    for (size_t i = 0; i <= JT_HISTOGRAM_BOUNDS_MAX; i++) {
        jt_figure_add(&sum->counts[i], jt_figure_get(&h->counts[i]));
    }
    jt_figure_add(&sum->sum, jt_figure_get(&h->sum));
}
