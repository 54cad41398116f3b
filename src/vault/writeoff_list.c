/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/writeoff_list.h"

#include "keyclient/ends.h"
#include "store/stuck.h"
#include "store/writeoffs.h"
#include "vault/sets.h"
#include "wire/writeoff.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 1024

/* Cards that are noted as stuck, on their way to a request. */
struct gathering {
    struct jt_stuck_seen *seen;
    struct jt_writeoff_item *items; /* of `seen` */
    size_t n;
    struct jt_writeoff_opened *opened;
};

static void gathering_free(struct gathering *g)
{
    free(g->seen);
    free(g->items);
    free(g->opened);
    free(g);
}

static struct gathering *gathering_new(void)
{
    struct gathering *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return NULL;
    }
    g->seen = calloc(JT_WRITEOFF_CARDS_MAX + PAGE, sizeof *g->seen);
    g->items = calloc(JT_WRITEOFF_CARDS_MAX, sizeof *g->items);
    g->opened = calloc(1, sizeof *g->opened);
    if (g->seen == NULL || g->items == NULL || g->opened == NULL) {
        gathering_free(g);
        return NULL;
    }
    return g;
}

/* What is noted as a card that opens need not be tried. */
static bool may_be_lost(const struct jt_stuck_seen *seen)
{
    return seen->stands && seen->card.cause != JT_STUCK_BUCKET &&
           seen->card.cause != JT_STUCK_TWICE && seen->card.at.bucket <= UINT8_MAX;
}

static enum jt_err gather(struct jt_work_ctx *ctx, const struct jt_generation_row *row,
                          struct gathering *g)
{
    struct jt_card_cursor at = { 0 };
    size_t n = PAGE;
    enum jt_err err = JT_OK;
    while (err == JT_OK && n == PAGE && g->n < JT_WRITEOFF_CARDS_MAX) {
        struct jt_stuck_seen *page = g->seen + g->n;
        err = jt_stuck_list(ctx->db, row->number, row->key_id, at, 0, page, PAGE, &n);
        for (size_t i = 0; err == JT_OK && i < n && g->n < JT_WRITEOFF_CARDS_MAX; i++) {
            at = page[i].card.at;
            if (may_be_lost(&page[i])) {
                g->seen[g->n++] = page[i]; /* never behind the page's own place */
            }
        }
    }
    for (size_t i = 0; err == JT_OK && i < g->n; i++) {
        const struct jt_card_row *card = &g->seen[i].row;
        g->items[i] = (struct jt_writeoff_item){ .bucket = (uint8_t)card->bucket,
                                                 .card = { .field = card->field,
                                                           .id = card->id,
                                                           .fingerprint = card->fingerprint,
                                                           .envelope = card->envelope,
                                                           .envelope_len = card->envelope_len,
                                                           .digits = card->digits } };
    }
    return err;
}

/* How many were carried out, and the highest number. */
struct counted {
    size_t n_done;
    uint32_t highest;
};

static void count(void *arg, const struct jt_writeoff_row *row)
{
    struct counted *c = arg;
    c->n_done += row->done_at[0] != '\0';
    c->highest = row->number;
}

/* The keeper's request, and the list as it has it. */
static enum jt_err make_request(struct jt_work_ctx *ctx, const struct jt_generation_row *row,
                                struct gathering *g, struct jt_writeoff_row *out,
                                struct jt_buf *list)
{
    struct counted counted = { .n_done = 0 };
    enum jt_err err = jt_writeoffs_each(ctx->db, row->number, count, &counted);
    if (err == JT_OK && counted.n_done >= JT_WRITEOFF_MAX) {
        err = JT_ERR_WRITE_OFFS_FULL;
    }
    const struct jt_writeoff_open open = {
        .generation = *row, .number = counted.highest + 1, .n = g->n, .items = g->items
    };
    if (err == JT_OK) {
        err = jt_keyclient_wait_writeoff_open(ctx->keeper, &open, g->opened);
    }
    if (err == JT_OK && !g->opened->any) {
        err = JT_ERR_NOTHING_STUCK;
    }
    if (err != JT_OK) {
        return err;
    }
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->opened->causes[i] != 0) {
            g->items[n] = g->items[i];
            g->items[n++].cause = g->opened->causes[i];
        }
    }
    jt_writeoff_list_encode(g->items, n, list);
    struct jt_buf request;
    jt_buf_init(&request, sizeof out->request);
    jt_writeoff_request_encode(&g->opened->request, &request);
    err = jt_buf_status(&request) == JT_OK ? jt_buf_status(list) : jt_buf_status(&request);
    if (err == JT_OK) {
        *out = (struct jt_writeoff_row){ .generation = row->number,
                                         .number = g->opened->request.number,
                                         .request_len = request.len };
        memcpy(out->request, request.data, request.len);
    }
    jt_buf_clear(&request);
    return err;
}

enum jt_err jt_writeoff_list_stuck(struct jt_work_ctx *ctx, const struct jt_generation_row *row,
                                   const char *actor)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_writeoff_row fresh;
    struct jt_buf list;
    jt_buf_init(&list, JT_WRITEOFF_LIST_MAX);
    struct gathering *g = gathering_new();
    enum jt_err err = g == NULL ? JT_ERR_NOMEM : jt_sets_refresh(ctx, JT_SET_FIELDS, false);
    if (err == JT_OK) {
        err = gather(ctx, row, g);
    }
    if (err == JT_OK) {
        err = make_request(ctx, row, g, &fresh, &list);
    }
    if (err == JT_OK) {
        err = jt_writeoff_put(ctx->db, &fresh, &list, &act);
    }
    if (g != NULL) {
        gathering_free(g);
    }
    jt_buf_clear(&list);
    return err;
}
