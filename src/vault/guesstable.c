/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/guesstable.h"

#include "base/random.h"

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

/*
 * What came in the pass under way: classes with a number of tries, and cards, which are as
 * different from classes as from one another. At most one of each for a try.
 */
#define WITHIN 8192
_Static_assert(WITHIN >= 4 * JT_GUESS_TRIES, "half the places are always free");
struct within {
    uint32_t pass; /* of another pass: free */
    uint32_t tag;
    uint32_t n;
};

struct jt_guess_table {
    pthread_mutex_t mutex;
    struct counted *classes;
    uint32_t *tags;  /* of the classes, a set in a line of the processor's cache; 0: free */
    uint32_t *cards; /* 0: free */
    uint32_t class_sets, card_sets;
    uint64_t salt; /* of the places where blurred limits lie */
    struct jt_guess_figures figures;
    uint32_t latest;  /* the latest day that anything was counted on */
    uint32_t highest; /* count of a class on it */
    uint32_t pass;
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
    jt_random_fill(&t->salt, sizeof t->salt);
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

static uint32_t limit_of(const struct jt_guess_table *t, const struct jt_guess_limit *limit,
                         const uint8_t *mac)
{
    uint64_t mixed = (jt_get_u64(mac + 8) ^ t->salt) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t spread = limit->blurred ? limit->n / BLUR + 1 : 1;
    return limit->n - (uint32_t)(mixed >> 32) % spread;
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
    bool reached = c->n >= limit_of(t, limit, c->mac);
    if (!c->due && (c->n_unsaved >= part || reached) && t->n_due < DUE_AT_ONCE) {
        c->due = true;
        t->due[t->n_due++] = (uint32_t)(c - t->classes);
    }
}

/*
 * A class is at its limit from now on, whatever was counted, and at that of every node that learns
 * of it, wherever it lies there.
 */
static void close_class(struct jt_guess_table *t, const struct jt_guess_limit *limit,
                        struct counted *c)
{
    c->n_unsaved += limit->n - c->n;
    c->n = limit->n;
    note_highest(t, c);
    note_due(t, limit, c);
}

/* --- cards --- */

/* Whether the card was counted today; else *free_at is where it may be remembered. */
static bool was_counted(struct jt_guess_table *t, const uint8_t *mac, uint32_t **free_at)
{
    uint32_t *set = &t->cards[card_set(t, mac)];
    uint32_t tag = tag_of(mac + 4);
    *free_at = &set[jt_get_u32(mac + 8) % WAYS]; /* any one goes when all places are taken */
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i] == tag) {
            return true;
        }
        *free_at = set[i] == 0 ? &set[i] : *free_at;
    }
    return false;
}

/* Whether it is the first try of the card today; then it is remembered. */
static bool is_first(struct jt_guess_table *t, const uint8_t *mac)
{
    uint32_t *free_at;
    if (was_counted(t, mac, &free_at)) {
        return false;
    }
    *free_at = tag_of(mac + 4);
    return true;
}

/* --- tries --- */

/* The number beside a MAC in the pass under way; 0 at first. */
static uint32_t *number_of(struct jt_guess_table *t, const uint8_t *mac)
{
    uint32_t tag = jt_get_u32(mac + 8);
    size_t at = jt_get_u32(mac + 4) % WITHIN;
    while (t->within[at].pass == t->pass && t->within[at].tag != tag) {
        at = (at + 1) % WITHIN;
    }
    struct within *w = &t->within[at];
    if (w->pass != t->pass) {
        *w = (struct within){ .pass = t->pass, .tag = tag };
    }
    return &w->n;
}

/* Tries of the class that has most of them in the call. */
static uint32_t most_of_a_class(struct jt_guess_table *t, const struct jt_guess_try *tries,
                                size_t n)
{
    uint32_t most = 0;
    t->pass++;
    for (size_t i = 0; i < n; i++) {
        uint32_t times = ++*number_of(t, tries[i].macs->class_mac);
        most = times > most ? times : most;
    }
    return most;
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

/* Whether a card is one more than there is room for with those that came before it in the call. */
static bool is_beyond(struct jt_guess_table *t, const struct jt_guess_limit *limit, uint32_t so_far,
                      const struct jt_guess_result *macs)
{
    uint32_t *free_at, *came = number_of(t, macs->card_mac);
    if (*came > 0 || was_counted(t, macs->card_mac, &free_at)) {
        return false;
    }
    uint32_t *others = number_of(t, macs->class_mac);
    if (so_far + *others >= limit_of(t, limit, macs->class_mac)) {
        return true;
    }
    ++*others;
    *came = 1;
    return false;
}

static bool is_held(struct jt_guess_table *t, const struct jt_guess_limit *limit, uint32_t day,
                    const struct jt_guess_result *macs, bool closing)
{
    struct counted *c = find(t, macs->class_mac, day);
    uint32_t so_far = c == NULL ? 0 : c->n;
    if (so_far >= limit_of(t, limit, macs->class_mac)) {
        return true;
    }
    if (!closing || !is_beyond(t, limit, so_far, macs)) {
        return false;
    }
    c = take(t, macs->class_mac, day);
    if (c != NULL) {
        close_class(t, limit, c);
    } else {
        t->figures.n_pushed++;
    }
    return true;
}

void jt_guess_table_hold(struct jt_guess_table *t, const struct jt_guess_limit *limit, uint32_t day,
                         struct jt_guess_try *tries, size_t n, bool closing)
{
    /* as a rule no class comes near its limit, and so none is looked for */
    uint32_t least = limit->n - (limit->blurred ? limit->n / BLUR : 0);
    pthread_mutex_lock(&t->mutex);
    uint32_t highest = day > t->latest ? 0 : t->highest;
    bool near = day < t->latest || highest + (closing ? most_of_a_class(t, tries, n) : 0) >= least;
    t->pass++;
    for (size_t i = 0; i < n; i++) {
        tries[i].held = near && is_held(t, limit, day, tries[i].macs, closing);
    }
    pthread_mutex_unlock(&t->mutex);
}

static void count_one(struct jt_guess_table *t, const struct jt_guess_limit *limit, uint32_t day,
                      struct jt_guess_try *try)
{
    const uint8_t *mac = try->macs->class_mac;
    struct counted *c = try->counts ? take(t, mac, day) : find(t, mac, day);
    try->held = c != NULL && c->n >= limit_of(t, limit, mac);
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
    if (c->n >= limit_of(t, limit, mac)) {
        close_class(t, limit, c);
    } else {
        note_highest(t, c);
        note_due(t, limit, c);
    }
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
