/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/adoption.h"

#include "keyclient/nodes.h"
#include "store/acks.h"
#include "store/news.h"

#include <stdio.h>
#include <string.h>

/* A question about one generation, and what has come of it. */
struct look {
    struct jt_work_ctx *ctx;
    const struct jt_generation_row *generation;
    struct jt_adopters *adopters;
    struct jt_missing_nodes *missing;
    bool stale; /* this node's own answer does not count: the keeper started anew */
    enum jt_err err;
};

static enum jt_err ask_anew(struct look *look)
{
    uint8_t challenge[JT_CHALLENGE_LEN];
    struct jt_work_ctx *ctx = look->ctx;
    enum jt_err err = jt_keyclient_wait_ack_challenge(ctx->keeper, look->generation, challenge);
    if (err == JT_OK) {
        err = jt_adoption_ask(ctx->db, look->generation->number, ctx->vault->node.name, challenge);
    }
    if (err == JT_OK) {
        jt_news_tell(ctx->db);
    }
    return err;
}

/* This node answers by itself, at once. */
static enum jt_err answer(struct look *look)
{
    const char *self = look->ctx->vault->node.name;
    uint8_t challenge[JT_CHALLENGE_LEN];
    struct jt_ack ack;
    enum jt_err err =
        jt_adoption_challenge(look->ctx->db, look->generation->number, self, challenge);
    if (err == JT_OK) {
        err = jt_keyclient_wait_ack(look->ctx->keeper, look->generation, self, challenge, &ack);
    }
    return err == JT_OK ? jt_ack_insert(look->ctx->db, look->generation->number, self, &ack) : err;
}

static void add_holder(struct jt_adopters *adopters, const struct jt_node_row *node)
{
    bool counted = false;
    for (size_t i = 0; i < adopters->n; i++) {
        counted |= memcmp(adopters->all[i].keeper, node->keeper, sizeof node->keeper) == 0;
    }
    adopters->n_holders += !counted;
    adopters->all[adopters->n++] = *node;
}

static void check(void *arg, const struct jt_ack_seen *seen)
{
    struct look *look = arg;
    struct jt_missing_nodes *missing = look->missing;
    if (look->err != JT_OK || look->adopters->n + missing->n == JT_NODES_MAX) {
        return;
    }
    enum jt_err err = seen->answered
                          ? jt_keyclient_wait_ack_check(look->ctx->keeper, look->generation,
                                                        &seen->ack, &seen->node)
                          : JT_ERR_ACK_STALE;
    if (err == JT_OK) {
        add_holder(look->adopters, &seen->node);
    } else if (jt_err_class(err) == JT_CLASS_REPEAT) {
        look->err = err;
    } else {
        bool self = strcmp(seen->node.spec.name, look->ctx->vault->node.name) == 0;
        look->stale |= self && err == JT_ERR_ACK_STALE;
        (void)snprintf(missing->names[missing->n++], sizeof missing->names[0], "%s",
                       seen->node.spec.name);
        jt_fault_clear(&look->ctx->fault);
    }
}

static enum jt_err look_at_answers(struct look *look)
{
    memset(look->adopters, 0, sizeof *look->adopters);
    look->missing->n = 0;
    look->stale = false;
    enum jt_err err = answer(look);
    if (err == JT_OK) {
        err = jt_acks_read(look->ctx->db, look->generation->number, look->ctx->vault->node.name,
                           check, look);
    }
    return err == JT_OK ? look->err : err;
}

enum jt_err jt_adoption_look(struct jt_work_ctx *ctx, const struct jt_generation_row *generation,
                             bool asked, struct jt_adopters *adopters,
                             struct jt_missing_nodes *missing)
{
    struct look look = {
        .ctx = ctx, .generation = generation, .adopters = adopters, .missing = missing
    };
    missing->n = 0;
    if (!atomic_load(&ctx->vault->registered)) {
        return JT_ERR_NODE_GONE; /* its own row is part of what is looked at */
    }
    enum jt_err err = asked ? JT_OK : ask_anew(&look);
    if (err == JT_OK) {
        err = look_at_answers(&look);
    }
    /* the question went with a crash of the database, or the keeper that asked started anew */
    if (err == JT_ERR_NO_ROW || (err == JT_OK && look.stale)) {
        err = ask_anew(&look);
        if (err == JT_OK) {
            err = look_at_answers(&look);
        }
    }
    return err == JT_OK && missing->n > 0 ? JT_ERR_NODES_MISSING : err;
}
