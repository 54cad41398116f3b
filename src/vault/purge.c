/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/purge.h"

#include "base/log.h"
#include "store/cards.h"
#include "store/tally.h"
#include "vault/duty.h"
#include "vault/workers.h"

#include <stdlib.h>

#define EVERY_MS  60000 /* at least; more often where the grace is short */
#define EVERY_MIN 1000
#define PIECE     500
#define PAUSE_MS  50  /* between batches, while there are more */
#define IN_WAY_MS 200 /* after a batch of which a card was locked or had been moved */
#define MOVED_MS  1000

struct jt_purge {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;
    int n_failed; /* in a row */
    size_t piece; /* smaller after a batch in which something was in the way */
    size_t skip;  /* cards that were in the way alone, until the next interval */
    struct jt_card_expired cards[PIECE];
    struct jt_card_doomed doomed[PIECE];
    uint64_t ids[PIECE];
    struct jt_audit_row rows[PIECE]; /* one for each field */
};

static int by_id(const void *a, const void *b)
{
    const struct jt_card_doomed *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_field(const void *a, const void *b)
{
    const struct jt_card_expired *x = a, *y = b;
    return (x->field > y->field) - (x->field < y->field);
}

static size_t make_audit_rows(struct jt_purge *p, size_t n)
{
    size_t n_rows = 0;
    qsort(p->cards, n, sizeof p->cards[0], by_field);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || p->cards[i].field != p->cards[i - 1].field) {
            p->rows[n_rows++] = (struct jt_audit_row){ .action = JT_AUDIT_PURGE,
                                                       .client = "",
                                                       .field = p->cards[i].field,
                                                       .ids = &p->ids[i],
                                                       .object = "" };
        }
        struct jt_audit_row *row = &p->rows[n_rows - 1];
        row->n_ids++;
        row->n_items++;
        row->n_done++;
        p->ids[i] = p->cards[i].card.id;
    }
    return n_rows;
}

static enum jt_err remove_cards(struct jt_purge *p, size_t n)
{
    struct jt_vault *vault = p->ctx.vault;
    for (size_t i = 0; i < n; i++) {
        p->doomed[i] = p->cards[i].card;
    }
    qsort(p->doomed, n, sizeof p->doomed[0], by_id);
    const struct jt_delete_txn txn = {
        .expired = true,
        .epoch = atomic_load(&vault->ring_epoch),
        .writer = jt_vault_writer(vault, JT_TALLY_PURGE),
        .cards = p->doomed,
        .n = n,
        .audit = { .rows = p->rows, .n = make_audit_rows(p, n) },
    };
    enum jt_err err = jt_cards_purge(p->ctx.db, &vault->node, &txn);
    if (err == JT_OK) {
        jt_count(&vault->counters.purged_cards, n);
    }
    return err;
}

/* The log hears once of a failure that lasts. */
static void tell(struct jt_purge *p, enum jt_err err)
{
    p->n_failed = err == JT_OK ? 0 : p->n_failed + 1;
    if (p->n_failed == 2) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "cards whose lifetime is over cannot be removed now: %s",
               jt_fault_line(&p->ctx.fault, err, line));
    }
}

static int interval_ms(const struct jt_purge *p)
{
    long quarter_ms = p->ctx.vault->conf->cards_purge_grace * 1000 / 4;
    return quarter_ms > EVERY_MS ? EVERY_MS : quarter_ms < EVERY_MIN ? EVERY_MIN : (int)quarter_ms;
}

/* One batch, and when the next one comes. */
static enum jt_err batch(struct jt_purge *p, int *pause_ms)
{
    struct jt_vault *vault = p->ctx.vault;
    uint64_t grace_s = (uint64_t)vault->conf->cards_purge_grace;
    size_t n;
    enum jt_err err = jt_cards_expired(p->ctx.db, grace_s, p->skip, p->cards, p->piece, &n);
    if (err == JT_OK && p->skip == 0) {
        uint64_t since_s = n == 0 ? 0 : p->cards[0].since_us / 1000000;
        atomic_store(&vault->purge_overdue_s, since_s > grace_s ? since_s - grace_s : 0);
    }
    if (err != JT_OK || n == 0) {
        p->skip = 0;
        return err;
    }
    bool more = n == p->piece;
    err = remove_cards(p, n);
    if (err == JT_OK) {
        *pause_ms = more ? PAUSE_MS : *pause_ms;
        p->skip = more ? p->skip : 0; /* what was in the way comes first the next time */
        p->piece = p->piece * 2 > PIECE ? PIECE : p->piece * 2;
    } else if (err == JT_ERR_NO_CHANGE) {
        *pause_ms = IN_WAY_MS;
        p->skip += n == 1;
        p->piece = p->piece > 8 ? p->piece / 8 : 1;
        err = JT_OK;
    } else if (err == JT_ERR_RING_MOVED) {
        *pause_ms = MOVED_MS;
        err = JT_OK;
    }
    return err;
}

static struct jt_again step(void *arg)
{
    struct jt_purge *p = arg;
    int pause_ms = interval_ms(p);
    jt_work_about(&p->ctx, "purge");
    tell(p, batch(p, &pause_ms));
    return (struct jt_again){ .ms = pause_ms };
}

enum jt_err jt_purge_start(struct jt_vault *vault, struct jt_purge **out)
{
    struct jt_purge *p = calloc(1, sizeof *p);
    *out = p;
    if (p == NULL) {
        return JT_ERR_NOMEM;
    }
    p->piece = PIECE;
    enum jt_err err = jt_work_ctx_init(&p->ctx, vault, "jetond purge", JT_STATEMENT_TIMEOUT_MS);
    return err == JT_OK ? jt_duty_start(step, p, &p->duty) : err;
}

void jt_purge_stop(struct jt_purge *p)
{
    if (p == NULL) {
        return;
    }
    jt_duty_stop(p->duty);
    jt_work_ctx_clear(&p->ctx);
    free(p);
}
