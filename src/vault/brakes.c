/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/brakes.h"

#include "base/log.h"
#include "base/notice.h"
#include "vault/duty.h"
#include "vault/failures.h"
#include "vault/workers.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EVERY_MS       1000
#define PRUNE_STEPS    60
#define READ_AT_START  65536
#define ALARMS         64 /* clients and acts of which the log was told, at most, in an hour */
#define STATUS_REFUSED 429
#define HOUR_S         3600
#define DAY_S          86400

struct alarm {
    char client[JT_CLIENT_ID_MAX + 1];
    enum jt_guess_act act;
    time_t hour;
};

struct jt_brakes {
    struct jt_vault *vault;
    struct jt_guess_limit limits[JT_N_GUESS_ACTS]; /* by act, less 1; n 0: none */
    struct jt_guess_table *table;
    struct jt_work_ctx ctx;
    struct jt_duty *duty;

    pthread_mutex_t mutex; /* of the alarms */
    struct alarm alarms[ALARMS];

    /* the duty's own */
    bool was_read;
    int steps;       /* until it is pruned */
    uint64_t n_lost; /* of what the counter has */
    enum jt_err told;
    struct jt_guess_count counts[JT_GUESS_BATCH];
};

static const char *const act_names[] = { "lookup", "tokenize" };

/* --- tries --- */

bool jt_brakes_on(const struct jt_brakes *b, enum jt_guess_act act)
{
    return b != NULL && b->limits[act - 1].n > 0;
}

uint32_t jt_brakes_today(void)
{
    return (uint32_t)(time(NULL) / DAY_S);
}

uint32_t jt_brakes_day_left_s(void)
{
    return DAY_S - (uint32_t)(time(NULL) % DAY_S);
}

void jt_brakes_hold(struct jt_brakes *b, enum jt_guess_act act, uint32_t day,
                    struct jt_guess_try *tries, size_t n)
{
    /* what a lookup answers is settled when it is counted; what is stored is stored by then */
    jt_guess_table_hold(b->table, &b->limits[act - 1], day, tries, n, act == JT_GUESS_TOKENIZE);
}

void jt_brakes_count(struct jt_brakes *b, enum jt_guess_act act, uint32_t day,
                     struct jt_guess_try *tries, size_t n)
{
    jt_guess_table_count(b->table, &b->limits[act - 1], day, tries, n);
}

/* --- telling --- */

/* Whether the log is to be told: it was not in this hour, and it is not told of too many. */
static bool is_news(struct jt_brakes *b, enum jt_guess_act act, const char *client)
{
    time_t hour = time(NULL) / HOUR_S;
    struct alarm *place = NULL;
    bool known = false;
    pthread_mutex_lock(&b->mutex);
    for (size_t i = 0; i < ALARMS && !known; i++) {
        struct alarm *a = &b->alarms[i];
        known = a->hour == hour && a->act == act && strcmp(a->client, client) == 0;
        place = a->hour != hour ? a : place;
    }
    if (!known && place != NULL) {
        *place = (struct alarm){ .act = act, .hour = hour };
        memcpy(place->client, client, strlen(client) + 1);
    }
    pthread_mutex_unlock(&b->mutex);
    return !known && place != NULL;
}

void jt_brakes_tell(struct jt_brakes *b, enum jt_guess_act act, const char *client,
                    const struct jt_origin *origin, size_t n)
{
    struct jt_counters *c = &b->vault->counters;
    jt_count(act == JT_GUESS_LOOKUP ? &c->guess_lookup_refused : &c->guess_tokenize_refused, n);
    jt_failures_note(b->vault->failures, &(struct jt_failure){ .action = JT_AUDIT_GUESS_BRAKE,
                                                               .known = true,
                                                               .status = STATUS_REFUSED,
                                                               .client = client,
                                                               .object = act_names[act - 1],
                                                               .origin = origin });
    if (is_news(b, act, client)) {
        jt_log(JT_LOG_ERROR,
               "alarm: client %s may be guessing card numbers: it %s as many with one BIN and last "
               "four as a client may in a day",
               client, act == JT_GUESS_LOOKUP ? "looked up in vain" : "tokenized new ones,");
    }
}

/* --- the duty --- */

static void learn(void *arg, const struct jt_guess_count *count)
{
    jt_guess_table_learn(arg, count);
}

static enum jt_err read_back(struct jt_brakes *b)
{
    if (b->was_read) {
        return JT_OK;
    }
    enum jt_err err =
        jt_guesses_of_day(b->ctx.db, jt_brakes_today(), READ_AT_START, learn, b->table);
    b->was_read = err == JT_OK;
    return err;
}

static enum jt_err add_some(struct jt_brakes *b, size_t *n)
{
    *n = jt_guess_table_gather(b->table, b->counts, JT_GUESS_BATCH);
    enum jt_err err = *n > 0 ? jt_guesses_add(b->ctx.db, b->counts, *n) : JT_OK;
    if (err != JT_OK) {
        jt_guess_table_put_back(b->table, b->counts, *n);
    }
    for (size_t i = 0; i < *n && err == JT_OK; i++) {
        jt_guess_table_learn(b->table, &b->counts[i]);
    }
    return err;
}

static enum jt_err prune(struct jt_brakes *b)
{
    uint64_t n = 0;
    if (b->steps-- > 0) {
        return JT_OK;
    }
    enum jt_err err = jt_guesses_prune(b->ctx.db, jt_brakes_today(), &n);
    b->steps = n == JT_GUESS_BATCH ? 0 : PRUNE_STEPS;
    return err;
}

static void count_lost(struct jt_brakes *b)
{
    uint64_t n = jt_guess_table_figures(b->table).n_pushed;
    jt_count(&b->vault->counters.guess_counts_lost, n - b->n_lost);
    b->n_lost = n;
}

static struct jt_again step(void *arg)
{
    struct jt_brakes *b = arg;
    size_t n = 0;
    jt_work_about(&b->ctx, "guess brakes");
    count_lost(b);
    enum jt_err err = read_back(b);
    if (err == JT_OK) {
        err = add_some(b, &n);
    }
    if (err == JT_OK) {
        err = prune(b);
    }
    if (err != JT_OK && err != b->told) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "guesses are counted in this front's memory only: %s",
               jt_fault_line(&b->ctx.fault, err, line));
    }
    b->told = err;
    return (struct jt_again){ .ms = err == JT_OK && n == JT_GUESS_BATCH ? 0 : EVERY_MS };
}

/* --- life --- */

enum jt_err jt_brakes_start(struct jt_vault *vault, struct jt_brakes **out)
{
    struct jt_brakes *b = calloc(1, sizeof *b);
    *out = b;
    if (b == NULL) {
        return JT_ERR_NOMEM;
    }
    b->vault = vault;
    b->limits[JT_GUESS_LOOKUP - 1].n = (uint32_t)vault->conf->front_guess_lookup;
    b->limits[JT_GUESS_TOKENIZE - 1] =
        (struct jt_guess_limit){ .n = (uint32_t)vault->conf->front_guess_tokenize,
                                 .blurred = true };
    pthread_mutex_init(&b->mutex, NULL);
    enum jt_err err = jt_guess_table_new(JT_GUESS_CLASSES, JT_GUESS_CARDS, &b->table);
    if (err == JT_OK) {
        err = jt_work_ctx_init(&b->ctx, vault, "jetond brakes", JT_STATEMENT_TIMEOUT_MS);
    }
    if (err == JT_OK) {
        (void)step(b); /* what was counted before is there before the first request comes */
        err = jt_duty_start(step, b, &b->duty);
    }
    return err;
}

void jt_brakes_stop(struct jt_brakes *b)
{
    if (b == NULL) {
        return;
    }
    if (b->duty != NULL) {
        jt_duty_stop(b->duty);
        (void)step(b);
    }
    jt_work_ctx_clear(&b->ctx);
    jt_guess_table_free(b->table);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}
