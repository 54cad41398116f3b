/* SPDX-License-Identifier: Apache-2.0 */
#include "front/scrape.h"

#include "api/metrics.h"
#include "api/promtext.h"
#include "base/clock.h"
#include "base/container.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRESH_MS 5000
#define TEXT_MAX (1u << 20)

struct scrape_request {
    struct jt_exchange http;
    struct jt_scrape *scrape;
    struct scrape_request *next; /* of those that wait for the worker */
};

struct jt_scrape {
    struct jt_loop *loop;
    struct jt_server server;
    struct jt_door_shared doors; /* of this port */
    struct jt_inbox inbox;
    struct jt_vault *vault;
    pthread_t thread;
    _Atomic bool stop;
    struct scrape_request *waiting;
    bool asking;
    int64_t asked_ms; /* when the view was last refreshed; 0: never */
    struct jt_metrics_view view;

    /* the worker's while it is asked */
    struct jt_job job;
    struct jt_peers peers;
    struct jt_metrics_generation generations[JT_RING_MAX_LIVE];
    size_t n_generations;
};

/* --- on a worker --- */

static void add_generation(void *arg, const struct jt_generation_info *info)
{
    struct jt_scrape *s = arg;
    bool live =
        info->row.state == JT_GENERATION_ACTIVE || info->row.state == JT_GENERATION_DRAINING;
    if (live && s->n_generations < JT_RING_MAX_LIVE) {
        s->generations[s->n_generations++] = (struct jt_metrics_generation){
            .number = info->row.number,
            .state = (enum jt_generation_state)info->row.state,
            .n_rows = jt_generation_rows(info),
        };
    }
}

static void look(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct jt_scrape *s = jt_container_of(job, struct jt_scrape, job);
    s->n_generations = 0;
    jt_inspect_peers(ctx, &s->peers);
    if (s->peers.database_up && jt_inspect_kept_generations(ctx, add_generation, s) != JT_OK) {
        s->peers.database_up = false;
    }
}

/* --- on the loop --- */

static void answer(struct scrape_request *r)
{
    struct jt_http_answer *out = &r->http.answer;
    struct jt_buf text;
    jt_buf_init(&text, TEXT_MAX);
    jt_metrics_write(&r->scrape->view, &text);
    out->status = 200;
    out->media_type = JT_PROM_MEDIA_TYPE;
    if (jt_buf_status(&text) == JT_OK && text.len > 0) {
        jt_buf_put(&out->body, text.data, text.len - 1); /* the last line feed comes by itself */
    }
    if (jt_buf_status(&text) != JT_OK || jt_buf_status(&out->body) != JT_OK) {
        jt_buf_reset(&out->body);
        jt_problem_write(JT_PROBLEM_OUT_OF_MEMORY, &out->body);
        jt_problem_head(JT_PROBLEM_OUT_OF_MEMORY, out);
    }
    jt_buf_clear(&text);
    jt_exchange_answered(&r->http);
}

static void answer_waiting(struct jt_scrape *s)
{
    while (s->waiting != NULL) {
        struct scrape_request *r = s->waiting;
        s->waiting = r->next;
        answer(r);
    }
}

static void looked(struct jt_job *job)
{
    struct jt_scrape *s = jt_container_of(job, struct jt_scrape, job);
    s->asking = false;
    s->asked_ms = jt_clock_ms();
    s->view.peers = s->peers;
    s->view.n_generations = s->n_generations;
    memcpy(s->view.generations, s->generations, sizeof s->generations);
    answer_waiting(s);
}

/* What keeper and database say is old: a worker asks, and the answers wait for it. */
static void refresh(struct jt_scrape *s)
{
    if (s->asking) {
        return;
    }
    s->asking = jt_workers_post(s->vault->workers, &s->job) == JT_OK;
    if (!s->asking) { /* too much waits, or the process stops: then it is as it was */
        answer_waiting(s);
    }
}

static enum jt_problem_type judge(const struct jt_head *head)
{
    static const char path[] = "/metrics";
    bool found =
        head->path.len == sizeof path - 1 && memcmp(head->path.p, path, sizeof path - 1) == 0;
    bool get = (head->method.len == 3 && memcmp(head->method.p, "GET", 3) == 0) ||
               (head->method.len == 4 && memcmp(head->method.p, "HEAD", 4) == 0);
    return !found                                      ? JT_PROBLEM_NOT_FOUND
           : !get                                      ? JT_PROBLEM_METHOD_NOT_ALLOWED
           : head->query.p != NULL                     ? JT_PROBLEM_QUERY_NOT_TAKEN
           : head->chunked || head->content_length > 0 ? JT_PROBLEM_MALFORMED_REQUEST
                                                       : JT_PROBLEM_NONE;
}

static bool begin(void *arg, struct jt_conn *conn, const struct jt_head *head)
{
    struct scrape_request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return false;
    }
    r->scrape = arg;
    jt_exchange_open(&r->http, conn, 0);
    enum jt_problem_type problem = judge(head);
    if (problem != JT_PROBLEM_NONE) {
        jt_problem_write(problem, &r->http.answer.body);
        jt_problem_head(problem, &r->http.answer);
        if (problem == JT_PROBLEM_METHOD_NOT_ALLOWED) {
            r->http.answer.name = "Allow";
            r->http.answer.value = "GET, HEAD";
        }
    }
    jt_exchange_admit(&r->http, NULL);
    return true;
}

static void start(struct jt_exchange *x)
{
    struct scrape_request *r = jt_container_of(x, struct scrape_request, http);
    struct jt_scrape *s = r->scrape;
    if (s->asked_ms != 0 && jt_clock_ms() - s->asked_ms < FRESH_MS) {
        answer(r);
        return;
    }
    r->next = s->waiting;
    s->waiting = r;
    refresh(s);
}

static void free_request(struct jt_exchange *x)
{
    struct scrape_request *r = jt_container_of(x, struct scrape_request, http);
    jt_exchange_clear(x);
    free(r);
}

static void refuse(void *arg, enum jt_refusal why, struct jt_http_answer *out)
{
    jt_api_ops.refuse(arg, why, out);
}

static void gathered(void *arg)
{
    (void)arg;
}

static const struct jt_server_ops ops = { begin, start, free_request, refuse, gathered };

static void on_wake(void *arg, uint32_t events)
{
    struct jt_scrape *s = arg;
    jt_inbox_drain(&s->inbox, events);
    if (atomic_load(&s->stop)) {
        jt_server_stop(&s->server);
    }
}

static void *serve(void *arg)
{
    struct jt_scrape *s = arg;
    enum jt_err err = jt_loop_run(s->loop);
    if (err != JT_OK) {
        jt_front_loop_broke("event loop of the metrics", err);
    }
    return NULL;
}

/* --- life --- */

static enum jt_err init(struct jt_scrape *s, int listen_fd)
{
    const struct jt_door_conf conf = { .hosts = s->vault->conf->front_hosts,
                                       .max_connections = 64,
                                       .max_per_address = 64,
                                       .max_upstreams = 16,
                                       .idle_ms = 300000, /* scrapers come once a minute */
                                       .head_ms = 15000,
                                       .request_ms = 30000 };
    s->doors.limit = 64;
    enum jt_err err = jt_loop_new(&s->loop);
    if (err != JT_OK) {
        close(listen_fd);
        return err;
    }
    jt_loop_on_wake(s->loop, on_wake, s);
    jt_inbox_init(&s->inbox, s->loop);
    s->job =
        (struct jt_job){ .kind = JT_WORK_LOOKUP, .run = look, .done = looked, .inbox = &s->inbox };
    return jt_server_init(&s->server, s->loop, &(struct jt_door_socket){ .fd = listen_fd }, 1,
                          &conf, &s->doors, &ops, s);
}

enum jt_err jt_scrape_start(struct jt_vault *vault, int listen_fd, struct jt_front_loop *loops,
                            int n_loops, struct jt_door_shared *doors, struct jt_scrape **out)
{
    *out = NULL;
    struct jt_scrape *s = calloc(1, sizeof *s);
    if (s == NULL) {
        close(listen_fd);
        return JT_ERR_NOMEM;
    }
    s->vault = vault;
    s->view =
        (struct jt_metrics_view){ .vault = vault, .doors = doors, .n_loops = (size_t)n_loops };
    for (int i = 0; i < n_loops; i++) {
        s->view.metrics[i] = loops[i].api.metrics;
        s->view.lanes[i] = &loops[i].lanes;
    }
    enum jt_err err = init(s, listen_fd);
    if (err == JT_OK && pthread_create(&s->thread, NULL, serve, s) != 0) {
        err = JT_ERR_NOMEM;
    }
    if (err != JT_OK) {
        jt_scrape_free(s);
        return err;
    }
    *out = s;
    return JT_OK;
}

void jt_scrape_join(struct jt_scrape *scrape)
{
    if (scrape != NULL) {
        atomic_store(&scrape->stop, true);
        jt_loop_wake(scrape->loop);
        pthread_join(scrape->thread, NULL);
    }
}

void jt_scrape_free(struct jt_scrape *scrape)
{
    if (scrape == NULL) {
        return;
    }
    if (scrape->loop != NULL) {
        jt_inbox_drain(&scrape->inbox, 0);
        answer_waiting(scrape);
        jt_server_clear(&scrape->server);
        jt_inbox_clear(&scrape->inbox);
        jt_loop_free(scrape->loop);
    }
    free(scrape);
}
