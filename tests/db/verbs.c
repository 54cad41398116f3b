/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs on cards as tests call them: each runs in its lane's thread, and is waited for. */
#include "tests/db/lane.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- answers --- */

/* An answer inside the queuing call would find this unset. */
static __thread bool queuing;

static void begin_answer(struct fx_lane *lane, enum jt_err err)
{
    pthread_mutex_lock(&lane->mutex);
    if (queuing || lane->answered) {
        (void)fprintf(stderr, "a callback came %s\n",
                      queuing ? "inside the queuing call" : "twice");
        abort();
    }
    memset(lane->result, 0, sizeof *lane->result);
    lane->result->err = err;
    lane->answered = true;
}

static void on_tokenized(void *arg, enum jt_err err, const struct jt_tokenize_result *result)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    if (err == JT_OK) {
        lane->result->check = result->check;
        lane->result->numeric_behind = result->numeric_behind;
        lane->result->n = result->n;
        for (size_t i = 0; i < result->n; i++) {
            const struct jt_card_outcome *card = &result->cards[i];
            lane->result->found[i] = card->kind != JT_CARD_LOST;
            lane->result->written[i] = card->kind == JT_CARD_WRITTEN;
            lane->result->expired[i] = card->kind == JT_CARD_KNOWN && card->row->expired;
            lane->result->why[i] = card->kind == JT_CARD_LOST ? (int)card->why : 0;
            lane->result->n_taken[i] = card->n_taken;
            lane->result->ids[i] =
                card->kind == JT_CARD_KNOWN ? card->row->id : lane->ids[card->written];
        }
    }
    fx_lane_signal(lane);
}

static void on_read(void *arg, enum jt_err err, const struct jt_read_result *result)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    if (err == JT_OK) {
        lane->result->n = result->n;
        lane->result->epoch = result->epoch;
        memcpy(lane->result->cards, result->cards, result->n * sizeof *result->cards);
    }
    fx_lane_signal(lane);
}

static void on_strays(void *arg, enum jt_err err, const uint16_t *stranded, size_t n)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    lane->result->n = n;
    if (n > 0) {
        memcpy(lane->result->stranded, stranded, n * sizeof *stranded);
    }
    fx_lane_signal(lane);
}

static void on_done(void *arg, enum jt_err err)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    fx_lane_signal(lane);
}

static void on_moved(void *arg, enum jt_err err, const struct jt_move_result *result)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    if (err == JT_OK) {
        lane->result->check = result->check;
        lane->result->n_moved = result->n_moved;
    }
    fx_lane_signal(lane);
}

static void on_deleted(void *arg, enum jt_err err, const struct jt_delete_result *result)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    if (err == JT_OK) {
        lane->result->check = result->check;
        lane->result->all_there = result->all_there;
        lane->result->n_deleted = result->n_deleted;
    }
    fx_lane_signal(lane);
}

static void on_lengthened(void *arg, enum jt_err err, const struct jt_lengthen_result *result)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    if (err == JT_OK) {
        lane->result->check = result->check;
        memcpy(lane->result->lives, result->lives, result->n * sizeof *result->lives);
    }
    fx_lane_signal(lane);
}

void fx_wait(struct fx_lane *lane, struct fx_result *out)
{
    struct timespec until = fx_soon();
    pthread_mutex_lock(&lane->mutex);
    while (!lane->answered) {
        fx_lane_await(lane, &until);
    }
    lane->answered = false;
    *out = *lane->result;
    pthread_mutex_unlock(&lane->mutex);
}

/* --- requests --- */

struct request {
    uint64_t epoch, active;
    const uint64_t *draining;
    size_t n_draining;
    const struct fx_card *cards;
    const uint64_t *ids;
    const uint8_t *live;
    size_t n_live;
    const struct jt_audit_row *rows;
    const struct jt_move_txn *move;
    const struct jt_card_doomed *doomed;
    const struct jt_card_longer *longer;
    bool expired;
    size_t n;
};

static void must_queue(enum jt_err err)
{
    queuing = false;
    if (err != JT_OK) {
        (void)fprintf(stderr, "the pipe refused: %s\n", jt_err_str(err));
        abort();
    }
}

void fx_lane_may_refuse(struct fx_lane *lane)
{
    lane->may_refuse = true;
}

static void must_queue_or_answer(struct fx_lane *lane, enum jt_err err)
{
    if (err == JT_OK || !lane->may_refuse) {
        must_queue(err);
        return;
    }
    queuing = false;
    pthread_mutex_lock(&lane->mutex);
    *lane->result = (struct fx_result){ .err = err };
    lane->answered = true;
    fx_lane_signal(lane);
    pthread_mutex_unlock(&lane->mutex);
}

/* The next link of the lane's chain, which goes on from there whatever becomes of it. */
static struct jt_audit next_link(struct fx_lane *lane, const struct jt_audit_row *rows, size_t n)
{
    if (jt_chain_next(&lane->chain, rows, n, jt_clock_wall_us(), &lane->link) != JT_OK) {
        abort();
    }
    fx_head(&lane->link.what, lane->link.head);
    jt_chain_stands(&lane->chain, &lane->link);
    return (struct jt_audit){ .link = &lane->link, .rows = rows, .n = n };
}

/* What a transaction has because of numeric tokens; one at a time makes it. */
struct numeric {
    uint8_t toks[JT_STORE_MAX_CARDS][JT_TOK_LEN], value_toks[JT_STORE_MAX_CARDS][JT_TOK_LEN];
    uint8_t fingerprints[2 * JT_STORE_MAX_CARDS][JT_FINGERPRINT_LEN];
    struct jt_card_probe probes[2 * JT_STORE_MAX_CARDS];
    size_t n;
};

static void add_numeric(const struct request *q, size_t i, struct jt_card_new *card,
                        struct numeric *numeric)
{
    const struct fx_card *c = &q->cards[i];
    if (c->token == 0) {
        return;
    }
    fx_tok(c->field, c->token, numeric->toks[i]);
    card->digits = fx_digits(c->token);
    card->tok = numeric->toks[i];
    if (!c->guarded) {
        return;
    }
    fx_tok(c->field, c->number, numeric->value_toks[i]);
    card->value_tok = numeric->value_toks[i];
    for (size_t d = 0; d <= q->n_draining; d++, numeric->n++) {
        uint64_t generation = d == 0 ? q->active : q->draining[d - 1];
        fx_fingerprint(c->token, generation, numeric->fingerprints[numeric->n]);
        numeric->probes[numeric->n] = (struct jt_card_probe){ (uint32_t)i, (uint8_t)generation,
                                                              numeric->fingerprints[numeric->n] };
    }
}

static void tokenize_job(struct fx_lane *lane, void *arg)
{
    const struct request *q = arg;
    struct jt_card_new *cards = calloc(q->n + 1, sizeof *cards);
    struct jt_card_probe *probes = calloc(q->n * q->n_draining + 1, sizeof *probes);
    uint8_t(*fingerprints)[16] = calloc(q->n * q->n_draining + 1, 16);
    if (cards == NULL || probes == NULL || fingerprints == NULL) {
        abort();
    }
    static struct numeric numerics;
    struct numeric *numeric = &numerics;
    numeric->n = 0;
    size_t n_probes = 0;
    for (size_t i = 0; i < q->n; i++) {
        const struct fx_card *c = &q->cards[i];
        cards[i] = (struct jt_card_new){ .field = c->field,
                                         .id = c->id,
                                         .fingerprint = c->fingerprint,
                                         .envelope = c->envelope,
                                         .envelope_len = sizeof c->envelope,
                                         .expires_us = c->expires_us };
        add_numeric(q, i, &cards[i], numeric);
        lane->ids[i] = c->id;
        for (size_t d = 0; d < q->n_draining; d++, n_probes++) {
            fx_fingerprint(c->number, q->draining[d], fingerprints[n_probes]);
            probes[n_probes] = (struct jt_card_probe){ (uint32_t)i, (uint8_t)q->draining[d],
                                                       fingerprints[n_probes] };
        }
    }
    uint8_t draining[JT_RING_MAX_DRAINING];
    for (size_t d = 0; d < q->n_draining; d++) {
        draining[d] = (uint8_t)q->draining[d];
    }
    const struct jt_audit_row audit = { .action = JT_AUDIT_TOKENIZE,
                                        .client = "app",
                                        .field = 1,
                                        .n_items = (uint32_t)q->n,
                                        .n_done = (uint32_t)q->n };
    const struct jt_audit rows = next_link(lane, &audit, 1);
    const struct jt_tokenize_txn txn = { .epoch = q->epoch,
                                         .generation = q->active,
                                         .key_id = (uint8_t)q->active,
                                         .writer = lane->writer,
                                         .cards = cards,
                                         .n_cards = q->n,
                                         .probes = probes,
                                         .n_probes = n_probes,
                                         .draining = draining,
                                         .n_draining = q->n_draining,
                                         .digit_probes = numeric->probes,
                                         .n_digit_probes = numeric->n,
                                         .numeric_mark = lane->numeric_mark,
                                         .count_taken = true,
                                         .audit = rows };
    queuing = true;
    must_queue_or_answer(lane, jt_cards_tokenize(lane->pipe, &txn, on_tokenized, lane));
    free(cards);
    free(probes);
    free(fingerprints);
}

void fx_tokenize_start(struct fx_lane *lane, uint64_t epoch, uint64_t active,
                       const uint64_t *draining, size_t n_draining, const struct fx_card *cards,
                       size_t n)
{
    struct request q = { .epoch = epoch,
                         .active = active,
                         .draining = draining,
                         .n_draining = n_draining,
                         .cards = cards,
                         .n = n };
    fx_lane_call(lane, tokenize_job, &q);
}

void fx_tokenize(struct fx_lane *lane, uint64_t epoch, uint64_t active, const uint64_t *draining,
                 size_t n_draining, const struct fx_card *cards, size_t n, struct fx_result *out)
{
    fx_tokenize_start(lane, epoch, active, draining, n_draining, cards, n);
    fx_wait(lane, out);
}

static void read_job(struct fx_lane *lane, void *arg)
{
    const struct request *q = arg;
    queuing = true;
    must_queue(jt_cards_read(lane->pipe, q->ids, q->n, q->live, q->n_live, on_read, lane));
}

void fx_read(struct fx_lane *lane, const uint64_t *ids, size_t n, const uint8_t *live,
             size_t n_live, struct fx_result *out)
{
    struct request q = { .ids = ids, .n = n, .live = live, .n_live = n_live };
    fx_lane_call(lane, read_job, &q);
    fx_wait(lane, out);
}

void fx_lane_need_mark(struct fx_lane *lane, uint64_t mark)
{
    lane->numeric_mark = mark;
}

static void read_toks_job(struct fx_lane *lane, void *arg)
{
    const struct request *q = arg;
    static const uint64_t none[64];
    struct jt_tok_wanted wanted[64];
    uint8_t toks[64][JT_TOK_LEN];
    for (size_t i = 0; i < q->n; i++) {
        fx_tok((uint32_t)q->active, q->ids[i], toks[i]);
        wanted[i] = (struct jt_tok_wanted){ (uint32_t)i, (uint32_t)q->active, toks[i] };
    }
    queuing = true;
    must_queue(jt_cards_read_toks(lane->pipe, none, q->n, q->live, q->n_live, wanted, q->n, on_read,
                                  lane));
}

void fx_read_toks(struct fx_lane *lane, uint32_t field, const uint64_t *tokens, size_t n,
                  const uint8_t *live, size_t n_live, struct fx_result *out)
{
    struct request q = { .active = field, .ids = tokens, .n = n, .live = live, .n_live = n_live };
    fx_lane_call(lane, read_toks_job, &q);
    fx_wait(lane, out);
}

static void strays_job(struct fx_lane *lane, void *arg)
{
    const struct request *q = arg;
    queuing = true;
    must_queue(jt_cards_strays(lane->pipe, q->ids, q->n, on_strays, lane));
}

void fx_strays(struct fx_lane *lane, const uint64_t *ids, size_t n, struct fx_result *out)
{
    struct request q = { .ids = ids, .n = n };
    fx_lane_call(lane, strays_job, &q);
    fx_wait(lane, out);
}

static void audit_job(struct fx_lane *lane, void *arg)
{
    const struct request *q = arg;
    queuing = true;
    const struct jt_audit audit = next_link(lane, q->rows, q->n);
    must_queue(jt_cards_audit(lane->pipe, &audit, on_done, lane));
}

void fx_audit(struct fx_lane *lane, const struct jt_audit_row *rows, size_t n,
              struct fx_result *out)
{
    struct request q = { .rows = rows, .n = n };
    fx_lane_call(lane, audit_job, &q);
    fx_wait(lane, out);
}

static void move_job(struct fx_lane *lane, void *arg)
{
    const struct request *q = arg;
    queuing = true;
    must_queue(jt_cards_move(lane->pipe, q->move, on_moved, lane));
}

void fx_move_start(struct fx_lane *lane, const struct jt_move_txn *txn)
{
    struct request q = { .move = txn };
    fx_lane_call(lane, move_job, &q);
}

void fx_move(struct fx_lane *lane, const struct jt_move_txn *txn, struct fx_result *out)
{
    fx_move_start(lane, txn);
    fx_wait(lane, out);
}

static void delete_job(struct fx_lane *lane, void *arg)
{
    const struct request *q = arg;
    const struct jt_audit_row audit = { .action = JT_AUDIT_DELETE,
                                        .client = "app",
                                        .field = 1,
                                        .n_items = (uint32_t)q->n,
                                        .n_done = (uint32_t)q->n };
    const struct jt_delete_txn txn = { .expired = q->expired,
                                       .epoch = q->epoch,
                                       .writer = lane->writer,
                                       .cards = q->doomed,
                                       .n = q->n,
                                       .audit = next_link(lane, &audit, 1) };
    queuing = true;
    must_queue(jt_cards_delete(lane->pipe, &txn, on_deleted, lane));
}

void fx_delete_start(struct fx_lane *lane, uint64_t epoch, const struct jt_card_doomed *cards,
                     size_t n)
{
    struct request q = { .epoch = epoch, .doomed = cards, .n = n };
    fx_lane_call(lane, delete_job, &q);
}

void fx_delete(struct fx_lane *lane, uint64_t epoch, const struct jt_card_doomed *cards, size_t n,
               struct fx_result *out)
{
    fx_delete_start(lane, epoch, cards, n);
    fx_wait(lane, out);
}

void fx_delete_expired(struct fx_lane *lane, uint64_t epoch, const struct jt_card_doomed *cards,
                       size_t n, struct fx_result *out)
{
    struct request q = { .epoch = epoch, .doomed = cards, .n = n, .expired = true };
    fx_lane_call(lane, delete_job, &q);
    fx_wait(lane, out);
}

static void lengthen_job(struct fx_lane *lane, void *arg)
{
    const struct request *q = arg;
    const struct jt_lengthen_txn txn = { .epoch = q->epoch, .cards = q->longer, .n = q->n };
    queuing = true;
    must_queue(jt_cards_lengthen(lane->pipe, &txn, on_lengthened, lane));
}

void fx_lengthen_start(struct fx_lane *lane, uint64_t epoch, const struct jt_card_longer *cards,
                       size_t n)
{
    struct request q = { .epoch = epoch, .longer = cards, .n = n };
    fx_lane_call(lane, lengthen_job, &q);
}

void fx_lengthen(struct fx_lane *lane, uint64_t epoch, const struct jt_card_longer *cards, size_t n,
                 struct fx_result *out)
{
    fx_lengthen_start(lane, epoch, cards, n);
    fx_wait(lane, out);
}

static void ready_job(struct fx_lane *lane, void *arg)
{
    *(bool *)arg = jt_pipe_ready(lane->pipe);
}

bool fx_lane_ready(struct fx_lane *lane)
{
    bool ready = false;
    fx_lane_call(lane, ready_job, &ready);
    return ready;
}

/* Ready now, or as soon as it comes up again. */
void fx_lane_wait_ready(struct fx_lane *lane)
{
    while (!fx_lane_ready(lane)) {
        fx_lane_wait_up(lane);
    }
}

static void refusal_job(struct fx_lane *lane, void *arg)
{
    *(bool *)arg = jt_cards_read(lane->pipe, NULL, 0, NULL, 0, on_read, lane) == JT_ERR_DB_AWAY;
}

bool fx_lane_refuses(struct fx_lane *lane)
{
    bool refused = false;
    fx_lane_call(lane, refusal_job, &refused);
    return refused;
}

struct text {
    char *out;
    size_t size;
};

static void message_job(struct fx_lane *lane, void *arg)
{
    const struct text *text = arg;
    (void)snprintf(text->out, text->size, "%s", jt_pipe_fault(lane->pipe)->cause);
}

void fx_lane_message(struct fx_lane *lane, char *out, size_t size)
{
    struct text text = { out, size };
    fx_lane_call(lane, message_job, &text);
}
