/* SPDX-License-Identifier: Apache-2.0 */
#include "leak.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#ifdef __x86_64__
#include <x86intrin.h>
#endif

#define N_CUTS  20
#define BATCH   1000 /* inputs are made beforehand, so many at a time */
#define WARM_UP 200  /* measurements that do not count */

void leak_random(void *out, size_t len)
{
    if (getrandom(out, len, 0) != (ssize_t)len) {
        abort();
    }
}

/* Ticks of a clock that is fine enough. */
static uint64_t now(void)
{
#ifdef __x86_64__
    unsigned core;
    return __rdtscp(&core);
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

/* --- samples --- */

/* Of one class: number, mean, sum of squared differences from it (Welford). */
struct moments {
    double n, mean, m2;
};

static void add(struct moments *m, double x)
{
    double delta = x - m->mean;
    m->n++;
    m->mean += delta / m->n;
    m->m2 += delta * (x - m->mean);
}

static double t_value(const struct moments of[2])
{
    if (of[0].n < 100 || of[1].n < 100) {
        return 0;
    }
    double error = sqrt(of[0].m2 / (of[0].n - 1) / of[0].n + of[1].m2 / (of[1].n - 1) / of[1].n);
    return error > 0 ? fabs(of[0].mean - of[1].mean) / error : 0;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* dudect's percentiles: closer to each other the nearer they are to all of it. */
static double cut(const uint64_t *sorted, size_t n, int i)
{
    double part = 1 - pow(0.5, 10.0 * (i + 1) / N_CUTS);
    return (double)sorted[(size_t)(part * (double)(n - 1))];
}

static double greatest(const uint64_t *times, const bool *fixed, size_t n)
{
    uint64_t *sorted = malloc(n * sizeof *sorted);
    double most = 0;
    if (sorted == NULL) {
        abort();
    }
    memcpy(sorted, times, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, ascending);
    for (int i = 0; i <= N_CUTS; i++) {
        struct moments of[2] = { { 0 } };
        double limit = i < N_CUTS ? cut(sorted, n, i) : (double)sorted[n - 1] + 1;
        for (size_t j = 0; j < n; j++) {
            if ((double)times[j] < limit) {
                add(&of[fixed[j]], (double)times[j]);
            }
        }
        double t = t_value(of);
        most = t > most ? t : most;
    }
    free(sorted);
    return most;
}

/* --- measuring --- */

static uint64_t measure(const struct leak_case *c, const uint8_t *input)
{
    uint64_t began = now();
    for (int i = 0; i < c->repeats; i++) {
        c->run(input);
    }
    return now() - began;
}

double leak_measure(const struct leak_case *c, size_t n)
{
    static uint8_t inputs[BATCH][LEAK_INPUT_MAX];
    static uint8_t input[LEAK_INPUT_MAX]; /* both classes lie in the same place */
    uint64_t *times = calloc(n, sizeof *times);
    bool *fixed = calloc(n, sizeof *fixed);
    if (times == NULL || fixed == NULL) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        if (i % BATCH == 0) {
            for (size_t j = 0; j < BATCH && i + j < n; j++) {
                uint8_t coin;
                leak_random(&coin, 1);
                fixed[i + j] = coin & 1;
                c->prepare(fixed[i + j], inputs[j]);
            }
        }
        memcpy(input, inputs[i % BATCH], c->input_len);
        times[i] = measure(c, input);
    }
    double t = greatest(times + WARM_UP, fixed + WARM_UP, n - WARM_UP);
    free(times);
    free(fixed);
    return t;
}
