/* SPDX-License-Identifier: Apache-2.0 */
/* IDENTIFY: tokens to the ids of their rows. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/policy.h"
#include "keeper/walk.h"
#include "wire/identify.h"

#include <string.h>

static void answer(struct jt_keeper *k, size_t at, uint64_t id)
{
    k->batch->results.identify[at] =
        (struct jt_identify_result){ .err = id != 0 ? JT_OK : JT_ERR_NO_TOKEN, .id = id };
    k->n_identified += id != 0;
    k->n_refused += id == 0;
}

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    uint32_t field = k->batch->items.identify[at].field;
    if (jt_fieldtable_find_enabled(&k->fields, field) == NULL) {
        answer(k, at, 0);
        return JT_ERR_NO_TOKEN;
    }
    *group = (struct jt_group){ .field = field };
    return JT_OK;
}

/* Numeric tokens: what is none of the field's form was never issued. */
static enum jt_err find_toks(struct jt_keeper *k, const struct jt_named_field *field, size_t n)
{
    struct jt_batch *b = k->batch;
    size_t n_good = 0;
    struct jt_cmac *key;
    enum jt_err err = jt_root_numeric(k->root, field->id, &key);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        struct jt_pan digits; /* they may be a card number, sent where a token belongs */
        if (jt_numeric_of_token(b->items.identify[at].token, &digits) == JT_OK &&
            jt_numeric_has_form(&field->form, digits.packed, digits.packed_len)) {
            err = jt_numeric_message(&field->form, digits.packed, digits.packed_len,
                                     &b->numeric[n_good]);
            b->cards[n_good++].at = at;
        } else {
            answer(k, at, 0);
        }
        jt_wipe(&digits, sizeof digits);
    }
    if (err == JT_OK) {
        err = jt_numeric_macs(key, b->numeric, b->cmac, n_good);
    }
    for (size_t i = 0; i < n_good && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        jt_numeric_tok(&b->numeric[i], b->tokens[at]);
        b->results.identify[at] = (struct jt_identify_result){ .err = JT_OK, .tok = b->tokens[at] };
        k->n_identified++;
    }
    jt_wipe(b->numeric, n * sizeof b->numeric[0]);
    return err;
}

static enum jt_err identify_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                                  size_t n)
{
    (void)arg;
    struct jt_batch *b = k->batch;
    struct jt_tokenkey *tk;
    const struct jt_named_field *field = jt_fieldtable_find(&k->fields, group->field);
    if (field != NULL && field->numeric) {
        return find_toks(k, field, n);
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(b->group_tokens[i], b->items.identify[b->cards[i].at].token, JT_TOKEN_LEN);
    }
    enum jt_err err = jt_root_tokenkey(k->root, group->field, &tk);
    if (err == JT_OK) {
        err =
            jt_tokenkey_open(tk, (const uint8_t(*)[JT_TOKEN_LEN])b->group_tokens, n, b->group_ids);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        answer(k, b->cards[i].at, b->group_ids[i]);
    }
    return err;
}

enum jt_err jt_op_identify(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    /* no refuse: whoever asks takes an item without an id for an unknown token */
    static const struct jt_walk walk = { .sort = sort_item, .work = identify_group };
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
    err = jt_walk(k, &walk, reply.n);
    if (err == JT_OK) {
        jt_identify_reply_encode(&reply, out);
    }
    return err;
}
