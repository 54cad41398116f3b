/* SPDX-License-Identifier: Apache-2.0 */
#include "api/budget.h"

#include "api/api.h"
#include "base/container.h"
#include "base/log.h"
#include "base/notice.h"
#include "vault/budgets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_NAME  "\"items-per-second\""
#define QUOTA_NAME "\"items-per-day\""

/* One budget that the request is taken from. */
struct part {
    struct jt_budget budget;
    uint32_t n_taken;            /* and not put back */
    struct jt_budget_time taken; /* when */
};

struct jt_request_budget {
    struct part parts[2];
    size_t n_parts, at; /* it is taken from parts[at] next, or that one refused it */
    bool has_other;
    struct jt_budget other; /* of the operation that the body may turn it into, or add */
    void (*go_on)(struct jt_request *r);
    uint32_t n_asked; /* while it waits for a reservation */
    bool refused;     /* after `retry_s` it may be repeated */
    uint32_t retry_s; /* 0: not at all */
    /* the fields of the head */
    char policy[128], standing[160], retry[12];
    struct jt_http_field fields[3];
};

/* A reservation under way, and who waits for it. */
struct jt_budget_ask {
    struct jt_job job;
    struct jt_api *api;
    struct jt_budget_ask *next;
    struct jt_request *waiting, *waiting_last;

    /* what is asked: both threads read it */
    char client[JT_CLIENT_ID_MAX + 1];
    struct jt_budget budget;
    uint32_t n;

    enum jt_err err; /* the worker's until it is done */
};

/* --- who has one --- */

/* The operation that it counts for. */
static uint32_t operation_of(const struct jt_request *r)
{
    bool shows = strcmp(r->route->method, "GET") == 0; /* never the whole card */
    if (shows && (r->route->permission & JT_MAY_READ_MASKED) != 0) {
        return JT_MAY_READ_MASKED;
    }
    uint32_t both = r->may & r->route->permission;
    return both & -both; /* the lowest bit */
}

/* The operation that a member of the body may make of it, or add to it (api/budget.h); 0: none. */
static uint32_t other_of(const struct jt_request *r)
{
    uint32_t operation = operation_of(r);
    return operation == JT_MAY_DETOKENIZE ? JT_MAY_READ_MASKED
           : operation == JT_MAY_TOKENIZE ? JT_MAY_LOOKUP
                                          : 0;
}

void jt_budget_find(struct jt_request *r, const struct jt_access *access)
{
    bool any = access->n_budgets > 0;
    const struct jt_budget *budget = any ? jt_access_budget(access, operation_of(r)) : NULL;
    const struct jt_budget *other = any ? jt_access_budget(access, other_of(r)) : NULL;
    if (budget == NULL && other == NULL) {
        return;
    }
    struct jt_request_budget *b = r->budget = calloc(1, sizeof *r->budget);
    if (b == NULL) {
        r->client[0] = '\0'; /* without its budget it is not served */
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    if (budget != NULL) {
        b->parts[b->n_parts++].budget = *budget;
    }
    if (other != NULL) {
        b->has_other = true;
        b->other = *other;
    }
}

void jt_budget_besides(struct jt_request *r)
{
    struct jt_request_budget *b = r->budget;
    if (b != NULL && b->has_other) {
        b->parts[b->n_parts++].budget = b->other;
    }
}

void jt_budget_instead(struct jt_request *r)
{
    if (r->budget != NULL) {
        r->budget->n_parts = 0;
        jt_budget_besides(r);
    }
}

/* --- taking --- */

static bool ask(struct jt_request *r);

static bool refuse(struct jt_request *r, enum jt_problem_type problem, uint32_t retry_s)
{
    struct jt_counters *c = &r->api->vault->counters;
    jt_count(problem == JT_PROBLEM_BUDGET_RATE ? &c->budget_rate_refused : &c->budget_quota_refused,
             1);
    r->budget->refused = true;
    r->budget->retry_s = retry_s;
    jt_request_answer_problem(r, problem);
    return false;
}

/* True: it has all that it was to take. */
static bool take(struct jt_request *r)
{
    struct jt_request_budget *b = r->budget;
    for (; b->at < b->n_parts; b->at++) {
        struct part *part = &b->parts[b->at];
        uint32_t retry_s;
        part->taken = jt_budget_now();
        switch (jt_budgets_take(r->api->vault->budgets, r->client, &part->budget, b->n_asked,
                                part->taken, &retry_s)) {
        case JT_BUDGET_TAKEN: part->n_taken = b->n_asked; continue;
        case JT_BUDGET_RESERVE: return ask(r);
        case JT_BUDGET_RATE: return refuse(r, JT_PROBLEM_BUDGET_RATE, retry_s);
        case JT_BUDGET_QUOTA: return refuse(r, JT_PROBLEM_BUDGET_QUOTA, retry_s);
        case JT_BUDGET_NEVER: return refuse(r, JT_PROBLEM_BUDGET_QUOTA, 0);
        case JT_BUDGET_NOMEM: jt_request_answer_err(r, JT_ERR_NOMEM); return false;
        }
        jt_impossible(r);
        return false;
    }
    return true;
}

bool jt_budget_take(struct jt_request *r, size_t n, void (*go_on)(struct jt_request *r))
{
    if (r->budget == NULL) {
        return true;
    }
    r->budget->go_on = go_on;
    r->budget->n_asked = (uint32_t)n;
    return take(r);
}

/* --- reservations --- */

/* On a worker. */
static void run(struct jt_job *job, struct jt_work_ctx *ctx)
{
    static struct jt_notice failed = { .what = "quotas of clients could not be reserved" };
    struct jt_budget_ask *a = jt_container_of(job, struct jt_budget_ask, job);
    jt_work_about(ctx, "client %s", a->client);
    a->err =
        jt_budgets_reserve(ctx->vault->budgets, ctx, a->client, &a->budget, a->n, jt_budget_now());
    if (a->err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_notice(&failed, jt_fault_line(&ctx->fault, a->err, line));
    }
}

/* What it may come to: whoever did not get through asks anew, and some always do. */
static void done(struct jt_job *job)
{
    struct jt_budget_ask *a = jt_container_of(job, struct jt_budget_ask, job);
    struct jt_budget_ask **at = &a->api->budget_asks;
    while (*at != a) {
        at = &(*at)->next;
    }
    *at = a->next;
    while (a->waiting != NULL) {
        struct jt_request *r = a->waiting;
        a->waiting = r->next;
        enum jt_err err = a->api->closed ? JT_ERR_STOPPING : a->err;
        if (err != JT_OK) {
            jt_request_answer_err(r, err);
        } else if (take(r)) {
            r->budget->go_on(r);
        }
    }
    free(a);
}

/* Of the request that has not all yet: what is to be reserved. */
static const struct jt_budget *missing(const struct jt_request *r)
{
    return &r->budget->parts[r->budget->at].budget;
}

static struct jt_budget_ask *find(const struct jt_request *r)
{
    struct jt_budget_ask *a = r->api->budget_asks;
    const struct jt_budget *b = missing(r);
    while (a != NULL && (a->budget.operation != b->operation || a->budget.quota != b->quota ||
                         strcmp(a->client, r->client) != 0)) {
        a = a->next;
    }
    return a;
}

/* A reservation handed to the workers, or NULL when that cannot be. */
static struct jt_budget_ask *start(const struct jt_request *r)
{
    struct jt_api *api = r->api;
    struct jt_budget_ask *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    *a = (struct jt_budget_ask){
        .job = { .kind = JT_WORK_LOOKUP, .run = run, .done = done, .inbox = &api->lanes->inbox },
        .api = api,
        .next = api->budget_asks,
        .budget = *missing(r),
        .n = r->budget->n_asked
    };
    memcpy(a->client, r->client, sizeof a->client);
    if (jt_workers_post(api->vault->workers, &a->job) != JT_OK) {
        free(a);
        return NULL;
    }
    api->budget_asks = a; /* done() comes by this loop, not before this returns */
    return a;
}

/* False in any case: it is answered, or waits. */
static bool ask(struct jt_request *r)
{
    struct jt_budget_ask *a = find(r);
    a = a == NULL ? start(r) : a;
    if (a == NULL) {
        jt_request_answer_err(r, JT_ERR_BUSY);
        return false;
    }
    r->next = NULL;
    *(a->waiting == NULL ? &a->waiting : &a->waiting_last->next) = r;
    a->waiting_last = r;
    return false;
}

/* --- telling --- */

static void write_fields(struct jt_request_budget *b, const struct jt_budget *budget,
                         const struct jt_budget_standing *s)
{
    char rate[60] = "", quota[60] = "", left[60] = "", today[72] = "";
    if (budget->rate != 0) {
        (void)snprintf(rate, sizeof rate, RATE_NAME ";q=%" PRIu32 ";w=1", s->rate);
        (void)snprintf(left, sizeof left, RATE_NAME ";r=%" PRIu32 ";t=%" PRIu32, s->rate_left,
                       s->rate_full_s);
    }
    if (budget->quota != 0) {
        (void)snprintf(quota, sizeof quota, QUOTA_NAME ";q=%" PRIu32 ";w=86400", budget->quota);
    }
    if (budget->quota != 0 && s->quota_known) {
        (void)snprintf(today, sizeof today, QUOTA_NAME ";r=%" PRIu64 ";t=%" PRIu32, s->quota_left,
                       s->day_ends_s);
    }
    (void)snprintf(b->policy, sizeof b->policy, "%s%s%s", rate,
                   *rate != '\0' && *quota != '\0' ? ", " : "", quota);
    (void)snprintf(b->standing, sizeof b->standing, "%s%s%s", left,
                   *left != '\0' && *today != '\0' ? ", " : "", today);
}

void jt_budget_tell(struct jt_request *r, enum jt_problem_type problem)
{
    struct jt_request_budget *b = r->budget;
    struct jt_budgets *all = r->api->vault->budgets;
    struct jt_budget_time now = jt_budget_now();
    int status = jt_problem_status(problem);
    for (size_t i = 0; i < b->n_parts && (status == 429 || status == 503); i++) {
        struct part *part = &b->parts[i];
        if (part->n_taken > 0) {
            jt_budgets_put_back(all, r->client, &part->budget, part->n_taken, part->taken, now);
            part->n_taken = 0;
        }
    }
    if (b->n_parts == 0) {
        return;
    }
    const struct jt_budget *budget = &b->parts[b->refused ? b->at : 0].budget;
    struct jt_budget_standing standing;
    struct jt_http_answer *answer = &r->http.answer;
    jt_budgets_look(all, r->client, budget, now, &standing);
    write_fields(b, budget, &standing);
    answer->more = b->fields;
    b->fields[answer->n_more++] = (struct jt_http_field){ "RateLimit-Policy", b->policy };
    if (b->standing[0] != '\0') {
        b->fields[answer->n_more++] = (struct jt_http_field){ "RateLimit", b->standing };
    }
    if (b->refused && b->retry_s > 0) {
        (void)snprintf(b->retry, sizeof b->retry, "%" PRIu32, b->retry_s);
        b->fields[answer->n_more++] = (struct jt_http_field){ "Retry-After", b->retry };
    }
}
