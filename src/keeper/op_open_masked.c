/* SPDX-License-Identifier: Apache-2.0 */
/* OPEN_MASKED: stored envelopes to masked card numbers, of live generations only. */
#include "keeper/op.h"

#include "keeper/opening.h"
#include "keeper/walk.h"
#include "wire/open_masked.h"

static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
    k->batch->results.open_masked[at] = (struct jt_open_masked_result){ .err = err };
    k->n_refused++;
}

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    const struct jt_open_item *item = &k->batch->items.open[at];
    enum jt_err err = jt_walk_told(k, item->field, item->envelope, item->envelope_len, group);
    return err == JT_OK ? jt_opening_take(arg) : err;
}

/* How many digits are shown is the field's own word. */
static enum jt_err mask_one(struct jt_keeper *k, const struct jt_group *group, size_t at)
{
    struct jt_batch *b = k->batch;
    const struct jt_named_field *field = jt_fieldtable_find(&k->fields, group->field);
    const struct jt_ring_entry *entry = jt_walk_entry(k, group);
    const struct jt_value value = jt_batch_opened(b, at, b->items.open[at].envelope_len);
    size_t len;
    enum jt_err err = jt_pan_mask(value.bytes, value.len, field != NULL && field->mask_eight,
                                  b->masked[at], &len);
    if (err == JT_OK) {
        b->results.open_masked[at] = (struct jt_open_masked_result){
            .draining = entry->state == JT_GENERATION_DRAINING,
            .generation = entry->number,
            .masked = b->masked[at],
            .len = (uint8_t)len,
        };
    }
    return err;
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
    enum jt_err err = jt_walk_open(k, group, n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        enum jt_err one =
            b->siv[i].err == JT_OK ? mask_one(k, group, b->cards[i].at) : b->siv[i].err;
        if (one == JT_OK) {
            size_t at = b->cards[i].at;
            b->results.open_masked[at].honey =
                jt_opening_honey(arg, group->field, b->items.open[at].id);
            jt_opening_opened(arg);
        } else {
            refuse(k, arg, b->cards[i].at, one);
        }
    }
    return err;
}

enum jt_err jt_op_open_masked(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_opening opening;
    const struct jt_walk walk = {
        .sort = sort_item, .work = open_group, .refuse = refuse, .arg = &opening
    };
    struct jt_batch *b = k->batch;
    struct jt_open_masked_reply reply = { .epoch = k->ring.epoch,
                                          .results = b->results.open_masked };
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
        jt_open_masked_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, reply.n);
    return err;
}
