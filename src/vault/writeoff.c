/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/writeoff.h"

#include "base/log.h"
#include "keyclient/ends.h"
#include "store/retirements.h"
#include "vault/custody.h"
#include "vault/refresh.h"
#include "vault/retirement.h"
#include "vault/writeoff_list.h"
#include "wire/writeoff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 3 /* where the ring moved between the keeper's word and the transaction */

/* --- looking --- */

static void decode(const struct jt_writeoff_row *row, struct jt_writeoff_request *out)
{
    struct jt_reader in = jt_reader_init(row->request, row->request_len);
    enum jt_err err = jt_writeoff_request_decode(&in, out);
    if (err != JT_OK || !jt_reader_done(&in) || out->generation != row->generation ||
        out->number != row->number) {
        memset(out, 0, sizeof *out);
    }
}

/* Shows it to this node's keeper with those approvals; the list may be NULL. */
static enum jt_err show(struct jt_work_ctx *ctx, const struct jt_writeoff_look *look,
                        const struct jt_approval *alone, const struct jt_buf *list,
                        struct jt_writeoff_shown *out)
{
    struct jt_writeoff_show *show = calloc(1, sizeof *show);
    if (show == NULL) {
        return JT_ERR_NOMEM;
    }
    show->request = look->request;
    if (alone != NULL) {
        show->approvals.all[show->approvals.n++] = *alone;
    }
    for (size_t i = 0; i < look->n_approvals && alone == NULL; i++) {
        struct jt_approval *a = &show->approvals.all[show->approvals.n++];
        memcpy(a->custodian, look->approvals[i].custodian, sizeof a->custodian);
        memcpy(a->signature, look->approvals[i].signature, sizeof a->signature);
    }
    if (list != NULL) {
        show->list = list->data;
        show->list_len = list->len;
    }
    enum jt_err err = jt_keyclient_wait_writeoff_show(ctx->keeper, show, out);
    free(show);
    return err;
}

/* A row that somebody altered is told as one that no keeper takes. */
static enum jt_err read_rest(struct jt_work_ctx *ctx, struct jt_writeoff_look *look)
{
    struct jt_writeoff_shown shown;
    decode(&look->row, &look->request);
    enum jt_err err = jt_custody_keep_up(ctx, &look->custodians);
    if (err == JT_OK) {
        const struct jt_approvals_wanted wanted = { .of = JT_APPROVALS_OF_WRITEOFF,
                                                    .id = look->row.generation,
                                                    .number = look->row.number };
        err = jt_approvals_read(ctx->db, &wanted, &look->custodians, look->approvals,
                                &look->n_approvals);
    }
    if (err == JT_OK) {
        err = show(ctx, look, NULL, NULL, &shown);
        look->forged = err == JT_ERR_FORGED;
        if (look->forged) {
            jt_fault_clear(&ctx->fault);
            err = JT_OK;
        }
    }
    return err;
}

static enum jt_err look_at(struct jt_work_ctx *ctx, uint64_t generation,
                           struct jt_writeoff_look *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_writeoff_get(ctx->db, generation, 0, &out->row);
    return err == JT_OK ? read_rest(ctx, out) : err;
}

static enum jt_err find(struct jt_work_ctx *ctx, uint64_t generation,
                        struct jt_generation_info *info)
{
    enum jt_err err = jt_ring_refresh(ctx, NULL);
    return err == JT_OK ? jt_generation_get(ctx->db, generation, info) : err;
}

enum jt_err jt_writeoff_look_at(struct jt_work_ctx *ctx, uint64_t generation,
                                struct jt_writeoff_look *out)
{
    struct jt_generation_info info;
    enum jt_err err = find(ctx, generation, &info);
    return err == JT_OK ? look_at(ctx, generation, out) : err;
}

struct listing {
    jt_writeoff_view_fn *each;
    void *arg;
};

static void list_one(void *arg, const struct jt_writeoff_row *row)
{
    const struct listing *l = arg;
    struct jt_writeoff_request request;
    decode(row, &request);
    l->each(l->arg, row, &request);
}

enum jt_err jt_writeoffs_list(struct jt_work_ctx *ctx, uint64_t generation,
                              jt_writeoff_view_fn *each, void *arg)
{
    struct jt_generation_info info;
    struct listing listing = { each, arg };
    enum jt_err err = find(ctx, generation, &info);
    return err == JT_OK ? jt_writeoffs_each(ctx->db, generation, list_one, &listing) : err;
}

/* --- the list --- */

/* The list of a request in memory: `items` points into `bytes`. */
struct list {
    struct jt_buf bytes;
    struct jt_writeoff_item *items;
    size_t n;
};

static void list_clear(struct list *l)
{
    jt_buf_clear(&l->bytes);
    free(l->items);
}

static enum jt_err list_read(struct jt_work_ctx *ctx, const struct jt_writeoff_row *row,
                             struct list *out)
{
    jt_buf_init(&out->bytes, JT_WRITEOFF_LIST_MAX + 1);
    out->items = calloc(JT_WRITEOFF_CARDS_MAX, sizeof *out->items);
    enum jt_err err = out->items == NULL ? JT_ERR_NOMEM
                                         : jt_writeoff_read_list(ctx->db, row->generation,
                                                                 row->number, &out->bytes);
    if (err == JT_OK) {
        struct jt_reader in = jt_reader_init(out->bytes.data, out->bytes.len);
        err = jt_writeoff_list_decode(&in, out->items, &out->n);
        err = err == JT_OK ? JT_OK : JT_ERR_LIST_ALTERED;
    }
    return err;
}

enum jt_err jt_writeoff_cards(struct jt_work_ctx *ctx, const struct jt_writeoff_query *query,
                              jt_stuck_fn *each, void *arg, bool *more)
{
    struct jt_writeoff_row row;
    struct list list = { .n = 0 };
    *more = false;
    jt_buf_init(&list.bytes, 0);
    struct jt_stuck_seen *seen = calloc(query->max + 1, sizeof *seen);
    enum jt_err err = seen == NULL
                          ? JT_ERR_NOMEM
                          : jt_writeoff_get(ctx->db, query->generation, query->number, &row);
    if (err == JT_OK) {
        err = list_read(ctx, &row, &list);
    }
    size_t n = 0;
    for (size_t i = query->skip; err == JT_OK && i < list.n && n < query->max; i++, n++) {
        const struct jt_writeoff_item *item = &list.items[i];
        seen[n].card = (struct jt_stuck_card){ .at = { item->bucket, item->card.id },
                                               .field = item->card.field,
                                               .cause = (enum jt_stuck_cause)item->cause };
        seen[n].stands = true;
        seen[n].row.digits = item->card.digits;
        *more = i + 1 < list.n;
    }
    if (err == JT_OK) {
        err = jt_stuck_tell(ctx, seen, n, each, arg);
    }
    list_clear(&list);
    free(seen);
    return err;
}

/* --- asking --- */

enum jt_err jt_writeoff_ask(struct jt_work_ctx *ctx, uint64_t generation, bool anew,
                            const char *actor, struct jt_writeoff_look *out)
{
    struct jt_generation_info info;
    struct jt_retirement *job = calloc(1, sizeof *job);
    enum jt_err err = job == NULL ? JT_ERR_NOMEM : find(ctx, generation, &info);
    if (err == JT_OK) {
        err = jt_retirement_get(ctx->db, generation, job);
    }
    free(job);
    if (err == JT_OK && info.row.state != JT_GENERATION_DRAINING) {
        err = JT_ERR_NOT_DRAINING;
    }
    if (err != JT_OK) {
        return err;
    }
    err = look_at(ctx, generation, out);
    bool stands = err == JT_OK && out->row.done_at[0] == '\0' && !out->forged;
    if ((err != JT_OK && err != JT_ERR_NO_WRITE_OFF) || (stands && !anew)) {
        return err;
    }
    jt_fault_clear(&ctx->fault);
    err = jt_custody_keep_up(ctx, &out->custodians);
    if (err == JT_OK) {
        err = jt_writeoff_list_stuck(ctx, &info.row, actor);
    }
    return err == JT_OK ? look_at(ctx, generation, out) : err;
}

/* --- carrying out --- */

static enum jt_err forget_notes(struct jt_work_ctx *ctx, uint64_t generation,
                                const struct list *list)
{
    struct jt_stuck_card *cards = calloc(list->n + 1, sizeof *cards);
    if (cards == NULL) {
        return JT_ERR_NOMEM;
    }
    for (size_t i = 0; i < list->n; i++) {
        cards[i].at = (struct jt_card_cursor){ list->items[i].bucket, list->items[i].card.id };
    }
    enum jt_err err = jt_stuck_forget(ctx->db, generation, cards, list->n);
    free(cards);
    return err;
}

/* The list as rows; false: no memory. */
static bool rows_of(const struct list *list, struct jt_card_row **rows, uint8_t **causes)
{
    *rows = calloc(list->n + 1, sizeof **rows);
    *causes = calloc(list->n + 1, sizeof **causes);
    for (size_t i = 0; *rows != NULL && *causes != NULL && i < list->n; i++) {
        const struct jt_open_item *card = &list->items[i].card;
        struct jt_card_row *row = &(*rows)[i];
        row->field = card->field;
        row->id = card->id;
        row->bucket = list->items[i].bucket;
        row->digits = card->digits;
        row->envelope_len = card->envelope_len;
        memcpy(row->fingerprint, card->fingerprint, sizeof row->fingerprint);
        memcpy(row->envelope, card->envelope, card->envelope_len); /* as long as a row's at most */
        (*causes)[i] = list->items[i].cause;
    }
    return *rows != NULL && *causes != NULL;
}

static enum jt_err move(struct jt_work_ctx *ctx, const struct jt_writeoff_look *look,
                        const struct list *list, const struct jt_writeoff_shown *shown,
                        const char *actor)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_buf warrant;
    struct jt_card_row *rows;
    uint8_t *causes;
    size_t n_moved = 0;
    jt_buf_init(&warrant, JT_WRITEOFF_WARRANT_MAX);
    jt_writeoff_warrant_encode(&shown->warrant, &warrant);
    enum jt_err err = rows_of(list, &rows, &causes) ? jt_buf_status(&warrant) : JT_ERR_NOMEM;
    const struct jt_writeoff_txn txn = { .epoch = shown->epoch,
                                         .from = { .generation = look->request.generation,
                                                   .key_id = look->request.key_id },
                                         .number = look->request.number,
                                         .writer = jt_vault_writer(ctx->vault, JT_TALLY_RETIREMENT),
                                         .rows = rows,
                                         .causes = causes,
                                         .n = list->n,
                                         .warrant = warrant.data,
                                         .warrant_len = warrant.len };
    if (err == JT_OK) {
        err = jt_writeoff_carry_out(ctx->db, &ctx->vault->node, &txn, &act, &n_moved);
    }
    jt_buf_clear(&warrant);
    free(rows);
    free(causes);
    if (err == JT_OK) {
        jt_log(JT_LOG_WARNING,
               "generation %" PRIu64 ": %zu of %zu cards that nobody could open are written off, "
               "as two custodians have approved",
               look->row.generation, n_moved, list->n);
        err = forget_notes(ctx, look->row.generation, list);
        jt_retirer_retry(ctx->vault->retirer);
    }
    return err;
}

/* If two custodians have approved. */
static enum jt_err carry_out(struct jt_work_ctx *ctx, const struct jt_writeoff_look *look,
                             const char *actor)
{
    struct jt_writeoff_shown shown;
    struct list list = { .n = 0 };
    if (look->n_approvals < JT_CUSTODIANS_NEEDED) {
        return JT_OK;
    }
    enum jt_err err = list_read(ctx, &look->row, &list);
    for (int i = 0; i < TRIES && (i == 0 || err == JT_ERR_RING_MOVED); i++) {
        err = i == 0 ? err : jt_ring_refresh(ctx, NULL);
        if (err == JT_OK) {
            err = show(ctx, look, NULL, &list.bytes, &shown);
        }
        if (err == JT_OK && shown.warranted) {
            err = move(ctx, look, &list, &shown, actor);
        }
    }
    list_clear(&list);
    return err;
}

enum jt_err jt_writeoff_approve(struct jt_work_ctx *ctx, uint64_t generation,
                                const struct jt_approval *approval, const char *actor,
                                struct jt_writeoff_look *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_writeoff_shown shown;
    enum jt_err err = jt_writeoff_look_at(ctx, generation, out);
    if (err == JT_OK && out->row.done_at[0] != '\0') {
        err = JT_ERR_WRITE_OFF_DONE;
    }
    if (err == JT_OK && jt_custodian_find(&out->custodians, approval->custodian) == NULL) {
        err = JT_ERR_NO_CUSTODIAN;
    }
    /* alone: so it is this signature that the keeper finds good, or not */
    if (err == JT_OK) {
        err = show(ctx, out, approval, NULL, &shown);
    }
    if (err == JT_OK && shown.n_approved != 1) {
        err = JT_ERR_NOT_SIGNED;
    }
    if (err == JT_OK) {
        err = jt_writeoff_add_approval(ctx->db, &out->row, approval, &act);
    }
    if (err == JT_OK) {
        err = look_at(ctx, generation, out);
    }
    if (err == JT_OK) {
        err = carry_out(ctx, out, actor);
    }
    return err == JT_OK ? look_at(ctx, generation, out) : err;
}

enum jt_err jt_writeoff_go_on(struct jt_work_ctx *ctx, uint64_t generation)
{
    struct jt_writeoff_look *look = calloc(1, sizeof *look);
    enum jt_err err =
        look == NULL ? JT_ERR_NOMEM : jt_writeoff_get(ctx->db, generation, 0, &look->row);
    bool open = err == JT_OK && look->row.done_at[0] == '\0';
    if (open) {
        err = read_rest(ctx, look);
        err = err == JT_OK && look->forged ? JT_ERR_FORGED : err;
    }
    if (open && err == JT_OK) {
        err = carry_out(ctx, look, look->row.requested_by);
    }
    free(look);
    return err == JT_ERR_NO_WRITE_OFF ? JT_OK : err;
}

/* --- the certificate --- */

struct collected {
    struct jt_certify *certify;
    enum jt_err err;
};

static void collect(void *arg, const struct jt_writeoff_row *row)
{
    struct collected *c = arg;
    struct jt_reader in = jt_reader_init(row->warrant, row->warrant_len);
    if (row->done_at[0] == '\0' || c->err != JT_OK) {
        return;
    }
    if (c->certify->n_done == JT_WRITEOFF_MAX) {
        c->err = JT_ERR_LIMIT;
        return;
    }
    struct jt_writeoff_done *done = &c->certify->done[c->certify->n_done++];
    done->n_moved = row->n_moved;
    c->err = jt_writeoff_warrant_decode(&in, &done->warrant) == JT_OK && jt_reader_done(&in)
                 ? JT_OK
                 : JT_ERR_FORGED;
}

enum jt_err jt_writeoff_collect(struct jt_work_ctx *ctx, struct jt_certify *certify)
{
    struct collected c = { .certify = certify };
    enum jt_err err = jt_writeoffs_each(ctx->db, certify->facts.generation, collect, &c);
    return err == JT_OK ? c.err : err;
}
