/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the requests of one event loop came to, by operation and result, and all figures of this
 * process as one text for Prometheus.
 *
 * Labels are this program's own words: names of operations, of problems, of states, and numbers of
 * live generations. No name of a client or a field, and nothing that anybody sent.
 */
#ifndef JETON_API_METRICS_H
#define JETON_API_METRICS_H

#include "api/problem.h"
#include "api/routes.h"
#include "base/histogram.h"
#include "http/door.h"
#include "vault/inspect.h"
#include "vault/lanes.h"

#define JT_METRICS_CODES 27 /* statuses that are told apart */
/* Of an answer that nobody waited for any more: whatever it was, no client saw it. */
#define JT_CODE_CLIENT_GONE 499

#define JT_PROBLEM(id, name, status, head, title, detail) +1
enum {
    JT_N_PROBLEMS = 1
#include "api/problems.def"
};
#undef JT_PROBLEM

struct jt_route_figures {
    jt_figure codes[JT_METRICS_CODES];
    struct jt_histogram us; /* from the head to the answer */
    jt_figure items[JT_N_PROBLEMS];
};

/* Of one loop: written by it, read by anybody. */
struct jt_metrics {
    size_t n;                         /* routes, and one for what found none */
    struct jt_route_figures routes[]; /* in the order of routes.def */
};

/* Zeroes; NULL: out of memory. Freed by free(). */
struct jt_metrics *jt_metrics_new(void);

/* `metrics` NULL: nobody counts. `route` NULL: none was found. */
void jt_metrics_request(struct jt_metrics *metrics, const struct jt_route *route, int status,
                        uint64_t us);
/* An item of a batch, or the one of a single request. */
void jt_metrics_item(struct jt_metrics *metrics, const struct jt_route *route,
                     enum jt_problem_type problem);

/* --- the text --- */

struct jt_metrics_generation {
    uint64_t number, n_rows;
    enum jt_generation_state state;
};

/* What is put together for one text. */
struct jt_metrics_view {
    struct jt_vault *vault;
    struct jt_door_shared *doors;
    const struct jt_metrics *metrics[JT_LOOPS_MAX]; /* of each loop */
    const struct jt_lanes *lanes[JT_LOOPS_MAX];
    size_t n_loops;
    struct jt_peers peers;
    struct jt_metrics_generation generations[JT_RING_MAX_LIVE]; /* live ones */
    size_t n_generations;
};

/* Text of Prometheus' format 0.0.4 (api/promtext.h). */
void jt_metrics_write(const struct jt_metrics_view *view, struct jt_buf *out);

#endif
