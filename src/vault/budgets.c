/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/budgets.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/budgets.h"
#include "vault/bucket.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400
/* A quota is reserved in so many parts. */
#define PARTS 64
/* An answer of the table that says no counts so long: others may give something back. */
#define FRESH_US       1000000
#define CHAINS         4096
#define IN_A_STATEMENT 1000 /* parts that are given back together */

struct entry {
    struct entry *next;
    char client[JT_CLIENT_ID_MAX + 1];
    uint32_t operation;
    struct jt_bucket bucket;

    uint32_t quota;    /* what follows is of this one */
    int64_t day;       /* and of this day */
    uint64_t reserved; /* in the table, and not used */
    uint64_t back;     /* the same of another quota: goes back with the next reservation */
    bool known;        /* the table was asked */
    uint64_t left;     /* of the quota, in the table, when it was asked last */
    int64_t asked_us;
};

struct jt_budgets {
    _Atomic uint32_t n_nodes;
    _Atomic int64_t pruned_day;
    pthread_mutex_t mutex; /* of what follows */
    struct entry *chains[CHAINS];
};

struct jt_budget_time jt_budget_now(void)
{
    return (struct jt_budget_time){ .us = jt_clock_us(), .unix_s = (int64_t)time(NULL) };
}

static int64_t day_of(struct jt_budget_time now)
{
    return now.unix_s / DAY_S;
}

enum jt_err jt_budgets_new(struct jt_budgets **out)
{
    struct jt_budgets *b = calloc(1, sizeof *b);
    *out = b;
    if (b == NULL) {
        return JT_ERR_NOMEM;
    }
    atomic_store(&b->n_nodes, 1);
    pthread_mutex_init(&b->mutex, NULL);
    return JT_OK;
}

void jt_budgets_free(struct jt_budgets *b)
{
    for (size_t i = 0; b != NULL && i < CHAINS; i++) {
        while (b->chains[i] != NULL) {
            struct entry *e = b->chains[i];
            b->chains[i] = e->next;
            free(e);
        }
    }
    if (b != NULL) {
        pthread_mutex_destroy(&b->mutex);
    }
    free(b);
}

void jt_budgets_share(struct jt_budgets *b, uint32_t n_nodes)
{
    atomic_store(&b->n_nodes, n_nodes);
}

/* --- entries; all of it under the mutex --- */

/* FNV-1a: names of clients are not secret, and only operators choose them. */
static struct entry **chain_of(struct jt_budgets *b, const char *client, uint32_t operation)
{
    uint32_t h = 2166136261u ^ operation;
    for (; *client != '\0'; client++) {
        h = (h ^ (uint8_t)*client) * 16777619u;
    }
    return &b->chains[h % CHAINS];
}

static void start_day(struct entry *e, int64_t day)
{
    e->day = day;
    e->reserved = e->back = e->left = 0;
    e->known = false;
}

/* The entry as the budget and the time have it; NULL: no memory. */
static struct entry *entry_of(struct jt_budgets *b, const char *client,
                              const struct jt_budget *budget, struct jt_budget_time now)
{
    struct entry **chain = chain_of(b, client, budget->operation), *e = *chain;
    while (e != NULL && (e->operation != budget->operation || strcmp(e->client, client) != 0)) {
        e = e->next;
    }
    if (e == NULL) {
        e = calloc(1, sizeof *e);
        if (e == NULL) {
            return NULL;
        }
        memcpy(e->client, client, strlen(client) + 1);
        e->operation = budget->operation;
        e->next = *chain;
        *chain = e;
    }
    if (e->day != day_of(now)) {
        start_day(e, day_of(now));
    }
    if (e->quota != budget->quota) {
        e->quota = budget->quota;
        e->back += e->reserved;
        e->reserved = e->left = 0;
        e->known = false;
    }
    if (budget->rate != 0) {
        jt_bucket_settle(&e->bucket, jt_bucket_share(budget->rate, atomic_load(&b->n_nodes)),
                         now.us);
    }
    return e;
}

static uint32_t seconds(int64_t us)
{
    int64_t s = (us + 999999) / 1000000;
    return s < 1 ? 1 : (uint32_t)s;
}

static uint32_t day_ends_s(struct jt_budget_time now)
{
    return (uint32_t)(DAY_S - now.unix_s % DAY_S);
}

/* --- what requests ask --- */

static enum jt_budget_verdict judge(const struct entry *e, const struct jt_budget *budget,
                                    uint32_t n, struct jt_budget_time now, uint32_t *retry_s)
{
    int64_t wait_us = budget->rate == 0 ? 0 : jt_bucket_wait_us(&e->bucket, n);
    bool limited = budget->quota != 0;
    if (limited && n > budget->quota) {
        return JT_BUDGET_NEVER;
    }
    if (limited && n > e->reserved && e->known && now.us - e->asked_us < FRESH_US &&
        n - e->reserved > e->left) {
        *retry_s = day_ends_s(now);
        return JT_BUDGET_QUOTA;
    }
    if (wait_us > 0) {
        *retry_s = seconds(wait_us);
        return JT_BUDGET_RATE;
    }
    return limited && n > e->reserved ? JT_BUDGET_RESERVE : JT_BUDGET_TAKEN;
}

enum jt_budget_verdict jt_budgets_take(struct jt_budgets *b, const char *client,
                                       const struct jt_budget *budget, uint32_t n,
                                       struct jt_budget_time now, uint32_t *retry_s)
{
    enum jt_budget_verdict verdict = JT_BUDGET_NOMEM;
    *retry_s = 1;
    pthread_mutex_lock(&b->mutex);
    struct entry *e = entry_of(b, client, budget, now);
    if (e != NULL) {
        verdict = judge(e, budget, n, now, retry_s);
    }
    if (verdict == JT_BUDGET_TAKEN && budget->rate != 0) {
        jt_bucket_take(&e->bucket, n);
    }
    if (verdict == JT_BUDGET_TAKEN && budget->quota != 0) {
        e->reserved -= n;
    }
    pthread_mutex_unlock(&b->mutex);
    return verdict;
}

void jt_budgets_put_back(struct jt_budgets *b, const char *client, const struct jt_budget *budget,
                         uint32_t n, struct jt_budget_time taken, struct jt_budget_time now)
{
    pthread_mutex_lock(&b->mutex);
    struct entry *e = entry_of(b, client, budget, now);
    if (e != NULL && budget->rate != 0) {
        jt_bucket_put_back(&e->bucket, n);
    }
    if (e != NULL && budget->quota != 0 && e->known && day_of(taken) == day_of(now)) {
        e->reserved += n;
    }
    pthread_mutex_unlock(&b->mutex);
}

void jt_budgets_look(struct jt_budgets *b, const char *client, const struct jt_budget *budget,
                     struct jt_budget_time now, struct jt_budget_standing *out)
{
    *out = (struct jt_budget_standing){ .day_ends_s = day_ends_s(now) };
    pthread_mutex_lock(&b->mutex);
    struct entry *e = entry_of(b, client, budget, now);
    if (e != NULL && budget->rate != 0) {
        out->rate = e->bucket.rate;
        out->rate_left = jt_bucket_left(&e->bucket);
        out->rate_full_s = seconds(jt_bucket_wait_us(&e->bucket, e->bucket.rate));
    }
    if (e != NULL && budget->quota != 0) {
        out->quota_known = e->known;
        out->quota_left = e->reserved + e->left;
    }
    pthread_mutex_unlock(&b->mutex);
}

/* --- the table --- */

/* What is to be asked of the table; false: nothing, there is room. What goes back leaves the entry.
 */
static bool prepare(struct jt_budgets *b, const char *client, const struct jt_budget *budget,
                    uint32_t n, struct jt_budget_time now, struct jt_budget_part *part,
                    uint64_t *need)
{
    bool lacks = false;
    *part = (struct jt_budget_part){ .operation = budget->operation, .day = (uint32_t)day_of(now) };
    memcpy(part->client, client, strlen(client) + 1);
    pthread_mutex_lock(&b->mutex);
    struct entry *e = entry_of(b, client, budget, now);
    if (e != NULL && n > e->reserved) {
        lacks = true;
        *need = n - e->reserved;
        part->n = e->back;
        e->back = 0;
    }
    pthread_mutex_unlock(&b->mutex);
    return lacks;
}

/* Where the budget or the day is another one meanwhile, what was got goes back or is of no use. */
static void keep(struct jt_budgets *b, const struct jt_budget *budget,
                 const struct jt_budget_part *part, uint64_t granted, uint64_t used,
                 struct jt_budget_time now)
{
    pthread_mutex_lock(&b->mutex);
    struct entry *e = *chain_of(b, part->client, part->operation);
    while (e != NULL && (e->operation != part->operation || strcmp(e->client, part->client) != 0)) {
        e = e->next;
    }
    bool today = e != NULL && e->day == part->day;
    if (today && e->quota == budget->quota) {
        e->reserved += granted;
        e->left = used < budget->quota ? budget->quota - used : 0;
        e->known = true;
        e->asked_us = now.us;
    } else if (today) {
        e->back += granted;
    }
    pthread_mutex_unlock(&b->mutex);
}

/* One reservation a day crosses the mark, of all nodes' and whenever they start. */
static void warn(struct jt_counters *counters, const struct jt_budget_part *part, uint64_t granted,
                 uint64_t used, uint32_t quota)
{
    uint64_t mark = quota / 5 * 4 + quota % 5 * 4 / 5;
    if (granted > 0 && used >= mark && used - granted < mark) {
        jt_count(&counters->budget_quota_near, 1);
        jt_log(JT_LOG_WARNING,
               "client %s: of its quota of %" PRIu32 " a day for %s %" PRIu64 " are taken",
               part->client, quota, jt_permission_name(UINT32_C(1) << part->operation), used);
    }
}

enum jt_err jt_budgets_reserve(struct jt_budgets *b, struct jt_work_ctx *ctx, const char *client,
                               const struct jt_budget *budget, uint32_t n,
                               struct jt_budget_time now)
{
    struct jt_budget_part part;
    uint64_t need = 0, granted, used;
    if (!prepare(b, client, budget, n, now, &part, &need)) {
        return JT_OK;
    }
    uint64_t want = need + budget->quota / PARTS;
    enum jt_err err = jt_budget_reserve(ctx->db, &part, need, want, budget->quota, &granted, &used);
    if (err != JT_OK) {
        return err;
    }
    keep(b, budget, &part, granted, used, now);
    warn(&ctx->vault->counters, &part, granted, used, budget->quota);
    if (atomic_exchange(&b->pruned_day, day_of(now)) != day_of(now)) {
        if (jt_budget_prune(ctx->db, part.day) != JT_OK) {
            jt_fault_clear(&ctx->fault); /* old rows are in nobody's way */
        }
    }
    return JT_OK;
}

/* Takes up to IN_A_STATEMENT parts out of the entries; how many. */
static size_t gather(struct jt_budgets *b, struct jt_budget_part *parts)
{
    size_t n = 0;
    pthread_mutex_lock(&b->mutex);
    for (size_t i = 0; i < CHAINS; i++) {
        for (struct entry *e = b->chains[i]; e != NULL && n < IN_A_STATEMENT; e = e->next) {
            if (e->reserved + e->back > 0) {
                parts[n] = (struct jt_budget_part){ .operation = e->operation,
                                                    .day = (uint32_t)e->day,
                                                    .n = e->reserved + e->back };
                memcpy(parts[n++].client, e->client, sizeof e->client);
                e->reserved = e->back = 0;
            }
        }
    }
    pthread_mutex_unlock(&b->mutex);
    return n;
}

void jt_budgets_give_back(struct jt_budgets *b, struct jt_work_ctx *ctx)
{
    struct jt_budget_part *parts = calloc(IN_A_STATEMENT, sizeof *parts);
    enum jt_err err = b == NULL ? JT_OK : parts == NULL ? JT_ERR_NOMEM : JT_OK;
    size_t n = b == NULL || parts == NULL ? 0 : gather(b, parts);
    while (err == JT_OK && n > 0) {
        err = jt_budget_give_back(ctx->db, parts, n);
        n = gather(b, parts);
    }
    free(parts);
    if (err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "what clients have left of their quotas could not be given back: %s",
               jt_fault_line(&ctx->fault, err, line));
    }
}
