/* SPDX-License-Identifier: Apache-2.0 */
/* OPEN: stored envelopes back to PANs, of live generations only. */
#include "keeper/op.h"

#include "keeper/policy.h"
#include "wire/open.h"

static enum jt_err open_group(struct jt_keeper *k, const struct jt_ring_entry *entry,
                              uint32_t field, size_t n)
{
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        struct jt_batch_card *c = &b->cards[i];
        const struct jt_open_item *item = &b->items.open[c->at];
        jt_batch_set_id(b, c->at, item->id);
        c->fingerprint = item->fingerprint;
        b->siv[i] = (struct jt_siv_record){ .in = item->envelope, .in_len = item->envelope_len };
    }
    struct jt_fieldkey *fk;
    enum jt_err err = jt_keyring_fieldkey(k->keyring, entry->number, field, &fk);
    if (err == JT_OK) {
        err = jt_batch_open(b, fk, n);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        struct jt_open_result *r = &b->results.open[c->at];
        *r = (struct jt_open_result){ .err = b->siv[i].err };
        if (r->err == JT_OK) {
            r->draining = entry->state == JT_GENERATION_DRAINING;
            r->value = jt_batch_opened(b, c->at, b->items.open[c->at].envelope_len);
            k->n_opened++;
        } else {
            k->n_refused++;
        }
    }
    return err;
}

/* Sorts out what needs no key to be refused. */
static void group_item(struct jt_keeper *k, size_t first, size_t i)
{
    struct jt_batch *b = k->batch;
    const struct jt_open_item *item = &b->items.open[first + i];
    enum jt_err err = JT_OK;
    if (item->envelope_len > 0 && k->live[item->envelope[0]] == NULL) {
        err = JT_ERR_RING_MOVED;
    } else if (!jt_batch_envelope_len_good(item->envelope_len)) {
        err = JT_ERR_DECRYPT;
    } else {
        err = jt_fieldtable_check(&k->fields, item->field, JT_ERR_DECRYPT);
    }
    if (err == JT_OK) {
        jt_batch_group(b, i, item->envelope[0], item->field);
    } else {
        b->results.open[first + i] = (struct jt_open_result){ .err = err };
        k->n_refused++;
    }
}

static enum jt_err open_all(struct jt_keeper *k, size_t n_items)
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
            err = open_group(k, k->live[key_id], field, n);
            /* too many keys to derive in one request: these are asked again */
            if (err == JT_ERR_DERIVATIONS) {
                err = JT_OK;
                for (size_t i = 0; i < n; i++) {
                    b->results.open[b->cards[i].at] =
                        (struct jt_open_result){ .err = JT_ERR_DERIVATIONS };
                }
            }
        }
    }
    return err;
}

enum jt_err jt_op_open(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    size_t n;
    enum jt_err err = jt_open_request_decode(in, b->items.open, &n);
    if (err != JT_OK) {
        return err;
    }
    err = open_all(k, n);
    if (err == JT_OK) {
        const struct jt_open_reply reply = { .epoch = k->ring.epoch,
                                             .n = n,
                                             .results = b->results.open };
        jt_open_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, n);
    return err;
}
