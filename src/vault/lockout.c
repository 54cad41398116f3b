/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/lockout.h"

#include "base/clock.h"
#include "base/notice.h"
#include "base/random.h"
#include "store/lockouts.h"

#include <stdlib.h>
#include <string.h>

/* Pairs of one place share a set. */
#define WAYS 64
#define SETS (JT_LOCKOUT_MAX_ROWS / WAYS)

#define LOCK_MS (JT_LOCKOUT_S * 1000ll)
#define OVERLAP_MS \
    10000 /* a transaction of another node may have begun so long before it is seen */
#define PRUNE_MS 60000

struct pair {
    char client[JT_CLIENT_ID_MAX + 1];
    struct jt_source place;
    bool used;
    uint32_t n;         /* failures that count together */
    uint32_t n_unsaved; /* of them: not in the table yet */
    int64_t last_ms;
    int64_t locked_until_ms; /* 0: not locked out */
};

struct set {
    _Atomic uint32_t n_locked; /* looked at without the lock: most often 0 */
    struct pair pairs[WAYS];
};

struct jt_lockout {
    pthread_mutex_t mutex; /* of all pairs */
    uint64_t seed;         /* so that nobody chooses who shares a set with whom */
    struct set sets[SETS];
    _Atomic bool unsaved; /* some pair is not in the table as it is here */

    /* the heartbeat's own */
    int64_t read_ms; /* when the table was read last; 0: never */
    int64_t pruned_ms;
    struct jt_login_failure batch[JT_LOCKOUT_BATCH];
};

enum jt_err jt_lockout_new(struct jt_lockout **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return JT_ERR_NOMEM;
    }
    jt_random_fill(&(*out)->seed, sizeof(*out)->seed);
    pthread_mutex_init(&(*out)->mutex, NULL);
    return JT_OK;
}

void jt_lockout_free(struct jt_lockout *l)
{
    if (l != NULL) {
        pthread_mutex_destroy(&l->mutex);
        free(l);
    }
}

/* --- pairs --- */

static struct set *set_of(struct jt_lockout *l, const struct jt_source *place)
{
    uint64_t h = l->seed ^ place->family;
    for (size_t i = 0; i < sizeof place->address; i += 4) {
        h = (h ^ place->address[i] ^ (uint64_t)place->address[i + 1] << 8 ^
             (uint64_t)place->address[i + 2] << 16 ^ (uint64_t)place->address[i + 3] << 24) *
            0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
    }
    return &l->sets[h % SETS];
}

/* What could be a card number is named nowhere: all such names of a place are one. */
static const char *name_of(const char *client)
{
    return jt_name_is_cardlike(client) ? "" : client;
}

static struct pair *find(struct set *set, const char *client, const struct jt_source *place)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct pair *p = &set->pairs[i];
        if (p->used && memcmp(&p->place, place, sizeof *place) == 0 &&
            strcmp(p->client, client) == 0) {
            return p;
        }
    }
    return NULL;
}

static bool is_locked(const struct pair *p, int64_t now_ms)
{
    return p->locked_until_ms > now_ms;
}

/* Whether a is farther from a lock-out than b. */
static bool farther(const struct pair *a, const struct pair *b, int64_t now_ms)
{
    if (a->used != b->used) {
        return !a->used;
    }
    bool a_locked = is_locked(a, now_ms);
    bool b_locked = is_locked(b, now_ms);
    if (a_locked != b_locked) {
        return !a_locked;
    }
    return a->n != b->n ? a->n < b->n : a->last_ms < b->last_ms;
}

static void unlock(struct set *set, struct pair *p)
{
    if (p->locked_until_ms != 0) {
        atomic_fetch_sub(&set->n_locked, 1);
        p->locked_until_ms = 0;
    }
}

static void lock_until(struct set *set, struct pair *p, int64_t until_ms)
{
    unlock(set, p);
    p->locked_until_ms = until_ms;
    atomic_fetch_add(&set->n_locked, 1);
}

/* The pair, or a fresh one in the place of the farthest. */
static struct pair *take(struct set *set, const char *client, const struct jt_source *place,
                         int64_t now_ms)
{
    struct pair *p = find(set, client, place);
    if (p != NULL) {
        return p;
    }
    p = &set->pairs[0];
    for (size_t i = 1; i < WAYS; i++) {
        p = farther(&set->pairs[i], p, now_ms) ? &set->pairs[i] : p;
    }
    unlock(set, p);
    *p = (struct pair){ .used = true, .place = *place };
    memcpy(p->client, client, strlen(client) + 1);
    return p;
}

/* Forgets what counts no longer. */
static void refresh(struct set *set, struct pair *p, int64_t now_ms)
{
    bool over = p->locked_until_ms != 0 && !is_locked(p, now_ms);
    if (over || now_ms - p->last_ms > LOCK_MS) {
        unlock(set, p);
        p->n = 0;
    }
}

int64_t jt_lockout_left_ms(struct jt_lockout *l, const char *client, const struct jt_source *source,
                           int64_t now_ms)
{
    const struct jt_source place = jt_source_place(source);
    struct set *set = set_of(l, &place);
    if (atomic_load_explicit(&set->n_locked, memory_order_relaxed) == 0) {
        return 0;
    }
    int64_t left_ms = 0;
    pthread_mutex_lock(&l->mutex);
    struct pair *p = find(set, name_of(client), &place);
    if (p != NULL) {
        refresh(set, p, now_ms);
        left_ms = is_locked(p, now_ms) ? p->locked_until_ms - now_ms : 0;
    }
    pthread_mutex_unlock(&l->mutex);
    return left_ms;
}

void jt_lockout_failed(struct jt_lockout *l, const char *client, const struct jt_source *source,
                       int64_t now_ms)
{
    const struct jt_source place = jt_source_place(source);
    struct set *set = set_of(l, &place);
    pthread_mutex_lock(&l->mutex);
    struct pair *p = take(set, name_of(client), &place, now_ms);
    refresh(set, p, now_ms);
    if (!is_locked(p, now_ms)) {
        p->n++;
        p->n_unsaved++;
        p->last_ms = now_ms;
        if (p->n >= JT_LOCKOUT_FAILURES) {
            lock_until(set, p, now_ms + LOCK_MS);
        }
        atomic_store(&l->unsaved, true);
    }
    pthread_mutex_unlock(&l->mutex);
}

/* --- all nodes --- */

/* Takes what is to be added to the table; how many. */
static size_t gather(struct jt_lockout *l)
{
    size_t n = 0;
    pthread_mutex_lock(&l->mutex);
    atomic_store(&l->unsaved, false);
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
        struct pair *p = &l->sets[i / WAYS].pairs[i % WAYS];
        if (p->n_unsaved == 0) {
            continue;
        }
        if (n == JT_LOCKOUT_BATCH) {
            atomic_store(&l->unsaved, true); /* the rest in the next second */
            break;
        }
        struct jt_login_failure *f = &l->batch[n++];
        *f = (struct jt_login_failure){ .n = p->n_unsaved };
        memcpy(f->client, p->client, sizeof f->client);
        jt_source_format(&p->place, f->place);
        p->n_unsaved = 0;
    }
    pthread_mutex_unlock(&l->mutex);
    return n;
}

/* Puts back what could not be added. */
static void put_back(struct jt_lockout *l, size_t n)
{
    pthread_mutex_lock(&l->mutex);
    for (size_t i = 0; i < n; i++) {
        struct jt_source place;
        struct pair *p = NULL;
        if (jt_source_parse(l->batch[i].place, &place)) {
            p = find(set_of(l, &place), l->batch[i].client, &place);
        }
        if (p != NULL) {
            p->n_unsaved += l->batch[i].n;
            atomic_store(&l->unsaved, true);
        }
    }
    pthread_mutex_unlock(&l->mutex);
}

/* As long as anything counts, at most. */
static int64_t bounded_ms(uint64_t ms)
{
    return ms < (uint64_t)LOCK_MS ? (int64_t)ms : LOCK_MS;
}

/* What a row says, in a pair of its own. */
static void merge(struct set *set, struct pair *p, const struct jt_login_failure *f, int64_t now_ms)
{
    int64_t last_ms = now_ms - bounded_ms(f->age_ms);
    uint32_t total = f->n + p->n_unsaved;
    if (f->n == 0 && f->locked_ms == 0 && p->n_unsaved == 0) {
        unlock(set, p); /* it was let in again, or its time is over */
        p->n = 0;
    }
    p->n = total > p->n ? total : p->n;
    p->last_ms = last_ms > p->last_ms ? last_ms : p->last_ms;
    if (f->locked_ms > 0 && !is_locked(p, now_ms)) {
        lock_until(set, p, now_ms + bounded_ms(f->locked_ms));
    }
}

void jt_lockout_learn(struct jt_lockout *l, const struct jt_login_failure *f, int64_t now_ms)
{
    struct jt_source place;
    bool named = f->client[0] == '\0' || jt_client_id_valid(f->client);
    if (!named || jt_name_is_cardlike(f->client) || !jt_source_parse(f->place, &place)) {
        return; /* in no form of ours: it is nobody's */
    }
    struct set *set = set_of(l, &place);
    pthread_mutex_lock(&l->mutex);
    bool matters = f->n > 0 || f->locked_ms > 0;
    struct pair *p = matters ? take(set, f->client, &place, now_ms) : find(set, f->client, &place);
    if (p != NULL) {
        merge(set, p, f, now_ms);
    }
    pthread_mutex_unlock(&l->mutex);
}

struct learning {
    struct jt_lockout *l;
    int64_t now_ms;
};

static void learn(void *arg, const struct jt_login_failure *f)
{
    const struct learning *learning = arg;
    jt_lockout_learn(learning->l, f, learning->now_ms);
}

static enum jt_err save(struct jt_lockout *l, struct jt_work_ctx *ctx)
{
    size_t n = atomic_load(&l->unsaved) ? gather(l) : 0;
    enum jt_err err = n > 0 ? jt_lockouts_add(ctx->db, l->batch, n) : JT_OK;
    if (err != JT_OK) {
        put_back(l, n);
    }
    return err;
}

static enum jt_err read_table(struct jt_lockout *l, struct jt_work_ctx *ctx, int64_t now_ms)
{
    struct learning learning = { l, now_ms };
    int64_t age_ms = l->read_ms == 0 ? LOCK_MS : now_ms - l->read_ms + OVERLAP_MS;
    enum jt_err err = jt_lockouts_since(ctx->db, (uint64_t)(age_ms < LOCK_MS ? age_ms : LOCK_MS),
                                        learn, &learning);
    if (err == JT_OK) {
        l->read_ms = now_ms;
    }
    return err;
}

void jt_lockout_keep_up(struct jt_lockout *l, struct jt_work_ctx *ctx)
{
    static struct jt_notice failed = { .what = "failed logins could not be shared with all nodes" };
    int64_t now_ms = jt_clock_ms();
    enum jt_err err = save(l, ctx);
    if (err == JT_OK) {
        err = read_table(l, ctx, now_ms);
    }
    if (err == JT_OK && now_ms - l->pruned_ms > PRUNE_MS) {
        l->pruned_ms = now_ms;
        err = jt_lockouts_prune(ctx->db);
    }
    if (err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_notice(&failed, jt_fault_line(&ctx->fault, err, line));
    }
}
