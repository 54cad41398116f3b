/* SEAL: new cards, under the active generation only. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/policy.h"
#include "wire/seal.h"

/* Fills active and draining generations from the ring. */
static void describe(const struct jt_keeper *k, const struct jt_ring_entry *active, struct jt_seal_reply *reply)
{
    reply->epoch = k->ring.epoch;
    reply->active = (struct jt_keyref){ active->number, active->key_id };
    for (size_t i = 0; i < k->ring.n; i++) {
        const struct jt_ring_entry *e = &k->ring.entries[i];
        if (e->state == JT_GENERATION_DRAINING) {
            reply->draining[reply->n_draining++] = (struct jt_keyref){ e->number, e->key_id };
        }
    }
}

static enum jt_err seal_group(struct jt_keeper *k, const struct jt_seal_reply *reply, uint32_t field, size_t n)
{
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        struct jt_batch_card *c = &b->cards[i];
        const struct jt_seal_item *item = &b->items.seal[c->at];
        c->row_id = item->row_id;
        c->row_id_len = item->row_id_len;
        c->pan = item->pan;
        c->pan_len = item->pan_len;
        c->dedup = item->dedup;
    }
    struct jt_fieldkey *fk;
    enum jt_err err = jt_keyring_fieldkey(k->keyring, reply->active.generation, field, &fk);
    if (err == JT_OK) {
        err = jt_batch_seal(b, fk, n);
    }
    if (err == JT_OK) {
        err = jt_batch_fingerprint(b, fk, n, b->fingerprints[0], sizeof b->fingerprints[0]);
    }
    for (size_t d = 0; d < reply->n_draining && err == JT_OK; d++) {
        err = jt_keyring_fieldkey(k->keyring, reply->draining[d].generation, field, &fk);
        if (err == JT_OK) {
            err = jt_batch_fingerprint(b, fk, n, b->draining[0] + d * JT_FINGERPRINT_LEN, sizeof b->draining[0]);
        }
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        b->results.seal[c->at] = (struct jt_seal_result){
            .err = JT_OK,
            .fingerprint = b->fingerprints[c->at],
            .draining_fingerprints = b->draining[c->at],
            .envelope = b->envelopes[c->at],
            .envelope_len = (uint8_t)(JT_ENVELOPE_OVERHEAD + c->pan_len),
        };
    }
    return err;
}

static enum jt_err seal_all(struct jt_keeper *k, struct jt_seal_reply *reply)
{
    struct jt_batch *b = k->batch;
    enum jt_err err = JT_OK;
    for (size_t first = 0; first < reply->n && err == JT_OK; first += JT_BATCH_CHUNK) {
        size_t n_chunk = jt_batch_chunk(b, first, reply->n);
        for (size_t i = 0; i < n_chunk; i++) {
            const struct jt_seal_item *item = &b->items.seal[first + i];
            if (item->row_id_len > 0 && jt_batch_pan_good(item->pan, item->pan_len)) {
                jt_batch_group(b, i, 0, item->field);
            } else {
                b->results.seal[first + i] = (struct jt_seal_result){ .err = JT_ERR_INVALID };
                k->n_refused++;
            }
        }
        uint8_t key_id;
        uint32_t field;
        for (size_t n = jt_batch_next_group(b, &key_id, &field); n > 0 && err == JT_OK; n = jt_batch_next_group(b, &key_id, &field)) {
            err = seal_group(k, reply, field, n);
            k->n_sealed += err == JT_OK ? n : 0;
        }
    }
    return err;
}

enum jt_err jt_op_seal(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct jt_seal_reply reply = { .epoch = k->ring.epoch, .results = b->results.seal };
    size_t n;
    enum jt_err err = jt_seal_request_decode(in, b->items.seal, &n);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_ring_entry *active = jt_policy_writable(&k->ring);
    if (active != NULL) {
        describe(k, active, &reply);
        reply.n = n;
        err = seal_all(k, &reply);
    }
    if (err == JT_OK) {
        jt_seal_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, n);
    return err;
}
