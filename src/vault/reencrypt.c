/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/reencrypt.h"

#include "base/container.h"
#include "base/log.h"

#include <stdlib.h>

#define BATCH_MAX   256
#define WAITING_MAX 8192
#define GATHER_MS   50

/* A row that was offered: a request of its own, with itself as its one item. */
struct offered {
    struct jt_lane_request request;
    struct jt_card_row card;
};

struct reencrypter {
    struct jt_lane lane;
    struct jt_open_item reseal[BATCH_MAX];
    struct jt_card_move moves[BATCH_MAX];
    uint64_t epoch;           /* under which they were sealed */
    size_t n_batch, n_moving; /* of the batch under way; those of them that are to move */
};

static struct reencrypter *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct reencrypter, lane);
}

/* Every row that was offered is counted once: as done, lost to somebody else, or dropped. */
static void count(struct reencrypter *r, size_t n_moved, size_t n_lost)
{
    struct jt_counters *counters = &r->lane.vault->counters;
    jt_count(&counters->lazy_reencrypted, n_moved);
    jt_count(&counters->lazy_lost, n_lost);
    jt_count(&counters->lazy_dropped, r->n_batch - n_moved - n_lost);
}

/* Whether they moved or not, nobody waits for them: the next read offers again what is left. */
static void on_moved(void *arg, enum jt_err err, const struct jt_move_result *result)
{
    struct reencrypter *r = arg;
    r->lane.told = true;
    if (err == JT_ERR_DB_DUPLICATE) {
        jt_lane_alarm(&r->lane, 1, "fingerprint stands already under the active generation");
    } else if (err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        /* no fault of the node: cards are served whether they move or not */
        jt_log(JT_LOG_WARNING, "re-encryption: %s",
               jt_fault_line(jt_pipe_fault(r->lane.pipe), err, line));
    }
    size_t n_moved = err == JT_OK ? result->n_moved : 0;
    bool held = err == JT_OK && result->check.epoch == r->epoch && result->check.node_stands;
    count(r, n_moved, held ? r->n_moving - n_moved : 0);
    jt_lane_end(&r->lane, err);
}

static void on_resealed(void *arg, enum jt_err err, const struct jt_reseal_reply *reply)
{
    struct reencrypter *r = arg;
    if (err != JT_OK || reply->active.key_id == 0) {
        count(r, 0, 0);
        jt_lane_end(&r->lane, err);
        return;
    }
    struct jt_move_txn txn = {
        .epoch = reply->epoch, .to = reply->active, .writer = r->lane.writer, .moves = r->moves
    };
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_reseal_result *s = &reply->results[i];
        if (s->err != JT_OK || (txn.from.generation != 0 && s->from != txn.from.generation)) {
            /*
             * one transaction moves rows of one generation; the others come again with their next
             * read
             */
            continue;
        }
        const struct offered *row = r->lane.entries[r->lane.sent[i]].item;
        txn.from = (struct jt_keyref){ .generation = s->from, .key_id = row->card.envelope[0] };
        r->moves[txn.n++] = (struct jt_card_move){ .old = &row->card,
                                                   .envelope = s->envelope,
                                                   .envelope_len = s->envelope_len,
                                                   .fingerprint = s->fingerprint };
    }
    r->n_moving = txn.n;
    r->epoch = reply->epoch;
    err = txn.n == 0 ? JT_OK : jt_cards_move(r->lane.pipe, &txn, on_moved, r);
    if (txn.n == 0 || err != JT_OK) {
        count(r, 0, 0);
        jt_lane_end(&r->lane, err);
    }
}

static void round_of(struct jt_lane *lane)
{
    struct reencrypter *r = of(lane);
    size_t n = jt_lane_open(lane);
    r->n_batch = n;
    for (size_t i = 0; i < n; i++) {
        const struct offered *row = lane->entries[lane->sent[i]].item;
        r->reseal[i] = (struct jt_open_item){ .field = row->card.field,
                                              .id = row->card.id,
                                              .fingerprint = row->card.fingerprint,
                                              .envelope = row->card.envelope,
                                              .envelope_len = row->card.envelope_len,
                                              .digits = row->card.digits };
    }
    jt_keyclient_reseal(lane->keeper, r->reseal, n, on_resealed, r);
}

/* Neither keeper nor database was asked. */
static void give_up(struct jt_lane *lane, enum jt_err err)
{
    struct reencrypter *r = of(lane);
    r->n_batch = jt_lane_open(lane);
    count(r, 0, 0);
    jt_lane_end(lane, err);
}

static void end_item(void *item, enum jt_err err)
{
    (void)item;
    (void)err;
}

static void done(struct jt_lane_request *request)
{
    free(jt_container_of(request, struct offered, request));
}

const struct jt_lane_verb jt_verb_reencrypt = {
    .name = "re-encryption",
    .application = "jetond re-encrypt",
    .size = sizeof(struct reencrypter),
    .item_size = sizeof(struct offered),
    .batch_max = BATCH_MAX,
    .waiting_max = WAITING_MAX,
    .gather_ms = GATHER_MS,
    .writes = true,
    .round = round_of,
    .give_up = give_up,
    .end_item = end_item,
    .done = done,
};
_Static_assert(offsetof(struct reencrypter, lane) == 0, "a lane is allocated as its verb's struct");

void jt_reencrypt_offer(struct jt_lane *lane, const struct jt_card_row *card)
{
    struct offered *row = malloc(sizeof *row);
    bool taken = false;
    if (row != NULL) {
        *row = (struct offered){ .card = *card };
        row->request.items = row;
        row->request.n_items = 1;
        taken = jt_lane_submit(lane, &row->request);
    }
    if (!taken) {
        free(row);
        jt_count(&lane->vault->counters.lazy_dropped, 1);
    }
}
