/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/turns.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: names of clients are few and an operator's choice, so nobody makes them collide. */
static size_t bucket_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * 16777619u;
    }
    return (h ^ h >> 15) % JT_TURNS_BUCKETS;
}

/* --- owners --- */

static struct jt_turns_owner *find(const struct jt_turns *t, const char *name)
{
    struct jt_turns_owner *o = t->buckets[bucket_of(name)];
    while (o != NULL && strcmp(o->name, name) != 0) {
        o = o->beside;
    }
    return o;
}

static struct jt_turns_owner *add(struct jt_turns *t, const char *name)
{
    struct jt_turns_owner *o = t->spare;
    if (o != NULL) {
        t->spare = o->next;
    } else {
        o = malloc(sizeof *o);
    }
    if (o == NULL || strlen(name) >= sizeof o->name) {
        free(o);
        return &t->nobody;
    }
    *o = (struct jt_turns_owner){ 0 };
    memcpy(o->name, name, strlen(name) + 1);
    struct jt_turns_owner **at = &t->buckets[bucket_of(name)];
    o->beside = *at;
    *at = o;
    return o;
}

static struct jt_turns_owner *owner_of(struct jt_turns *t, const char *name)
{
    if (name == NULL) {
        return &t->nobody;
    }
    struct jt_turns_owner *o = find(t, name);
    return o != NULL ? o : add(t, name);
}

/* Nothing of it waits any more. */
static void remove_owner(struct jt_turns *t, struct jt_turns_owner *o)
{
    t->n_owners--;
    if (o == &t->nobody) {
        return;
    }
    struct jt_turns_owner **at = &t->buckets[bucket_of(o->name)];
    while (*at != o) {
        at = &(*at)->beside;
    }
    *at = o->beside;
    o->next = t->spare;
    t->spare = o;
}

void jt_turns_clear(struct jt_turns *turns)
{
    while (turns->spare != NULL) {
        struct jt_turns_owner *next = turns->spare->next;
        free(turns->spare);
        turns->spare = next;
    }
}

/* --- the circle --- */

static void enter_circle(struct jt_turns *t, struct jt_turns_owner *o)
{
    o->next = NULL;
    *(t->first == NULL ? &t->first : &t->last->next) = o;
    t->last = o;
}

static struct jt_turns_owner *leave_circle(struct jt_turns *t)
{
    struct jt_turns_owner *o = t->first;
    t->first = o->next;
    return o;
}

static void append(struct jt_turns_owner *o, struct jt_lane_request *request)
{
    request->next = NULL;
    *(o->first == NULL ? &o->first : &o->last->next) = request;
    o->last = request;
}

/* Whether the full queue has no room for `n` more items of this owner. */
static bool over_share(const struct jt_turns *t, const struct jt_turns_owner *o, size_t n)
{
    if (t->max == 0 || n <= t->max - (t->waiting < t->max ? t->waiting : t->max)) {
        return false;
    }
    size_t share = t->max / (t->n_owners + (o == NULL || o->waiting == 0));
    return n > share || (o != NULL && o->waiting > share - n);
}

bool jt_turns_put(struct jt_turns *turns, struct jt_lane_request *request)
{
    const char *client = request->client;
    if (over_share(turns, client == NULL ? &turns->nobody : find(turns, client),
                   request->n_items)) {
        return false;
    }
    struct jt_turns_owner *o = owner_of(turns, client);
    turns->n_owners += o->waiting == 0;
    o->waiting += request->n_items;
    turns->waiting += request->n_items;
    request->turns = turns;
    request->owner = o;
    request->visited = request->n_taken = request->n_open = 0;
    if (o->first == NULL) {
        enter_circle(turns, o);
    }
    append(o, request);
    turns->n_requests++;
    return true;
}

bool jt_turns_any(const struct jt_turns *turns)
{
    return turns->first != NULL;
}

/* --- a batch --- */

void jt_turns_begin(struct jt_turns *turns, size_t room)
{
    turns->batch++;
    turns->room = room;
    turns->n_unvisited = turns->n_requests;
    turns->turn_left = JT_TURN_ITEMS;
}

/* The next owner's turn. */
static void pass_turn(struct jt_turns *t)
{
    struct jt_turns_owner *o = leave_circle(t);
    if (o->first != NULL) {
        enter_circle(t, o);
    }
    t->turn_left = JT_TURN_ITEMS;
}

/*
 * Few requests share the room that there is; many get a turn each. Those of a client that is alone
 * take turns from batch to batch: side by side they would all end at the same time, and nothing
 * would be under way while the client reads its answers and sends the next ones.
 */
static size_t slice(const struct jt_turns *t, size_t left)
{
    bool alone = t->first->next == NULL;
    size_t n = alone ? t->room : t->room / t->n_unvisited;
    n = n > JT_TURN_ITEMS ? n : JT_TURN_ITEMS;
    n = n < left ? n : left;
    return n < t->room ? n : t->room;
}

bool jt_turns_next(struct jt_turns *turns, struct jt_turn *out)
{
    if (turns->room == 0 || turns->n_unvisited == 0) {
        return false;
    }
    while (turns->first->first->visited == turns->batch) {
        pass_turn(turns); /* some owner has one that was not visited */
    }
    struct jt_turns_owner *o = turns->first;
    struct jt_lane_request *r = o->first;
    size_t left = r->n_items - r->n_taken;
    bool unwanted = r->wanted != NULL && !r->wanted(r);
    size_t n = unwanted ? left : slice(turns, left);
    *out = (struct jt_turn){ .request = r, .first = r->n_taken, .n = n, .unwanted = unwanted };
    turns->n_unvisited--;
    turns->room -= unwanted ? 0 : n;
    o->first = r->next;
    r->n_taken += n;
    r->visited = turns->batch;
    if (n < left) {
        append(o, r);
    } else {
        turns->n_requests--;
    }
    turns->turn_left -= n < turns->turn_left ? n : turns->turn_left;
    if (turns->turn_left == 0 || o->first == NULL) {
        pass_turn(turns);
    }
    return true;
}

void jt_turns_end_item(struct jt_lane_request *request)
{
    struct jt_turns_owner *o = request->owner;
    request->turns->waiting--;
    if (--o->waiting == 0) {
        remove_owner(request->turns, o);
    }
}
