/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/directory.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/notice.h"
#include "base/secmem.h"
#include "crypto/digest.h"
#include "vault/client_check.h"
#include "vault/registry.h"

#include <stdlib.h>
#include <string.h>

#define FRESH_MS 1000
#define STALE_MS 5000
#define SETS     64
#define WAYS     4
/*
 * Of the workers' queue, look-ups of all loops together may take this much; the rest is for
 * refreshes of the ring and for operators.
 */
#define QUEUE_SHARE 768

struct client_slot {
    char id[JT_CLIENT_ID_MAX + 1];
    uint8_t secret_hash[JT_SHA256_LEN];
    struct jt_access access;
    int64_t checked_ms; /* 0: empty */
    uint64_t stamp;     /* of the sets when it was asked for */
};

struct field_slot {
    struct jt_field_spec spec;
    int64_t checked_ms; /* 0: empty */
    uint64_t stamp;     /* of the sets when it was asked for */
};

/* Somebody who waits for a look-up. */
struct waiter {
    struct waiter *next;
    jt_directory_client_fn *client_done; /* one of the two */
    jt_directory_field_fn *field_done;
    void *arg;
};

/* One look-up under way. Whoever asks the same meanwhile waits for it too, so a crowd costs one. */
struct lookup {
    struct jt_job job;
    struct jt_directory *directory;
    struct lookup *next;
    struct waiter *waiters; /* none: a refresh behind the scenes */
    uint64_t stamp;         /* of the sets when it began */
    bool is_client;

    /* what is asked: written before the worker has it, then read by both threads */
    struct jt_credential credential;
    uint8_t secret_hash[JT_SHA256_LEN];
    char field_name[JT_FIELD_NAME_MAX + 1];

    /* the answer: the worker's until it is done */
    enum jt_err err;
    struct jt_access access;
    struct jt_field_spec field;
};

struct jt_directory {
    struct jt_vault *vault;
    struct jt_inbox *inbox;
    struct lookup *under_way;
    int n_under_way;
    struct client_slot clients[SETS][WAYS];
    struct field_slot fields[SETS][WAYS];
};

/* FNV-1a; names are not secret, and a collision costs a look-up at worst. */
static size_t set_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * 16777619u;
    }
    return h % SETS;
}

/* The slot of that name, or the one to overwrite. */
static struct client_slot *client_slot(struct jt_directory *d, const char *id)
{
    struct client_slot *set = d->clients[set_of(id)], *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (strcmp(set[i].id, id) == 0) {
            return &set[i];
        }
        oldest = set[i].checked_ms < oldest->checked_ms ? &set[i] : oldest;
    }
    return oldest;
}

static struct field_slot *field_slot(struct jt_directory *d, const char *name)
{
    struct field_slot *set = d->fields[set_of(name)], *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (strcmp(set[i].spec.name, name) == 0) {
            return &set[i];
        }
        oldest = set[i].checked_ms < oldest->checked_ms ? &set[i] : oldest;
    }
    return oldest;
}

enum jt_err jt_directory_new(struct jt_vault *vault, struct jt_inbox *inbox,
                             struct jt_directory **out)
{
    struct jt_directory *d = calloc(1, sizeof *d);
    *out = d;
    if (d == NULL) {
        return JT_ERR_NOMEM;
    }
    d->vault = vault;
    d->inbox = inbox;
    return JT_OK;
}

void jt_directory_free(struct jt_directory *d)
{
    free(d);
}

/* --- look-ups --- */

/* Whether it was found out what was asked. */
static bool is_final(enum jt_err err)
{
    return err == JT_OK || err == JT_ERR_BAD_CREDENTIAL || err == JT_ERR_NO_FIELD;
}

static void run(struct jt_job *job, struct jt_work_ctx *ctx)
{
    static struct jt_notice failed = { .what = "look-ups of clients and fields failed" };
    struct lookup *l = jt_container_of(job, struct lookup, job);
    if (l->is_client) {
        jt_work_about(ctx, "client %s", l->credential.id);
        l->err = jt_client_check(ctx, &l->credential, &l->access);
    } else {
        jt_work_about(ctx, "field %s", jt_name_is_cardlike(l->field_name) ? "" : l->field_name);
        l->err = jt_registry_get_field(ctx, l->field_name, &l->field);
        if (l->err == JT_OK) {
            struct jt_card_rules ignored; /* a field is not in use under rules that nobody knows */
            l->err = jt_card_rules_decode(l->field.rules, l->field.rules_len, &ignored);
        }
    }
    if (!is_final(l->err)) {
        char line[JT_FAULT_LINE_LEN];
        jt_notice(&failed, jt_fault_line(&ctx->fault, l->err, line));
    }
}

static void remember(struct lookup *l)
{
    int64_t checked_ms = l->err == JT_OK ? jt_clock_ms() : 0;
    bool final = is_final(l->err);
    if (l->is_client) {
        struct client_slot *slot = client_slot(l->directory, l->credential.id);
        bool same = strcmp(slot->id, l->credential.id) == 0 &&
                    jt_equal_ct(slot->secret_hash, l->secret_hash, JT_SHA256_LEN);
        if (l->err == JT_OK) {
            memcpy(slot->id, l->credential.id, sizeof slot->id);
            memcpy(slot->secret_hash, l->secret_hash, sizeof slot->secret_hash);
            slot->access = l->access;
        }
        /* what was good is good no longer; a wrong secret says nothing of the right one */
        if (l->err == JT_OK || (final && same)) {
            slot->checked_ms = checked_ms;
            slot->stamp = l->stamp;
        }
    } else {
        struct field_slot *slot = field_slot(l->directory, l->field_name);
        bool same = strcmp(slot->spec.name, l->field_name) == 0;
        if (l->err == JT_OK) {
            slot->spec = l->field;
        }
        if (l->err == JT_OK || (final && same)) {
            slot->checked_ms = checked_ms;
            slot->stamp = l->stamp;
        }
    }
}

static void answer(struct waiter *w, const struct lookup *l, enum jt_err err)
{
    if (l->is_client) {
        w->client_done(w->arg, err, err == JT_OK ? &l->access : NULL);
    } else {
        w->field_done(w->arg, err, err == JT_OK ? &l->field : NULL);
    }
    free(w);
}

static void done(struct jt_job *job)
{
    struct lookup *l = jt_container_of(job, struct lookup, job);
    struct jt_directory *d = l->directory;
    struct lookup **at = &d->under_way;
    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    d->n_under_way--;
    remember(l);
    while (l->waiters != NULL) {
        struct waiter *w = l->waiters;
        l->waiters = w->next;
        answer(w, l, l->err);
    }
    jt_wipe(l, sizeof *l);
    free(l);
}

/* The look-up of the same thing that is under way, or NULL. */
static struct lookup *find(struct jt_directory *d, bool is_client, const char *name,
                           const uint8_t *secret_hash)
{
    for (struct lookup *l = d->under_way; l != NULL; l = l->next) {
        if (l->is_client == is_client && l->stamp == atomic_load(&d->vault->sets.stamp) &&
            strcmp(is_client ? l->credential.id : l->field_name, name) == 0 &&
            (!is_client || jt_equal_ct(l->secret_hash, secret_hash, JT_SHA256_LEN))) {
            return l;
        }
    }
    return NULL;
}

/* A look-up handed to the workers, or NULL when that cannot be. */
static struct lookup *start(struct jt_directory *d, bool is_client, const char *name,
                            const struct jt_credential *credential, const uint8_t *secret_hash)
{
    int n_loops = d->vault->n_loops > 0 ? d->vault->n_loops : 1;
    struct lookup *l = d->n_under_way < QUEUE_SHARE / n_loops ? calloc(1, sizeof *l) : NULL;
    if (l == NULL) {
        return NULL;
    }
    l->job = (struct jt_job){ .run = run, .done = done, .inbox = d->inbox };
    l->directory = d;
    l->stamp = atomic_load(&d->vault->sets.stamp);
    l->is_client = is_client;
    if (is_client) {
        l->credential = *credential;
        memcpy(l->secret_hash, secret_hash, sizeof l->secret_hash);
    } else {
        memcpy(l->field_name, name, strlen(name) + 1);
    }
    if (jt_workers_post(d->vault->workers, &l->job) != JT_OK) {
        jt_wipe(l, sizeof *l);
        free(l);
        return NULL;
    }
    l->next = d->under_way;
    d->under_way = l;
    d->n_under_way++;
    return l;
}

static bool wait_for(struct lookup *l, jt_directory_client_fn *client_done,
                     jt_directory_field_fn *field_done, void *arg)
{
    struct waiter *w = l == NULL ? NULL : calloc(1, sizeof *w);
    if (w == NULL) {
        return false;
    }
    *w = (struct waiter){
        .next = l->waiters, .client_done = client_done, .field_done = field_done, .arg = arg
    };
    l->waiters = w;
    return true;
}

/* --- what is asked --- */

void jt_directory_client(struct jt_directory *d, const struct jt_credential *credential,
                         jt_directory_client_fn *client_done, void *arg)
{
    uint8_t hash[JT_SHA256_LEN];
    if (jt_sha256(credential->secret, sizeof credential->secret, hash) != JT_OK) {
        client_done(arg, JT_ERR_CRYPTO, NULL);
        return;
    }
    const struct client_slot *slot = client_slot(d, credential->id);
    int64_t now_ms = jt_clock_ms();
    int64_t age = now_ms - slot->checked_ms;
    int64_t until_ms = slot->access.good_until_ms;
    uint64_t stamp = atomic_load(&d->vault->sets.stamp);
    bool known = slot->checked_ms != 0 && age < STALE_MS && slot->stamp == stamp &&
                 (until_ms == 0 || now_ms < until_ms) && strcmp(slot->id, credential->id) == 0 &&
                 jt_equal_ct(slot->secret_hash, hash, sizeof hash);
    struct lookup *l = NULL;
    if (!known || age >= FRESH_MS) {
        l = find(d, true, credential->id, hash);
        l = l == NULL ? start(d, true, credential->id, credential, hash) : l;
    }
    if (known) {
        client_done(arg, JT_OK, &slot->access);
    } else if (!wait_for(l, client_done, NULL, arg)) {
        client_done(arg, JT_ERR_BUSY, NULL);
    }
}

void jt_directory_field(struct jt_directory *d, const char *name, jt_directory_field_fn *field_done,
                        void *arg)
{
    if (!jt_field_name_valid(name)) {
        field_done(arg, JT_ERR_NO_FIELD, NULL);
        return;
    }
    const struct field_slot *slot = field_slot(d, name);
    int64_t age = jt_clock_ms() - slot->checked_ms;
    uint64_t stamp = atomic_load(&d->vault->sets.stamp);
    bool known = slot->checked_ms != 0 && age < STALE_MS && slot->stamp == stamp &&
                 strcmp(slot->spec.name, name) == 0;
    struct lookup *l = NULL;
    if (!known || age >= FRESH_MS) {
        l = find(d, false, name, NULL);
        l = l == NULL ? start(d, false, name, NULL, NULL) : l;
    }
    if (known) {
        field_done(arg, JT_OK, &slot->spec);
    } else if (!wait_for(l, NULL, field_done, arg)) {
        field_done(arg, JT_ERR_BUSY, NULL);
    }
}
