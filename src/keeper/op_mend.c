/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MEND: the fingerprints of rows whose stored ones are damaged.
 *
 * The candidate is what the envelope decrypts to; of its fingerprint the tag decides. A forger who
 * could make the tag verify here could make an envelope verify anywhere: nothing is given that OPEN
 * would not give, and less of it.
 */
#include "keeper/op.h"

#include "base/must.h"
#include "keeper/mending.h"
#include "keeper/opening.h"
#include "keeper/walk.h"
#include "wire/mend.h"

static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
    k->batch->results.mend[at] = (struct jt_mend_result){ .err = err };
    k->n_refused++;
}

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    const struct jt_open_item *item = &k->batch->items.open[at];
    enum jt_err err =
        jt_walk_stored(k, item->field, item->envelope, item->envelope_len, JT_ERR_NO_FIELD, group);
    return err == JT_OK ? jt_opening_take(arg) : err;
}

static const struct jt_open_item *item_at(const struct jt_batch *b, size_t at)
{
    return &b->items.open[at];
}

static void drop(void *arg, size_t at)
{
    struct jt_opening *opening = arg;
    refuse(opening->keeper, arg, at, JT_ERR_DECRYPT);
}

static enum jt_err mend_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                              size_t n)
{
    struct jt_batch *b = k->batch;
    const struct jt_named_field *named = jt_fieldtable_find(&k->fields, group->field);
    jt_must(named != NULL); /* or the item would not be in a group */
    struct jt_fieldkey *fk;
    enum jt_err err =
        jt_keyring_fieldkey(k->keyring, jt_walk_entry(k, group)->number, group->field, &fk);
    if (err == JT_OK) {
        const struct jt_mending how = { item_at, drop, arg };
        err = jt_mending_try(b, fk, named->dedup, &how, &n);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        if (b->siv[i].err == JT_OK) {
            b->results.mend[at] =
                (struct jt_mend_result){ .err = JT_OK, .fingerprint = b->fingerprints[at] };
            jt_opening_opened(arg);
        } else {
            refuse(k, arg, at, JT_ERR_DECRYPT);
        }
    }
    return err;
}

enum jt_err jt_op_mend(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_opening opening;
    const struct jt_walk walk = {
        .sort = sort_item, .work = mend_group, .refuse = refuse, .arg = &opening
    };
    struct jt_batch *b = k->batch;
    struct jt_mend_reply reply = { .epoch = k->ring.epoch, .results = b->results.mend };
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
        jt_mend_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, reply.n);
    return err;
}
