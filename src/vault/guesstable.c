/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/guesstable.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS        8
#define PARTS       16 /* of a limit: so much more than in the database goes there */
#define BLUR        4  /* up to so small a part of the limit less */
#define DUE_AT_ONCE 8192
#define AHEAD       8

struct counted {
    uint8_t mac[JT_ROW_MAC_LEN];
    uint32_t day; /* 0: free */
    uint32_t n;   /* as far as is known here */
    uint32_t n_unsaved;
    bool due; /* stands in `due` */
};

/* How often a class came in the call under way. A call has at most half as many tries. */
#define WITHIN 4096
_Static_assert(WITHIN >= 2 * JT_GUESS_TRIES, "there is always a free place");
struct within {
    uint32_t call; /* of another call: free */
    uint32_t tag;
    uint32_t n;
};

struct jt_guess_table {
    pthread_mutex_t mutex;
    struct counted *classes;
    uint32_t *tags;  /* of the classes, a set in a line of the processor's cache; 0: free */
    uint32_t *cards; /* 0: free */
    uint32_t class_sets, card_sets;
    struct jt_guess_figures figures;
    uint32_t latest;  /* the latest day that anything was counted on */
    uint32_t highest; /* count of a class on it */
    uint32_t call;
    struct within within[WITHIN];
    size_t n_due;
    uint32_t due[DUE_AT_ONCE]; /* places of classes */
};

enum jt_err jt_guess_table_new(uint32_t n_classes, uint32_t n_cards, struct jt_guess_table **out)
{
    struct jt_guess_table *t = calloc(1, sizeof *t);
    *out = t;
    if (t == NULL) {
        return JT_ERR_NOMEM;
    }
    pthread_mutex_init(&t->mutex, NULL);
    t->class_sets = n_classes / WAYS;
    t->card_sets = n_cards / WAYS;
    t->classes = calloc(n_classes, sizeof *t->classes);
    t->tags = calloc(n_classes, sizeof *t->tags);
    t->cards = calloc(n_cards, sizeof *t->cards);
    if (t->classes == NULL || t->tags == NULL || t->cards == NULL) {
        jt_guess_table_free(t);
        *out = NULL;
        return JT_ERR_NOMEM;
    }
    return JT_OK;
}

void jt_guess_table_free(struct jt_guess_table *t)
{
    if (t != NULL) {
        pthread_mutex_destroy(&t->mutex);
        free(t->classes);
        free(t->tags);
        free(t->cards);
        free(t);
    }
}

/* --- classes --- */

/* 32 bits of a MAC as what stands in a place that is taken. */
static uint32_t tag_of(const uint8_t *bits)
{
    uint32_t tag = jt_get_u32(bits);
    return tag != 0 ? tag : 1;
}

static size_t class_set(const struct jt_guess_table *t, const uint8_t *mac)
{
    return (size_t)(jt_get_u32(mac) & (t->class_sets - 1)) * WAYS;
}

static size_t card_set(const struct jt_guess_table *t, const uint8_t *mac)
{
    return (size_t)(jt_get_u32(mac) & (t->card_sets - 1)) * WAYS;
}

static struct counted *find(struct jt_guess_table *t, const uint8_t *mac, uint32_t day)
{
    size_t set = class_set(t, mac);
    uint32_t tag = tag_of(mac + 4);
    for (size_t i = set; i < set + WAYS; i++) {
        struct counted *c = &t->classes[i];
        if (t->tags[i] == tag && c->day == day && memcmp(c->mac, mac, sizeof c->mac) == 0) {
            return c;
        }
    }
    return NULL;
}

/* Whether `a` may rather be forgotten than `b`: earlier days first, then the lower count. */
static bool rather(const struct counted *a, const struct counted *b)
{
    return a->day != b->day ? a->day < b->day : a->n < b->n;
}

/* A place of the set for another class; NULL: all wait for the database. */
static struct counted *make_room(struct jt_guess_table *t, size_t set, uint32_t day)
{
    struct counted *victim = NULL;
    for (size_t i = set; i < set + WAYS; i++) {
        if (t->tags[i] == 0) {
            return &t->classes[i];
        }
    }
    for (size_t i = set; i < set + WAYS; i++) {
        struct counted *c = &t->classes[i];
        if (!c->due && (victim == NULL || rather(c, victim))) {
            victim = c;
        }
    }
    if (victim != NULL && victim->day == day) {
        t->figures.n_pushed += victim->n_unsaved;
    }
    return victim;
}

/* The class, or a fresh one in the place of another; NULL: there is no room. */
static struct counted *take(struct jt_guess_table *t, const uint8_t *mac, uint32_t day)
{
    struct counted *c = find(t, mac, day);
    if (c != NULL) {
        return c;
    }
    c = make_room(t, class_set(t, mac), day);
    if (c != NULL) {
        *c = (struct counted){ .day = day };
        memcpy(c->mac, mac, sizeof c->mac);
        t->tags[c - t->classes] = tag_of(mac + 4);
    }
    return c;
}

static uint32_t limit_of(const struct jt_guess_limit *limit, const uint8_t *mac)
{
    uint32_t spread = limit->blurred ? limit->n / BLUR + 1 : 1;
    return limit->n - jt_get_u32(mac + 12) % spread;
}

/* A count has risen. */
static void note_highest(struct jt_guess_table *t, const struct counted *c)
{
    if (c->day > t->latest) {
        t->latest = c->day;
        t->highest = 0;
    }
    if (c->day == t->latest && c->n > t->highest) {
        t->highest = c->n;
    }
}

static void note_due(struct jt_guess_table *t, const struct jt_guess_limit *limit,
                     struct counted *c)
{
    uint32_t part = limit->n / PARTS > 0 ? limit->n / PARTS : 1;
    bool reached = c->n >= limit_of(limit, c->mac);
    if (!c->due && (c->n_unsaved >= part || reached) && t->n_due < DUE_AT_ONCE) {
        c->due = true;
        t->due[t->n_due++] = (uint32_t)(c - t->classes);
    }
}

/* --- cards --- */

/* Whether it is the first try of the card today; then it is remembered. */
static bool is_first(struct jt_guess_table *t, const uint8_t *mac)
{
    uint32_t *set = &t->cards[card_set(t, mac)];
    uint32_t tag = tag_of(mac + 4);
    size_t free_at = jt_get_u32(mac + 8) % WAYS; /* any one goes when all places are taken */
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i] == tag) {
            return false;
        }
        free_at = set[i] == 0 ? i : free_at;
    }
    set[free_at] = tag;
    return true;
}

/* --- tries --- */

/* How many of the class came in this call before. */
static uint32_t came_before(struct jt_guess_table *t, const uint8_t *mac)
{
    uint32_t tag = jt_get_u32(mac + 8);
    size_t at = jt_get_u32(mac + 4) % WITHIN;
    while (t->within[at].call == t->call && t->within[at].tag != tag) {
        at = (at + 1) % WITHIN;
    }
    struct within *w = &t->within[at];
    if (w->call != t->call) {
        *w = (struct within){ .call = t->call, .tag = tag };
    }
    return w->n++;
}

/*
 * What comes in a moment is asked for now: the tables are larger than any cache, and a batch walks
 * through them at random.
 */
static void ask_ahead(const struct jt_guess_table *t, const struct jt_guess_try *tries, size_t n,
                      size_t i)
{
    if (i + AHEAD < n) {
        const struct jt_guess_result *macs = tries[i + AHEAD].macs;
        __builtin_prefetch(&t->tags[class_set(t, macs->class_mac)]);
        __builtin_prefetch(&t->cards[card_set(t, macs->card_mac)], 1);
    }
}

void jt_guess_table_hold(struct jt_guess_table *t, const struct jt_guess_limit *limit, uint32_t day,
                         struct jt_guess_try *tries, size_t n, bool within)
{
    /* as a rule no class comes near its limit, and so none is looked for */
    uint32_t least = limit->n - (limit->blurred ? limit->n / BLUR : 0);
    pthread_mutex_lock(&t->mutex);
    t->call++;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *mac = tries[i].macs->class_mac;
        uint32_t so_far = within ? came_before(t, mac) : 0;
        if (day < t->latest || (day == t->latest && t->highest + so_far >= least)) {
            const struct counted *c = find(t, mac, day);
            so_far += c == NULL ? 0 : c->n;
        }
        tries[i].held = so_far >= limit_of(limit, mac);
    }
    pthread_mutex_unlock(&t->mutex);
}

static void count_one(struct jt_guess_table *t, const struct jt_guess_limit *limit, uint32_t day,
                      struct jt_guess_try *try)
{
    const uint8_t *mac = try->macs->class_mac;
    struct counted *c = try->counts ? take(t, mac, day) : find(t, mac, day);
    try->held = c != NULL && c->n >= limit_of(limit, mac);
    if (try->held || !try->counts || !is_first(t, try->macs->card_mac)) {
        return;
    }
    t->figures.n_counted++;
    if (c == NULL) {
        t->figures.n_pushed++;
        return;
    }
    c->n++;
    c->n_unsaved++;
    note_highest(t, c);
    note_due(t, limit, c);
}

void jt_guess_table_count(struct jt_guess_table *t, const struct jt_guess_limit *limit,
                          uint32_t day, struct jt_guess_try *tries, size_t n)
{
    pthread_mutex_lock(&t->mutex);
    for (size_t i = 0; i < n; i++) {
        ask_ahead(t, tries, n, i);
        count_one(t, limit, day, &tries[i]);
    }
    pthread_mutex_unlock(&t->mutex);
}

/* --- the database --- */

size_t jt_guess_table_gather(struct jt_guess_table *t, struct jt_guess_count *counts, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&t->mutex);
    while (n < max && t->n_due > 0) {
        struct counted *c = &t->classes[t->due[--t->n_due]];
        counts[n] = (struct jt_guess_count){ .day = c->day, .n = c->n_unsaved };
        memcpy(counts[n++].class_mac, c->mac, sizeof c->mac);
        c->n_unsaved = 0;
        c->due = false;
    }
    pthread_mutex_unlock(&t->mutex);
    return n;
}

void jt_guess_table_put_back(struct jt_guess_table *t, const struct jt_guess_count *counts,
                             size_t n)
{
    pthread_mutex_lock(&t->mutex);
    for (size_t i = 0; i < n; i++) {
        struct counted *c = find(t, counts[i].class_mac, counts[i].day);
        if (c == NULL) {
            t->figures.n_pushed += counts[i].n;
            continue;
        }
        c->n_unsaved += counts[i].n;
        if (!c->due && t->n_due < DUE_AT_ONCE) {
            c->due = true;
            t->due[t->n_due++] = (uint32_t)(c - t->classes);
        }
    }
    pthread_mutex_unlock(&t->mutex);
}

void jt_guess_table_learn(struct jt_guess_table *t, const struct jt_guess_count *count)
{
    pthread_mutex_lock(&t->mutex);
    struct counted *c = take(t, count->class_mac, count->day);
    if (c != NULL && c->n < count->n + c->n_unsaved) {
        c->n = count->n + c->n_unsaved;
        note_highest(t, c);
    }
    pthread_mutex_unlock(&t->mutex);
}

struct jt_guess_figures jt_guess_table_figures(struct jt_guess_table *t)
{
    pthread_mutex_lock(&t->mutex);
    struct jt_guess_figures figures = t->figures;
    pthread_mutex_unlock(&t->mutex);
    return figures;
}
