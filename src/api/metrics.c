/* SPDX-License-Identifier: Apache-2.0 */
#include "api/metrics.h"

#include "api/promtext.h"
#include "base/clock.h"
#include "jeton/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* The last one stands for all that are not here. */
static const int codes[JT_METRICS_CODES] = { 200,
                                             201,
                                             202,
                                             204,
                                             304,
                                             400,
                                             401,
                                             403,
                                             404,
                                             405,
                                             406,
                                             408,
                                             409,
                                             410,
                                             411,
                                             412,
                                             413,
                                             415,
                                             421,
                                             422,
                                             428,
                                             429,
                                             JT_CODE_CLIENT_GONE,
                                             500,
                                             501,
                                             503,
                                             0 };

struct jt_metrics *jt_metrics_new(void)
{
    size_t n;
    (void)jt_routes_all(&n);
    struct jt_metrics *m = calloc(1, sizeof *m + (n + 1) * sizeof m->routes[0]);
    if (m != NULL) {
        m->n = n + 1;
    }
    return m;
}

static struct jt_route_figures *figures_of(struct jt_metrics *metrics, const struct jt_route *route)
{
    size_t n;
    const struct jt_route *all = jt_routes_all(&n);
    while (route != NULL && route > all && route[-1].operation == route->operation) {
        route--; /* another name of the same operation: routes.def has them together */
    }
    return &metrics->routes[route == NULL ? n : (size_t)(route - all)];
}

void jt_metrics_request(struct jt_metrics *metrics, const struct jt_route *route, int status,
                        uint64_t us)
{
    if (metrics == NULL) {
        return;
    }
    struct jt_route_figures *f = figures_of(metrics, route);
    size_t i = 0;
    while (i < JT_METRICS_CODES - 1 && codes[i] != status) {
        i++;
    }
    jt_figure_add(&f->codes[i], 1);
    jt_histogram_note(&f->us, &jt_bounds_us, us);
}

void jt_metrics_item(struct jt_metrics *metrics, const struct jt_route *route,
                     enum jt_problem_type problem)
{
    if (metrics != NULL) {
        jt_figure_add(&figures_of(metrics, route)->items[problem], 1);
    }
}

/* --- the text: requests --- */

static const char *operation_name(size_t at)
{
    size_t n;
    const struct jt_route *all = jt_routes_all(&n);
    return at < n ? all[at].name : "none";
}

/* Whether it stands for itself, and not for an operation that the route before it has named. */
static bool is_told(size_t at)
{
    size_t n;
    const struct jt_route *all = jt_routes_all(&n);
    return at == 0 || at >= n || all[at].operation != all[at - 1].operation;
}

static uint64_t sum_of_code(const struct jt_metrics_view *v, size_t route, size_t code)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < v->n_loops; i++) {
        sum += jt_figure_get(&v->metrics[i]->routes[route].codes[code]);
    }
    return sum;
}

static void write_requests(const struct jt_metrics_view *v, struct jt_buf *out)
{
    static const char name[] = "jeton_requests_total";
    char labels[120];
    jt_prom_family(out, name, "counter", "Requests that were answered, by operation and status.");
    for (size_t r = 0; r < v->metrics[0]->n; r++) {
        for (size_t c = 0; c < JT_METRICS_CODES; c++) {
            uint64_t n = sum_of_code(v, r, c);
            if (n > 0) {
                (void)snprintf(labels, sizeof labels, "operation=\"%s\",code=\"%d\"",
                               operation_name(r), codes[c]);
                jt_prom_sample(out, name, labels, n);
            }
        }
    }
}

static void write_durations(const struct jt_metrics_view *v, struct jt_buf *out)
{
    static const char name[] = "jeton_request_duration_seconds";
    char labels[80];
    jt_prom_family(out, name, "histogram", "From the head of a request to its answer.");
    for (size_t r = 0; r < v->metrics[0]->n; r++) {
        struct jt_histogram sum = { 0 };
        if (!is_told(r)) {
            continue;
        }
        for (size_t i = 0; i < v->n_loops; i++) {
            jt_histogram_add(&sum, &v->metrics[i]->routes[r].us);
        }
        (void)snprintf(labels, sizeof labels, "operation=\"%s\"", operation_name(r));
        jt_prom_histogram(out, name, labels, &sum, &jt_bounds_us, true);
    }
}

static void write_items(const struct jt_metrics_view *v, struct jt_buf *out)
{
    static const char name[] = "jeton_items_total";
    char labels[160];
    jt_prom_family(out, name, "counter",
                   "Items of single and batch requests, by operation and result: ok or the name of "
                   "the problem.");
    for (size_t r = 0; r < v->metrics[0]->n; r++) {
        for (size_t p = 0; p < JT_N_PROBLEMS; p++) {
            uint64_t n = 0;
            for (size_t i = 0; i < v->n_loops; i++) {
                n += jt_figure_get(&v->metrics[i]->routes[r].items[p]);
            }
            if (n > 0) {
                (void)snprintf(labels, sizeof labels, "operation=\"%s\",result=\"%s\"",
                               operation_name(r), p == 0 ? "ok" : jt_problem_name(p));
                jt_prom_sample(out, name, labels, n);
            }
        }
    }
}

/* --- lanes --- */

/* The figures of all lanes of all loops that have this lane's verb. */
static void sum_lanes(const struct jt_metrics_view *v, const char *verb,
                      struct jt_lane_figures *out)
{
    *out = (struct jt_lane_figures){ 0 };
    for (size_t i = 0; i < v->n_loops; i++) {
        for (size_t k = 0; k < v->lanes[i]->n; k++) {
            const struct jt_lane *lane = v->lanes[i]->all[k];
            if (strcmp(lane->verb->name, verb) == 0) {
                jt_histogram_add(&out->items, &lane->figures.items);
                jt_histogram_add(&out->us, &lane->figures.us);
                jt_histogram_add(&out->database_us, &lane->figures.database_us);
                jt_figure_add(&out->waiting, jt_figure_get(&lane->figures.waiting));
            }
        }
    }
}

enum lane_metric { BATCH_ITEMS, BATCH_SECONDS, DATABASE_SECONDS, QUEUE_ITEMS };

static const struct {
    const char *name, *type, *help;
} lane_metrics[] = {
    [BATCH_ITEMS] = { "jeton_batch_items", "histogram",
                      "Items of a batch: one keeper call and one transaction." },
    [BATCH_SECONDS] = { "jeton_batch_duration_seconds", "histogram",
                        "How long a batch was under way." },
    [DATABASE_SECONDS] = { "jeton_database_duration_seconds", "histogram",
                           "How long a transaction took, from sending it to its last answer." },
    [QUEUE_ITEMS] = { "jeton_queue_items", "gauge", "Items that wait or are under way." },
};

static void write_lane(const char *verb, enum lane_metric which, const struct jt_lane_figures *f,
                       struct jt_buf *out)
{
    char labels[80];
    const char *name = lane_metrics[which].name;
    (void)snprintf(labels, sizeof labels, "operation=\"%s\"", verb);
    switch (which) {
    case BATCH_ITEMS:
        jt_prom_histogram(out, name, labels, &f->items, &jt_bounds_items, false);
        break;
    case BATCH_SECONDS: jt_prom_histogram(out, name, labels, &f->us, &jt_bounds_us, true); break;
    case DATABASE_SECONDS:
        jt_prom_histogram(out, name, labels, &f->database_us, &jt_bounds_us, true);
        break;
    case QUEUE_ITEMS: jt_prom_sample(out, name, labels, jt_figure_get(&f->waiting)); break;
    }
}

/* Whether an earlier lane of the loop has the same verb. */
static bool told(const struct jt_lanes *lanes, size_t at)
{
    size_t i = 0;
    while (strcmp(lanes->all[i]->verb->name, lanes->all[at]->verb->name) != 0) {
        i++;
    }
    return i < at;
}

static void write_lanes(const struct jt_metrics_view *v, struct jt_buf *out)
{
    const struct jt_lanes *one = v->lanes[0];
    for (size_t m = 0; m < sizeof lane_metrics / sizeof lane_metrics[0]; m++) {
        jt_prom_family(out, lane_metrics[m].name, lane_metrics[m].type, lane_metrics[m].help);
        for (size_t k = 0; k < one->n; k++) {
            if (!told(one, k)) {
                struct jt_lane_figures sum;
                sum_lanes(v, one->all[k]->verb->name, &sum);
                write_lane(one->all[k]->verb->name, (enum lane_metric)m, &sum, out);
            }
        }
    }
    struct jt_histogram keeper = { 0 };
    for (size_t i = 0; i < v->n_loops; i++) {
        jt_histogram_add(&keeper, &v->lanes[i]->keeper_us);
    }
    jt_prom_family(out, "jeton_keeper_duration_seconds", "histogram",
                   "How long a call of the request path to the keeper took.");
    jt_prom_histogram(out, "jeton_keeper_duration_seconds", "", &keeper, &jt_bounds_us, true);
}

/* --- counters of the process --- */

static void write_counter(struct jt_buf *out, const char *name, uint64_t value)
{
    char full[80], help[120];
    (void)snprintf(full, sizeof full, "jeton_%s_total", name);
    (void)snprintf(help, sizeof help, "The counter %s of /v1/status.", name);
    jt_prom_counter(out, full, help, value);
}

static void write_counters(const struct jt_metrics_view *v, struct jt_buf *out)
{
#define ADD(name) write_counter(out, #name, jt_counted(&v->vault->counters.name));
    JT_COUNTERS(ADD)
#undef ADD
#define ADD(name) write_counter(out, #name, atomic_load(&v->doors->name));
    JT_DOOR_COUNTERS(ADD)
#undef ADD
    jt_prom_gauge(out, "jeton_connections_open", "Connections of clients.",
                  (uint64_t)atomic_load(&v->doors->n_open));
    jt_prom_gauge(out, "jeton_connections_limit", "How many there may be.",
                  (uint64_t)v->doors->limit);
}

/* --- states --- */

static void write_checks(const struct jt_metrics_view *v, struct jt_buf *out)
{
    static const char name[] = "jeton_ready_check";
    struct jt_vault *vault = v->vault;
    const struct jt_readiness r = jt_vault_readiness(vault);
    const struct {
        const char *check;
        bool good;
    } checks[] = {
        { "keeper", v->peers.keeper_up },
        { "database", v->peers.database_up },
        { "history", r.history },
        { "registered", r.registered },
        { "lease", r.lease },
        { "keys", r.keys },
        { "ring", r.ring },
        { "ids", r.ids },
        { "sets", r.sets },
        { "directory", r.directory },
        { "schema", r.schema },
        { "numeric", r.numeric },
        { "connections", !jt_door_full(v->doors) },
    };
    char labels[60];
    jt_prom_gauge(out, "jeton_ready", "Whether /readyz says yes.",
                  jt_vault_ready(vault) && !jt_door_full(v->doors));
    jt_prom_family(out, name, "gauge", "What of readiness stands: see docs/operations.md.");
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        (void)snprintf(labels, sizeof labels, "check=\"%s\"", checks[i].check);
        jt_prom_sample(out, name, labels, checks[i].good);
    }
}

static void write_generations(const struct jt_metrics_view *v, struct jt_buf *out)
{
    static const char name[] = "jeton_generation_rows";
    char labels[100];
    jt_prom_gauge(out, "jeton_ring_epoch", "The epoch of the ring that the keeper accepted.",
                  atomic_load(&v->vault->ring_epoch));
    jt_prom_gauge(out, "jeton_active_generation", "The number of the active generation; 0: none.",
                  atomic_load(&v->vault->active_generation));
    jt_prom_gauge(out, "jeton_key_ids_taken",
                  "Key ids of generations that are not destroyed, of 255; each roll takes one.",
                  atomic_load(&v->vault->key_ids_taken));
    jt_prom_gauge(out, "jeton_service_root_holders",
                  "Places that have the service root: nodes, and verified backups as one; 0: not "
                  "known yet.",
                  atomic_load(&v->vault->root_holders));
    jt_prom_gauge(out, "jeton_backup_verified_timestamp_seconds",
                  "When a backup of the keys was verified last, as Unix time; 0: never.",
                  atomic_load(&v->vault->backup_verified_s));
    jt_prom_gauge(out, "jeton_backup_lacking_generations",
                  "Future and live generations whose keys are in no verified backup.",
                  atomic_load(&v->vault->backup_lacks));
    jt_prom_gauge(out, "jeton_purge_overdue_seconds",
                  "For how long a card has waited for its removal, its grace being over.",
                  atomic_load(&v->vault->purge_overdue_s));
    jt_prom_family(out, name, "gauge", "Cards under each live generation, from the tally.");
    for (size_t i = 0; i < v->n_generations; i++) {
        const struct jt_metrics_generation *g = &v->generations[i];
        (void)snprintf(labels, sizeof labels, "generation=\"%" PRIu64 "\",state=\"%s\"", g->number,
                       jt_generation_state_name(g->state));
        jt_prom_sample(out, name, labels, g->n_rows);
    }
}

static void write_columns(const struct jt_metrics_view *v, struct jt_buf *out)
{
    jt_prom_gauge(out, "jeton_columns_waiting",
                  "Columns of applications that keep a generation from retiring, once its cards "
                  "are gone.",
                  atomic_load(&v->vault->columns_waiting));
}

/* What ends keys and cards; nothing of it while the database is away. */
static void write_endings(const struct jt_endings *e, struct jt_buf *out)
{
    static const char name[] = "jeton_destructions";
    const struct {
        const char *state;
        uint64_t n;
    } states[] = {
        { "waiting", e->waiting },     { "grace", e->grace },     { "due", e->due },
        { "cancelled", e->cancelled }, { "erasing", e->erasing },
    };
    char labels[40];
    jt_prom_family(out, name, "gauge", "Destructions of keys that are under way, by state.");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        (void)snprintf(labels, sizeof labels, "state=\"%s\"", states[i].state);
        jt_prom_sample(out, name, labels, states[i].n);
    }
    jt_prom_gauge(out, "jeton_destruction_grace_seconds",
                  "For how long the longest grace still runs, as the nodes said last.",
                  e->grace_left_s);
    jt_prom_gauge(out, "jeton_stuck_cards",
                  "Cards that are noted as keeping a generation from retiring, 100000 at most.",
                  e->stuck_cards);
    jt_prom_gauge(out, "jeton_written_off_cards", "Cards in quarantine, 100000 at most.",
                  e->written_off_cards);
    jt_prom_gauge(out, "jeton_write_offs_waiting",
                  "Lists of cards that wait for custodians to write them off.",
                  e->write_offs_waiting);
}

static void write_keeper(const struct jt_keeper_status *k, struct jt_buf *out)
{
    static const char name[] = "jeton_keeper_items_total";
    const struct {
        const char *act;
        uint64_t n;
    } acts[] = {
        { "sealed", k->n_sealed },         { "opened", k->n_opened },
        { "resealed", k->n_resealed },     { "refused", k->n_refused },
        { "matched", k->n_matched },       { "mismatched", k->n_mismatched },
        { "identified", k->n_identified },
    };
    char labels[60];
    jt_prom_gauge(out, "jeton_keeper_seals",
                  "Messages that the key of the active generation sealed in this keeper: not more "
                  "than 2^40.",
                  k->seals);
    jt_prom_family(out, name, "counter", "What the keeper did since it started, by act.");
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        (void)snprintf(labels, sizeof labels, "act=\"%s\"", acts[i].act);
        jt_prom_sample(out, name, labels, acts[i].n);
    }
}

static void write_process(const struct jt_metrics_view *v, struct jt_buf *out)
{
    struct rusage used = { 0 };
    (void)getrusage(RUSAGE_SELF, &used);
    uint64_t up_s = (uint64_t)(jt_clock_ms() - v->vault->started_ms) / 1000;
    jt_prom_family(out, "process_cpu_seconds_total", "counter", "Processor time of jetond.");
    jt_prom_seconds(out, "process_cpu_seconds_total", "",
                    (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                        (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec));
    jt_prom_gauge(out, "process_start_time_seconds", "When jetond started, as Unix time.",
                  (uint64_t)time(NULL) - up_s);
    jt_prom_family(out, "jeton_build_info", "gauge", "The version of jetond.");
    jt_prom_sample(out, "jeton_build_info", "version=\"" JETON_VERSION "\"", 1);
}

void jt_metrics_write(const struct jt_metrics_view *view, struct jt_buf *out)
{
    write_requests(view, out);
    write_durations(view, out);
    write_items(view, out);
    write_lanes(view, out);
    write_counters(view, out);
    write_checks(view, out);
    write_generations(view, out);
    write_columns(view, out);
    if (view->peers.endings_known) {
        write_endings(&view->peers.endings, out);
    }
    if (view->peers.keeper_up) {
        write_keeper(&view->peers.keeper, out);
    }
    write_process(view, out);
}
