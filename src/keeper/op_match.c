/* SPDX-License-Identifier: Apache-2.0 */
/* MATCH: whether a stored row is that of a card; if so, its token. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "wire/match.h"

static void refuse(struct jt_keeper *k, size_t at, enum jt_err err)
{
    k->batch->results.match[at] = (struct jt_match_result){ .err = err };
    k->n_mismatched += err == JT_ERR_DECRYPT;
    k->n_refused++;
}

/* Keeps in cards[] only those whose envelope opened as the card that was asked about. */
static size_t keep_matching(struct jt_keeper *k, size_t n)
{
    struct jt_batch *b = k->batch;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const struct jt_batch_card c = b->cards[i];
        const struct jt_match_item *item = &b->items.match[c.at];
        /* A PAN's length is no secret: the envelope shows it. */
        bool same = b->siv[i].err == JT_OK && item->value.kind == JT_FIELD_PAN &&
                    b->siv[i].in_len - JT_ENVELOPE_OVERHEAD == item->value.len &&
                    jt_equal_ct(b->pans[c.at], item->value.bytes, item->value.len);
        jt_wipe(b->pans[c.at], sizeof b->pans[c.at]);
        if (same) {
            b->cards[kept++] = c;
        } else {
            refuse(k, c.at, JT_ERR_DECRYPT);
        }
    }
    return kept;
}

static enum jt_err match_group(struct jt_keeper *k, uint64_t generation, uint32_t field, size_t n)
{
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        struct jt_batch_card *c = &b->cards[i];
        const struct jt_match_item *item = &b->items.match[c->at];
        jt_batch_set_id(b, c->at, item->id);
        c->fingerprint = item->fingerprint;
        b->siv[i] = (struct jt_siv_record){ .in = item->envelope, .in_len = item->envelope_len };
    }
    struct jt_fieldkey *fk;
    struct jt_tokenkey *tk;
    enum jt_err err = jt_keyring_fieldkey(k->keyring, generation, field, &fk);
    if (err == JT_OK) {
        err = jt_batch_open(b, fk, n);
    }
    size_t n_same = err == JT_OK ? keep_matching(k, n) : 0;
    if (err == JT_OK) {
        err = jt_root_tokenkey(k->root, field, &tk);
    }
    if (err == JT_OK) {
        err = jt_batch_token(b, tk, n_same);
    }
    for (size_t i = 0; i < n_same && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        b->results.match[at] = (struct jt_match_result){ .err = JT_OK, .token = b->tokens[at] };
        k->n_matched++;
    }
    return err;
}

/* Sorts out what needs no key to be refused. */
static void group_item(struct jt_keeper *k, size_t first, size_t i)
{
    struct jt_batch *b = k->batch;
    const struct jt_match_item *item = &b->items.match[first + i];
    if (item->envelope_len > 0 && k->live[item->envelope[0]] == NULL) {
        refuse(k, first + i, JT_ERR_RING_MOVED);
    } else if (!jt_batch_envelope_len_good(item->envelope_len)) {
        refuse(k, first + i, JT_ERR_DECRYPT);
    } else {
        enum jt_err err = jt_fieldtable_check(&k->fields, item->field, JT_ERR_DECRYPT);
        if (err == JT_OK) {
            jt_batch_group(b, i, item->envelope[0], item->field);
        } else {
            refuse(k, first + i, err);
        }
    }
}

static enum jt_err match_all(struct jt_keeper *k, size_t n_items)
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
            err = match_group(k, k->live[key_id]->number, field, n);
            /* too many keys to derive in one request: these are asked again */
            if (err == JT_ERR_DERIVATIONS) {
                err = JT_OK;
                for (size_t i = 0; i < n; i++) {
                    refuse(k, b->cards[i].at, JT_ERR_DERIVATIONS);
                }
            }
        }
    }
    return err;
}

enum jt_err jt_op_match(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    size_t n;
    enum jt_err err = jt_match_request_decode(in, b->items.match, &n);
    if (err != JT_OK) {
        return err;
    }
    err = match_all(k, n);
    if (err == JT_OK) {
        const struct jt_match_reply reply = { .epoch = k->ring.epoch,
                                              .n = n,
                                              .results = b->results.match };
        jt_match_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, n);
    return err;
}
