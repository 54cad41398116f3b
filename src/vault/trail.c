/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/trail.h"

#include "base/clock.h"
#include "base/random.h"
#include "store/starts.h"
#include "vault/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 3 /* with ids of which each is taken once in 2^31 */

void jt_trail_init(struct jt_trail *trail)
{
    *trail = (struct jt_trail){ .start = 0 };
    pthread_mutex_init(&trail->mutex, NULL);
}

void jt_trail_clear(struct jt_trail *trail)
{
    pthread_mutex_destroy(&trail->mutex);
}

enum jt_err jt_trail_connect(struct jt_trail *trail, uint16_t *connection)
{
    enum jt_err err = JT_OK;
    pthread_mutex_lock(&trail->mutex);
    if (trail->n_connections == JT_AUDIT_ENDS_MAX) {
        err = JT_ERR_LIMIT;
    } else {
        *connection = trail->n_connections++;
    }
    pthread_mutex_unlock(&trail->mutex);
    return err;
}

enum jt_err jt_trail_ready(struct jt_trail *trail, struct jt_chain *chain, uint16_t connection,
                           bool *begun)
{
    uint32_t start = atomic_load(&trail->start);
    *begun = false;
    if (start == 0) {
        return JT_ERR_TRAIL_CLOSED;
    }
    if (chain->start != start) {
        pthread_mutex_lock(&trail->mutex);
        jt_chain_begin(chain, trail->start, connection, trail->mac);
        pthread_mutex_unlock(&trail->mutex);
        *begun = true;
    }
    return JT_OK;
}

void jt_trail_stands(struct jt_trail *trail, const struct jt_chain *chain)
{
    pthread_mutex_lock(&trail->mutex);
    if (chain->start == trail->start) { /* else it is of one that was given up */
        struct jt_trail_place *place = &trail->places[chain->connection];
        place->number = chain->number;
        memcpy(place->head, chain->head, sizeof place->head);
        memcpy(place->running, chain->running, sizeof place->running);
        place->told = false;
    }
    pthread_mutex_unlock(&trail->mutex);
}

/* --- the start --- */

static uint32_t random_id(void)
{
    uint32_t id = 0;
    while (id == 0) {
        jt_random_fill(&id, sizeof id);
        id &= INT32_MAX;
    }
    return id;
}

static void take_over(struct jt_trail *trail, const struct jt_audit_start *start)
{
    pthread_mutex_lock(&trail->mutex);
    memcpy(trail->mac, start->mac, sizeof trail->mac);
    memset(trail->places, 0, sizeof trail->places);
    atomic_store(&trail->start, start->id);
    pthread_mutex_unlock(&trail->mutex);
}

static enum jt_err open_start(struct jt_work_ctx *ctx, struct jt_audit_start *start)
{
    const struct jt_node_spec *node = &ctx->vault->node;
    snprintf(start->node, sizeof start->node, "%s", node->name);
    memcpy(start->incarnation, node->incarnation, sizeof start->incarnation);
    enum jt_err err =
        jt_start_find_last(ctx->db, node->name, &start->predecessor, start->ends, &start->n_ends);
    enum jt_err inserted = JT_ERR_DB_DUPLICATE;
    for (int i = 0; i < TRIES && err == JT_OK && inserted == JT_ERR_DB_DUPLICATE; i++) {
        start->id = random_id();
        start->at_us = jt_clock_wall_us();
        err = jt_keyclient_wait_audit_start(ctx->keeper, start, start->mac);
        inserted = err == JT_OK ? jt_start_insert(ctx->db, start) : err;
    }
    return err != JT_OK ? err : inserted == JT_ERR_DB_DUPLICATE ? JT_ERR_DB_FAULT : inserted;
}

enum jt_err jt_trail_open(struct jt_work_ctx *ctx)
{
    struct jt_trail *trail = &ctx->vault->trail;
    bool stands = false;
    enum jt_err err = JT_OK;
    if (atomic_load(&trail->start) != 0) {
        err = jt_start_stands(ctx->db, trail->start, &stands);
    }
    if (err != JT_OK || stands) {
        return err;
    }
    struct jt_audit_start start = { .ends = calloc(JT_AUDIT_ENDS_MAX, sizeof *start.ends) };
    if (start.ends == NULL) {
        return JT_ERR_NOMEM;
    }
    err = open_start(ctx, &start);
    if (err == JT_OK) {
        take_over(trail, &start);
    }
    free(start.ends);
    return err;
}
