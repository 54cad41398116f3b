/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of a lane, in which clients take turns: whoever sends much waits longer, and nobody
 * else does.
 *
 * Each client that has something in the queue is an owner. A batch visits the owners in a circle;
 * an owner's turn is JT_TURN_ITEMS items, of as many of its requests as that takes, and then the
 * next one's comes. A request is visited once in a batch, so that its items there are neighbours;
 * what is left of it goes behind its owner's other requests. Where few requests wait, each gets
 * more than a turn, so that one alone fills the batch.
 *
 * The queue is bounded by its items. While it is full, an owner that has less than its share of it
 * (the bound divided by the owners) is still let in; one that has more is refused. So a client that
 * floods the queue turns away its own requests and no other's, and never more than twice the bound
 * waits.
 *
 * A queue belongs to one event loop. Items count until they have ended, not until they are taken.
 */
#ifndef JETON_VAULT_TURNS_H
#define JETON_VAULT_TURNS_H

#include "model/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JT_TURN_ITEMS 256

struct jt_turns;

/* A request as its lane sees it: embedded in the verb's own, and filled by its submit function. */
struct jt_lane_request {
    const char *client; /* whose turn it is, and for the audit; NULL where the verb has none */
    const struct jt_origin *origin; /* for the audit; NULL: of no request */
    uint32_t field;
    void *items; /* of the verb's kind, n_items of them, at least 1 */
    size_t n_items;
    /* whether anybody still waits for the answer; NULL: somebody does */
    bool (*wanted)(const struct jt_lane_request *request);

    /* the queue's and the lane's own */
    struct jt_lane_request *next;
    struct jt_turns *turns;
    struct jt_turns_owner *owner;
    uint64_t visited; /* the batch that visited it last */
    size_t n_taken, n_open;
};

struct jt_turns_owner {
    struct jt_turns_owner *next;          /* in the circle, or of those to be used again */
    struct jt_turns_owner *beside;        /* of the same bucket */
    struct jt_lane_request *first, *last; /* with items that are in no batch yet */
    size_t waiting;                       /* items that have not ended */
    char name[JT_CLIENT_ID_MAX + 1];
};

#define JT_TURNS_BUCKETS 256

struct jt_turns {
    size_t max; /* items that may wait; 0: any number */
    size_t waiting;
    size_t n_requests, n_owners;         /* requests in the circle; owners with something waiting */
    struct jt_turns_owner *first, *last; /* the circle */
    struct jt_turns_owner *buckets[JT_TURNS_BUCKETS], *spare;
    struct jt_turns_owner nobody; /* of requests without client, or when memory has run out */

    /* the batch that is being gathered */
    uint64_t batch;
    size_t room, n_unvisited, turn_left;
};

/* A zeroed queue is empty and has no bound. Clears one that is empty again. */
void jt_turns_clear(struct jt_turns *turns);

/* False when its owner has its share already: it is not queued. Never false without a bound. */
bool jt_turns_put(struct jt_turns *turns, struct jt_lane_request *request);

/* Whether anything waits to be taken. */
bool jt_turns_any(const struct jt_turns *turns);

/* Items [first, first + n) of `request`. */
struct jt_turn {
    struct jt_lane_request *request;
    size_t first, n;
    bool
        unwanted; /* they are all that is left of it, and nobody waits for them: not of the batch */
};

/* Begins to gather a batch of at most `room` items; then the turns, until there is none. */
void jt_turns_begin(struct jt_turns *turns, size_t room);
bool jt_turns_next(struct jt_turns *turns, struct jt_turn *out);

/* One item of `request` has ended. */
void jt_turns_end_item(struct jt_lane_request *request);

#endif
