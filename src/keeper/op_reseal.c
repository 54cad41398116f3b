/* SPDX-License-Identifier: Apache-2.0 */
/* RESEAL: from draining generations into the active one, the PAN never leaving the keeper. */
#include "keeper/op.h"

#include "base/must.h"
#include "keeper/policy.h"
#include "keeper/walk.h"
#include "wire/reseal.h"

static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
    k->batch->results.reseal[at] = (struct jt_reseal_result){ .err = err };
    k->n_refused++;
}

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    const struct jt_ring_entry *active = arg;
    const struct jt_open_item *item = &k->batch->items.open[at];
    if (item->envelope_len > 0 && item->envelope[0] == active->key_id) {
        return JT_ERR_ACTIVE_ALREADY;
    }
    return jt_walk_stored(k, item->field, item->envelope, item->envelope_len, JT_ERR_NO_FIELD,
                          group);
}

/* Opens the group and keeps in cards[] only those that opened; the others get their result. */
static enum jt_err open_group(struct jt_keeper *k, const struct jt_group *group, size_t *n)
{
    struct jt_batch *b = k->batch;
    const struct jt_named_field *named = jt_fieldtable_find(&k->fields, group->field);
    jt_must(named != NULL); /* or the item would not be in a group */
    for (size_t i = 0; i < *n; i++) {
        struct jt_batch_card *c = &b->cards[i];
        const struct jt_open_item *item = &b->items.open[c->at];
        jt_walk_take(b, i, item->id, item->fingerprint, item->envelope, item->envelope_len);
        b->cards[i].digits = &item->digits;
        c->value = jt_batch_opened(b, c->at, item->envelope_len);
        c->dedup = named->dedup;
    }
    enum jt_err err = jt_walk_open(k, group, *n);
    if (err != JT_OK) {
        return err;
    }
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (b->siv[i].err == JT_OK) {
            b->cards[kept++] = b->cards[i];
        } else {
            refuse(k, NULL, b->cards[i].at, JT_ERR_DECRYPT);
        }
    }
    *n = kept;
    return JT_OK;
}

static enum jt_err reseal_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                                size_t n)
{
    struct jt_batch *b = k->batch;
    const struct jt_ring_entry *active = arg;
    struct jt_fieldkey *fk;
    /* Both keys first: a group is refused as a whole, or not at all. */
    enum jt_err err = jt_keyring_fieldkey(k->keyring, active->number, group->field, &fk);
    if (err == JT_OK) {
        err = open_group(k, group, &n);
    }
    if (err == JT_OK) {
        err = jt_batch_fingerprint(b, fk, n, b->fingerprints[0], sizeof b->fingerprints[0]);
    }
    if (err == JT_OK) {
        err = jt_sealcount_take(&k->sealcount, active->number, n);
    }
    if (err == JT_OK) {
        err = jt_batch_seal(b, fk, n); /* bound to the new fingerprint */
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        b->results.reseal[c->at] = (struct jt_reseal_result){
            .err = JT_OK,
            .from = jt_walk_entry(k, group)->number,
            .fingerprint = b->fingerprints[c->at],
            .envelope = b->envelopes[c->at],
            .envelope_len = (uint16_t)(JT_ENVELOPE_OVERHEAD + c->value.len),
        };
        k->n_resealed++;
    }
    return err;
}

enum jt_err jt_op_reseal(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct jt_reseal_reply reply = { .epoch = k->ring.epoch, .results = b->results.reseal };
    size_t n;
    enum jt_err err = jt_open_request_decode(in, b->items.open, &n);
    if (err != JT_OK) {
        return err;
    }
    struct jt_ring_entry active;
    const struct jt_ring_entry *writable = jt_policy_writable(&k->ring);
    if (writable != NULL) {
        active = *writable;
        const struct jt_walk walk = {
            .sort = sort_item, .work = reseal_group, .refuse = refuse, .arg = &active
        };
        reply.active = (struct jt_keyref){ active.number, active.key_id };
        reply.n = n;
        err = jt_walk(k, &walk, n);
    }
    if (err == JT_OK) {
        jt_reseal_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, n);
    return err;
}
