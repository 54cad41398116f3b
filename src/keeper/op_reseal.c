/* SPDX-License-Identifier: Apache-2.0 */
/* RESEAL: from draining generations into the active one, the PAN never leaving the keeper. */
#include "keeper/op.h"

#include "base/must.h"
#include "keeper/policy.h"
#include "wire/reseal.h"

/* Opens the group and keeps in cards[] only those that opened; the others get their result. */
static enum jt_err open_group(struct jt_keeper *k, uint64_t from, uint32_t field, size_t *n)
{
    struct jt_batch *b = k->batch;
    const struct jt_named_field *named = jt_fieldtable_find(&k->fields, field);
    jt_must(named != NULL); /* or the item would not be in a group */
    for (size_t i = 0; i < *n; i++) {
        struct jt_batch_card *c = &b->cards[i];
        const struct jt_open_item *item = &b->items.open[c->at];
        jt_batch_set_id(b, c->at, item->id);
        c->fingerprint = item->fingerprint;
        c->value = jt_batch_opened(b, c->at, item->envelope_len);
        c->dedup = named->dedup;
        b->siv[i] = (struct jt_siv_record){ .in = item->envelope, .in_len = item->envelope_len };
    }
    struct jt_fieldkey *fk;
    enum jt_err err = jt_keyring_fieldkey(k->keyring, from, field, &fk);
    if (err == JT_OK) {
        err = jt_batch_open(b, fk, *n);
    }
    if (err != JT_OK) {
        return err;
    }
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (b->siv[i].err == JT_OK) {
            b->cards[kept++] = b->cards[i];
        } else {
            b->results.reseal[b->cards[i].at] = (struct jt_reseal_result){ .err = JT_ERR_DECRYPT };
            k->n_refused++;
        }
    }
    *n = kept;
    return JT_OK;
}

static enum jt_err reseal_group(struct jt_keeper *k, uint64_t from, uint64_t to, uint32_t field,
                                size_t n)
{
    struct jt_batch *b = k->batch;
    struct jt_fieldkey *fk;
    enum jt_err err = open_group(k, from, field, &n);
    if (err == JT_OK) {
        err = jt_keyring_fieldkey(k->keyring, to, field, &fk);
    }
    if (err == JT_OK) {
        err = jt_batch_fingerprint(b, fk, n, b->fingerprints[0], sizeof b->fingerprints[0]);
    }
    if (err == JT_OK) {
        err = jt_batch_seal(b, fk, n); /* bound to the new fingerprint */
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        b->results.reseal[c->at] = (struct jt_reseal_result){
            .err = JT_OK,
            .from = from,
            .fingerprint = b->fingerprints[c->at],
            .envelope = b->envelopes[c->at],
            .envelope_len = (uint16_t)(JT_ENVELOPE_OVERHEAD + c->value.len),
        };
        k->n_resealed++;
    }
    return err;
}

static void group_item(struct jt_keeper *k, size_t first, size_t i)
{
    struct jt_batch *b = k->batch;
    const struct jt_open_item *item = &b->items.open[first + i];
    const struct jt_ring_entry *entry = item->envelope_len > 0 ? k->live[item->envelope[0]] : NULL;
    enum jt_err err = JT_OK;
    if (item->envelope_len > 0 && entry == NULL) {
        err = JT_ERR_RING_MOVED;
    } else if (entry != NULL && entry->state == JT_GENERATION_ACTIVE) {
        err = JT_ERR_ACTIVE_ALREADY;
    } else if (!jt_batch_envelope_len_good(item->envelope_len)) {
        err = JT_ERR_DECRYPT;
    } else {
        err = jt_fieldtable_check(&k->fields, item->field, JT_ERR_NO_FIELD);
    }
    if (err == JT_OK) {
        jt_batch_group(b, i, item->envelope[0], item->field);
    } else {
        b->results.reseal[first + i] = (struct jt_reseal_result){ .err = err };
        k->n_refused++;
    }
}

static enum jt_err reseal_all(struct jt_keeper *k, uint64_t to, size_t n_items)
{
    struct jt_batch *b = k->batch;
    enum jt_err err = JT_OK;
    for (size_t first = 0; first < n_items && err == JT_OK; first += JT_BATCH_CHUNK) {
        size_t n_chunk = jt_batch_chunk(b, first, n_items);
        for (size_t i = 0; i < n_chunk; i++) {
            group_item(k, first, i);
        }
        uint8_t key_id;
        uint32_t field;
        for (size_t n = jt_batch_next_group(b, &key_id, &field); n > 0 && err == JT_OK;
             n = jt_batch_next_group(b, &key_id, &field)) {
            err = reseal_group(k, k->live[key_id]->number, to, field, n);
            /* too many keys to derive in one request: these are asked again */
            if (err == JT_ERR_DERIVATIONS) {
                err = JT_OK;
                for (size_t i = 0; i < n; i++) {
                    b->results.reseal[b->cards[i].at] =
                        (struct jt_reseal_result){ .err = JT_ERR_DERIVATIONS };
                }
            }
        }
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
    const struct jt_ring_entry *active = jt_policy_writable(&k->ring);
    if (active != NULL) {
        reply.active = (struct jt_keyref){ active->number, active->key_id };
        reply.n = n;
        err = reseal_all(k, active->number, n);
    }
    if (err == JT_OK) {
        jt_reseal_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, n);
    return err;
}
