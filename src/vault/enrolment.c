/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/enrolment.h"

#include "base/clock.h"
#include "base/log.h"
#include "keyclient/nodes.h"
#include "store/nodes.h"
#include "vault/lease.h"
#include "vault/refresh.h"

#include <stdlib.h>
#include <string.h>

struct place {
    struct jt_join_order order;
    struct jt_node_joined joined;
    uint64_t epoch; /* of the ring under which the keeper joined */
};

/* Whether a keeper made the row that says so: anybody may have written it. */
static enum jt_err check_word(struct jt_neighbours *neighbours, struct jt_work_ctx *ctx,
                              const char *other, bool *good)
{
    *good = false;
    enum jt_err err = JT_OK, verdict;
    for (size_t i = 0; i < neighbours->rows.n_nodes && err == JT_OK; i++) {
        const struct jt_node_row *row = &neighbours->rows.nodes[i];
        if (strcmp(row->spec.name, other) == 0) {
            err = jt_keyclient_wait_node_marks(ctx->keeper, row, 1, &verdict);
            *good = err == JT_OK && verdict == JT_OK;
        }
    }
    return err;
}

static enum jt_err check_keeper(struct jt_neighbours *neighbours, struct jt_work_ctx *ctx,
                                const struct jt_keeper_status *status)
{
    bool shared;
    char other[JT_NODE_NAME_MAX + 1];
    enum jt_err err = jt_node_keeper_is_shared(ctx->db, ctx->vault->node.name, status->incarnation,
                                               &shared, other);
    if (err == JT_OK && shared) {
        err = check_word(neighbours, ctx, other, &shared);
    }
    if (err != JT_OK || !shared) {
        return err;
    }
    return jt_fault_set(&ctx->fault, JT_ERR_KEEPER_SHARED,
                        "another jetond serves with this keeper, as node %s",
                        jt_node_name_valid(other) ? other : "of no name");
}

/*
 * Steps 1 to 4. The number's lock is to be given back whatever comes. With `busy` NULL none is
 * taken: nothing is registered under it.
 */
static enum jt_err join(struct jt_neighbours *neighbours, struct jt_work_ctx *ctx,
                        struct place *place, bool *busy)
{
    const char *self = ctx->vault->node.name;
    uint8_t *number = &place->order.number;
    struct jt_keeper_status status;
    /* first: without the service root and the keys nothing else can be done */
    enum jt_err err = jt_refresh_accept(ctx);
    if (err == JT_OK) {
        err = jt_neighbours_show(neighbours, ctx);
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_status(ctx->keeper, &status);
    }
    if (err == JT_OK) {
        err = check_keeper(neighbours, ctx, &status);
    }
    if (err == JT_OK) {
        err = busy == NULL ? jt_node_number_look(ctx->db, self, status.node, number)
                           : jt_node_number_take(ctx->db, self, status.node, number, busy);
    }
    if (err == JT_OK) {
        place->order.renumbered = status.node != 0 && status.node != *number;
        err = jt_refresh_join(ctx, &place->order, &place->joined, &place->epoch);
    }
    if (err == JT_OK && place->order.renumbered) {
        jt_log(JT_LOG_WARNING,
               "node: number %u, which this keeper had, is another node's or rests: the number is "
               "%u from now on",
               status.node, *number);
    }
    return err;
}

enum jt_err jt_enrolment_run(struct jt_neighbours *neighbours, struct jt_work_ctx *ctx,
                             struct jt_node_row *row, bool *busy)
{
    struct place place = { .epoch = 0 };
    struct jt_vault *vault = ctx->vault;
    enum jt_err err = join(neighbours, ctx, &place, busy);
    if (err == JT_OK) {
        int64_t sent_ms = jt_clock_ms();
        err = jt_node_register(ctx->db, &place.joined.row, place.epoch, jt_lease_ms(vault), busy);
        if (err == JT_OK) {
            *row = place.joined.row;
            atomic_store(&vault->number, place.order.number);
            jt_lease_begin(vault, sent_ms);
        }
    }
    *busy |= err == JT_ERR_RING_MOVED || err == JT_ERR_DB_DUPLICATE;
    jt_node_number_give_back(ctx->db, place.order.number);
    return err;
}

enum jt_err jt_enrolment_accept_ahead(struct jt_work_ctx *ctx, struct jt_node_joined *out)
{
    struct place place = { .order = { .accept_ahead = true } };
    struct jt_neighbours *neighbours = calloc(1, sizeof *neighbours);
    enum jt_err err = neighbours == NULL ? JT_ERR_NOMEM : join(neighbours, ctx, &place, NULL);
    free(neighbours);
    *out = place.joined;
    return err;
}
