/* SPDX-License-Identifier: Apache-2.0 */
/* IDENTIFY: tokens to the ids of their rows. */
#include "keeper/op.h"

#include "keeper/policy.h"
#include "wire/identify.h"

#include <string.h>

static enum jt_err identify_group(struct jt_keeper *k, uint32_t field, size_t n)
{
    struct jt_batch *b = k->batch;
    struct jt_tokenkey *tk;
    for (size_t i = 0; i < n; i++) {
        memcpy(b->group_tokens[i], b->items.identify[b->cards[i].at].token, JT_TOKEN_LEN);
    }
    enum jt_err err = jt_root_tokenkey(k->root, field, &tk);
    if (err == JT_OK) {
        err =
            jt_tokenkey_open(tk, (const uint8_t(*)[JT_TOKEN_LEN])b->group_tokens, n, b->group_ids);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        uint64_t id = b->group_ids[i];
        b->results.identify[b->cards[i].at] =
            (struct jt_identify_result){ .err = id != 0 ? JT_OK : JT_ERR_NO_TOKEN, .id = id };
        k->n_identified += id != 0;
        k->n_refused += id == 0;
    }
    return err;
}

static enum jt_err identify_all(struct jt_keeper *k, size_t n_items)
{
    struct jt_batch *b = k->batch;
    enum jt_err err = JT_OK;
    for (size_t first = 0; first < n_items && err == JT_OK; first += JT_BATCH_CHUNK) {
        size_t n_chunk = jt_batch_chunk(b, first, n_items);
        for (size_t i = 0; i < n_chunk; i++) {
            uint32_t asked = b->items.identify[first + i].field;
            if (jt_fieldtable_find(&k->fields, asked) != NULL) {
                jt_batch_group(b, i, 0, asked);
            } else {
                b->results.identify[first + i] =
                    (struct jt_identify_result){ .err = JT_ERR_NO_TOKEN };
                k->n_refused++;
            }
        }
        uint8_t key_id;
        uint32_t field;
        for (size_t n = jt_batch_next_group(b, &key_id, &field); n > 0 && err == JT_OK;
             n = jt_batch_next_group(b, &key_id, &field)) {
            err = identify_group(k, field, n);
        }
    }
    return err;
}

enum jt_err jt_op_identify(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct jt_identify_reply reply = { .epoch = k->ring.epoch, .results = b->results.identify };
    enum jt_err err = jt_identify_request_decode(in, b->items.identify, &reply.n);
    if (err != JT_OK) {
        return err;
    }
    for (size_t i = 0; i < k->ring.n && reply.n_live < JT_RING_MAX_LIVE; i++) {
        if (jt_policy_openable(&k->ring.entries[i])) {
            reply.live[reply.n_live++] = k->ring.entries[i].key_id;
        }
    }
    err = identify_all(k, reply.n);
    if (err == JT_OK) {
        jt_identify_reply_encode(&reply, out);
    }
    return err;
}
