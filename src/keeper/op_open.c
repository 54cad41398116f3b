/* SPDX-License-Identifier: Apache-2.0 */
/* OPEN: stored envelopes back to PANs, of live generations only. */
#include "keeper/op.h"

#include "keeper/opening.h"
#include "keeper/walk.h"
#include "wire/open.h"

static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
    k->batch->results.open[at] = (struct jt_open_result){ .err = err };
    k->n_refused++;
}

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    const struct jt_open_item *item = &k->batch->items.open[at];
    enum jt_err err = jt_walk_told(k, item->field, item->envelope, item->envelope_len, group);
    return err == JT_OK ? jt_opening_take(arg) : err;
}

static enum jt_err open_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                              size_t n)
{
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        const struct jt_open_item *item = &b->items.open[b->cards[i].at];
        jt_walk_take(b, i, item->id, item->fingerprint, item->envelope, item->envelope_len);
        b->cards[i].digits = &item->digits;
    }
    bool draining = jt_walk_entry(k, group)->state == JT_GENERATION_DRAINING;
    enum jt_err err = jt_walk_open(k, group, n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        if (b->siv[i].err == JT_OK) {
            b->results.open[at] = (struct jt_open_result){
                .honey = jt_opening_honey(arg, group->field, b->items.open[at].id),
                .draining = draining,
                .value = jt_batch_opened(b, at, b->items.open[at].envelope_len),
            };
            jt_opening_opened(arg);
        } else {
            refuse(k, arg, at, b->siv[i].err);
        }
    }
    return err;
}

enum jt_err jt_op_open(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_opening opening;
    const struct jt_walk walk = {
        .sort = sort_item, .work = open_group, .refuse = refuse, .arg = &opening
    };
    struct jt_batch *b = k->batch;
    struct jt_open_reply reply = { .epoch = k->ring.epoch, .results = b->results.open };
    enum jt_err err = jt_open_request_decode(in, b->items.open, &reply.n);
    if (err != JT_OK) {
        return err;
    }
    err = jt_opening_begin(&opening, k, reply.n);
    if (err == JT_OK) {
        err = jt_walk(k, &walk, reply.n);
        jt_opening_end(&opening);
    }
    if (err == JT_OK) {
        jt_open_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, reply.n);
    return err;
}
