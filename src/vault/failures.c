/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/failures.h"

#include "base/clock.h"
#include "base/log.h"
#include "vault/duty.h"
#include "vault/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EVERY_MS   1000
#define ROOM       4096
#define KINDS      32  /* of one second */
#define IN_A_LINK  256 /* rows */
#define OBJECT_LEN 120
#define LATE_S     5 /* later than this, a row says when it was */

struct entry {
    enum jt_audit_action action;
    bool known;
    int status;
    char client[JT_CLIENT_ID_MAX + 1];
    char object[OBJECT_LEN];
    struct jt_origin origin; /* of the first */
    time_t second;
    uint32_t n;
};

struct jt_failures {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;
    enum jt_err told;

    pthread_mutex_t mutex; /* of what follows */
    struct entry entries[ROOM];
    size_t first, n;
    uint64_t n_lost;

    /* the duty's own: a link under way */
    struct entry taken[IN_A_LINK];
    struct jt_audit_row rows[IN_A_LINK + 1];
};

static bool same(const struct entry *e, const struct jt_failure *failure, time_t second)
{
    return e->second == second && e->action == failure->action && e->status == failure->status &&
           e->known == failure->known && e->origin.source_len == failure->origin->source_len &&
           memcmp(e->origin.source, failure->origin->source, sizeof e->origin.source) == 0 &&
           (!e->known ||
            (strcmp(e->client, failure->client) == 0 && strcmp(e->object, failure->object) == 0));
}

/* The entry of its kind in this second, a new one, or NULL: there is no room. */
static struct entry *entry_of(struct jt_failures *f, const struct jt_failure *failure,
                              time_t second)
{
    size_t kinds = 0;
    for (size_t i = f->n; i > 0; i--) {
        struct entry *e = &f->entries[(f->first + i - 1) % ROOM];
        if (e->second != second) {
            break;
        }
        if (same(e, failure, second)) {
            return e;
        }
        kinds++;
    }
    if (f->n == ROOM || kinds == KINDS) {
        return NULL;
    }
    struct entry *e = &f->entries[(f->first + f->n++) % ROOM];
    *e = (struct entry){ .action = failure->action,
                         .known = failure->known,
                         .status = failure->status,
                         .origin = *failure->origin,
                         .second = second };
    (void)snprintf(e->client, sizeof e->client, "%s", failure->client);
    (void)snprintf(e->object, sizeof e->object, "%s", failure->object);
    return e;
}

void jt_failures_note(struct jt_failures *f, const struct jt_failure *failure)
{
    if (f == NULL) {
        return;
    }
    pthread_mutex_lock(&f->mutex);
    struct entry *e = entry_of(f, failure, time(NULL));
    if (e != NULL) {
        e->n++;
    } else {
        f->n_lost++;
    }
    pthread_mutex_unlock(&f->mutex);
}

/* --- the duty --- */

/* Copies of the oldest entries whose second is over; all of them when it ends. */
static size_t take(struct jt_failures *f, bool all, uint64_t *n_lost)
{
    size_t n = 0;
    time_t now = time(NULL);
    pthread_mutex_lock(&f->mutex);
    while (n < f->n && n < IN_A_LINK && (all || f->entries[(f->first + n) % ROOM].second != now)) {
        f->taken[n] = f->entries[(f->first + n) % ROOM];
        n++;
    }
    *n_lost = n == f->n || all ? f->n_lost : 0;
    pthread_mutex_unlock(&f->mutex);
    return n;
}

static void let_go(struct jt_failures *f, size_t n, uint64_t n_lost)
{
    pthread_mutex_lock(&f->mutex);
    f->first = (f->first + n) % ROOM;
    f->n -= n;
    f->n_lost -= n_lost;
    pthread_mutex_unlock(&f->mutex);
}

/* What a login claimed to be counts only where there is such a client. */
static void check_client(struct jt_failures *f, struct entry *e)
{
    struct jt_client_row row;
    if (e->action == JT_AUDIT_LOGIN_REFUSED && e->client[0] != '\0' &&
        jt_sets_client(&f->ctx, e->client, &row) != JT_OK) {
        e->client[0] = '\0';
    }
}

static void tell_time(struct entry *e)
{
    struct tm tm;
    char at[24];
    size_t len = strlen(e->object);
    if (time(NULL) - e->second > LATE_S) {
        gmtime_r(&e->second, &tm);
        (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm);
        (void)snprintf(e->object + len, sizeof e->object - len, "%s%s", len > 0 ? ", " : "", at);
    }
}

static size_t make_rows(struct jt_failures *f, size_t n, uint64_t n_lost)
{
    for (size_t i = 0; i < n; i++) {
        struct entry *e = &f->taken[i];
        check_client(f, e);
        tell_time(e);
        f->rows[i] = (struct jt_audit_row){ .action = e->action,
                                            .result = (enum jt_err)e->status,
                                            .client = e->client,
                                            .object = e->object,
                                            .n_items = e->n,
                                            .origin = &e->origin };
    }
    if (n_lost > 0) {
        f->rows[n++] =
            (struct jt_audit_row){ .action = JT_AUDIT_LOST,
                                   .client = "",
                                   .object = "",
                                   .n_items = n_lost > INT32_MAX ? INT32_MAX : (uint32_t)n_lost };
    }
    return n;
}

/* One link of what waits; *more: there is more. */
static enum jt_err write_some(struct jt_failures *f, bool all, bool *more)
{
    uint64_t n_lost;
    size_t n = take(f, all, &n_lost);
    *more = n == IN_A_LINK;
    size_t n_rows = make_rows(f, n, n_lost);
    if (n_rows == 0) {
        return JT_OK;
    }
    jt_work_about(&f->ctx, "%zu refused requests", n);
    enum jt_err err = jt_audit_record_rows(f->ctx.db, f->rows, n_rows);
    if (err == JT_OK || err == JT_ERR_IN_DOUBT) { /* rather not at all than twice */
        let_go(f, n, n_lost);
    }
    return err;
}

static void write_all(struct jt_failures *f, bool all)
{
    bool more = true;
    enum jt_err err = JT_OK;
    while (more && err == JT_OK) {
        err = write_some(f, all, &more);
    }
    if (err != JT_OK && err != f->told) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "refused requests cannot be recorded now, and are kept: %s",
               jt_fault_line(&f->ctx.fault, err, line));
    }
    f->told = err;
}

static struct jt_again step(void *arg)
{
    write_all(arg, false);
    return (struct jt_again){ .ms = EVERY_MS };
}

enum jt_err jt_failures_start(struct jt_vault *vault, struct jt_failures **out)
{
    struct jt_failures *f = calloc(1, sizeof *f);
    *out = f;
    if (f == NULL) {
        return JT_ERR_NOMEM;
    }
    pthread_mutex_init(&f->mutex, NULL);
    enum jt_err err = jt_work_ctx_init(&f->ctx, vault, "jetond failures", JT_STATEMENT_TIMEOUT_MS);
    return err == JT_OK ? jt_duty_start(step, f, &f->duty) : err;
}

void jt_failures_stop(struct jt_failures *f)
{
    if (f == NULL) {
        return;
    }
    if (f->duty != NULL) {
        jt_duty_stop(f->duty);
        write_all(f, true);
    }
    jt_work_ctx_clear(&f->ctx);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}
