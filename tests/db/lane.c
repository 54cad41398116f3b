/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_S 30

struct fx_lane {
    uint16_t writer;
    pthread_t thread;
    struct jt_loop *loop;
    struct jt_pipe *pipe;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex */
    void (*job)(struct fx_lane *lane, void *arg); /* to run in the thread; NULL: none */
    void *job_arg;
    bool stopping;
    unsigned n_up, n_up_seen;
    bool answered;
    struct fx_result *result;
    uint64_t ids[JT_STORE_MAX_CARDS]; /* of the cards under way */
    uint64_t numeric_mark;
    struct jt_chain chain;
    struct jt_link link;
};

static struct timespec soon(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    return until;
}

static void signal_change(struct fx_lane *lane)
{
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->mutex);
}

/* With the mutex held. */
static void wait_change(struct fx_lane *lane, const struct timespec *until)
{
    if (pthread_cond_timedwait(&lane->changed, &lane->mutex, until) == ETIMEDOUT) {
        (void)fprintf(stderr, "the pipe did not answer in %d s: %s\n", PATIENCE_S,
                      jt_pipe_fault(lane->pipe)->cause);
        abort();
    }
}

static void on_wake(void *arg, uint32_t events)
{
    (void)events;
    struct fx_lane *lane = arg;
    pthread_mutex_lock(&lane->mutex);
    void (*job)(struct fx_lane *, void *) = lane->job;
    bool stopping = lane->stopping;
    pthread_mutex_unlock(&lane->mutex);
    if (job != NULL) {
        job(lane, lane->job_arg);
        pthread_mutex_lock(&lane->mutex);
        lane->job = NULL;
        signal_change(lane);
    }
    if (stopping) {
        jt_loop_stop(lane->loop);
    }
}

static void on_up(void *arg, uint32_t events)
{
    (void)events;
    struct fx_lane *lane = arg;
    pthread_mutex_lock(&lane->mutex);
    lane->n_up++;
    signal_change(lane);
}

static void *run(void *arg)
{
    struct fx_lane *lane = arg;
    if (jt_loop_run(lane->loop) != JT_OK) {
        abort();
    }
    return NULL;
}

/* Runs `job` in the lane's thread and waits for its end. */
static void call(struct fx_lane *lane, void (*job)(struct fx_lane *, void *), void *arg)
{
    struct timespec until = soon();
    pthread_mutex_lock(&lane->mutex);
    lane->job = job;
    lane->job_arg = arg;
    jt_loop_wake(lane->loop);
    while (lane->job != NULL) {
        wait_change(lane, &until);
    }
    pthread_mutex_unlock(&lane->mutex);
}

struct fx_lane *fx_lane_new(const char *conninfo, const struct jt_node_spec *node, int timeout_ms)
{
    static uint16_t n_lanes;
    struct fx_lane *lane = calloc(1, sizeof *lane);
    assert_non_null(lane);
    lane->writer = ++n_lanes;
    jt_chain_begin(&lane->chain, FX_START, lane->writer, (const uint8_t[16]){ 0 });
    lane->result = calloc(1, sizeof *lane->result);
    assert_non_null(lane->result);
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_cond_init(&lane->changed, NULL);
    assert_int_equal(jt_loop_new(&lane->loop), JT_OK);
    jt_loop_on_wake(lane->loop, on_wake, lane);
    assert_int_equal(jt_pipe_new(lane->loop, conninfo, "test_pipe", node, timeout_ms, &lane->pipe),
                     JT_OK);
    assert_false(jt_pipe_up(lane->pipe));
    jt_pipe_on_up(lane->pipe, on_up, lane);
    assert_int_equal(pthread_create(&lane->thread, NULL, run, lane), 0);
    return lane;
}

void fx_lane_wait_up(struct fx_lane *lane)
{
    struct timespec until = soon();
    pthread_mutex_lock(&lane->mutex);
    while (lane->n_up == lane->n_up_seen) {
        wait_change(lane, &until);
    }
    lane->n_up_seen = lane->n_up;
    pthread_mutex_unlock(&lane->mutex);
}

/* After this nobody calls back any more but jt_pipe_free. */
static void stop(struct fx_lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    lane->stopping = true;
    jt_loop_wake(lane->loop);
    pthread_mutex_unlock(&lane->mutex);
    pthread_join(lane->thread, NULL);
}

static void release(struct fx_lane *lane)
{
    jt_loop_free(lane->loop);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->mutex);
    free(lane->result);
    free(lane);
}

void fx_lane_free(struct fx_lane *lane)
{
    stop(lane);
    jt_pipe_free(lane->pipe);
    release(lane);
}

enum jt_err fx_lane_free_busy(struct fx_lane *lane)
{
    stop(lane);
    assert_false(lane->answered);
    jt_pipe_free(lane->pipe);
    assert_true(lane->answered);
    enum jt_err err = lane->result->err;
    release(lane);
    return err;
}

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
            lane->result->why[i] = card->kind == JT_CARD_LOST ? (int)card->why : 0;
            lane->result->n_taken[i] = card->n_taken;
            lane->result->ids[i] =
                card->kind == JT_CARD_KNOWN ? card->row->id : lane->ids[card->written];
        }
    }
    signal_change(lane);
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
    signal_change(lane);
}

static void on_strays(void *arg, enum jt_err err, const uint8_t *stranded, size_t n)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    lane->result->n = n;
    if (n > 0) {
        memcpy(lane->result->stranded, stranded, n);
    }
    signal_change(lane);
}

static void on_done(void *arg, enum jt_err err)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    signal_change(lane);
}

static void on_moved(void *arg, enum jt_err err, const struct jt_move_result *result)
{
    struct fx_lane *lane = arg;
    begin_answer(lane, err);
    if (err == JT_OK) {
        lane->result->check = result->check;
        lane->result->n_moved = result->n_moved;
    }
    signal_change(lane);
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
    signal_change(lane);
}

void fx_wait(struct fx_lane *lane, struct fx_result *out)
{
    struct timespec until = soon();
    pthread_mutex_lock(&lane->mutex);
    while (!lane->answered) {
        wait_change(lane, &until);
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
                                         .envelope_len = sizeof c->envelope };
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
    must_queue(jt_cards_tokenize(lane->pipe, &txn, on_tokenized, lane));
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
    call(lane, tokenize_job, &q);
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
    call(lane, read_job, &q);
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
    call(lane, read_toks_job, &q);
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
    call(lane, strays_job, &q);
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
    call(lane, audit_job, &q);
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
    call(lane, move_job, &q);
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
    const struct jt_delete_txn txn = { .epoch = q->epoch,
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
    call(lane, delete_job, &q);
}

void fx_delete(struct fx_lane *lane, uint64_t epoch, const struct jt_card_doomed *cards, size_t n,
               struct fx_result *out)
{
    fx_delete_start(lane, epoch, cards, n);
    fx_wait(lane, out);
}

static void ready_job(struct fx_lane *lane, void *arg)
{
    *(bool *)arg = jt_pipe_ready(lane->pipe);
}

bool fx_lane_ready(struct fx_lane *lane)
{
    bool ready = false;
    call(lane, ready_job, &ready);
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
    call(lane, refusal_job, &refused);
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
    call(lane, message_job, &text);
}
