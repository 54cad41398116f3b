/* SPDX-License-Identifier: Apache-2.0 */
#include "base/latency.h"

/* Below 8 us a step for each; then the three bits behind the highest one. */
size_t jt_latency_step(uint64_t us)
{
    if (us < JT_LATENCY_PER_OCTAVE) {
        return (size_t)us;
    }
    size_t exponent = 63 - (size_t)__builtin_clzll(us);
    size_t step = (exponent - 2) * JT_LATENCY_PER_OCTAVE + (us >> (exponent - 3) & 7);
    return step < JT_LATENCY_STEPS ? step : JT_LATENCY_STEPS - 1;
}

uint64_t jt_latency_bound(size_t step)
{
    if (step < JT_LATENCY_PER_OCTAVE) {
        return step;
    }
    size_t exponent = step / JT_LATENCY_PER_OCTAVE + 2;
    return ((UINT64_C(8) + step % JT_LATENCY_PER_OCTAVE + 1) << (exponent - 3)) - 1;
}

void jt_latency_note(struct jt_latency *l, uint64_t us)
{
    jt_figure_add(&l->counts[jt_latency_step(us)], 1);
}

void jt_latency_add(uint64_t sum[static JT_LATENCY_STEPS], const struct jt_latency *l)
{
    for (size_t i = 0; i < JT_LATENCY_STEPS; i++) {
        sum[i] += jt_figure_get(&l->counts[i]);
    }
}

void jt_latency_view_add(struct jt_latency_view *v, double factor,
                         const uint64_t before[static JT_LATENCY_STEPS],
                         const uint64_t now[static JT_LATENCY_STEPS])
{
    v->n = 0;
    for (size_t i = 0; i < JT_LATENCY_STEPS; i++) {
        uint64_t more =
            now[i] > before[i] ? now[i] - before[i] : 0; /* a late reader's may be old */
        v->counts[i] = v->counts[i] * factor + (double)more;
        v->n += v->counts[i];
    }
}

uint64_t jt_latency_view_quantile(const struct jt_latency_view *v, double part)
{
    double sum = 0;
    for (size_t i = 0; i < JT_LATENCY_STEPS && v->n > 0; i++) {
        sum += v->counts[i];
        if (sum >= v->n * part && v->counts[i] > 0) {
            return jt_latency_bound(i);
        }
    }
    return 0;
}
