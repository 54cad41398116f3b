/* SPDX-License-Identifier: Apache-2.0 */
/* MATCH: whether a stored row is that of a card; if so, its token. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/walk.h"
#include "wire/match.h"

static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
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
            refuse(k, NULL, c.at, JT_ERR_DECRYPT);
        }
    }
    return kept;
}

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    const struct jt_match_item *item = &k->batch->items.match[at];
    return jt_walk_told(k, item->field, item->envelope, item->envelope_len, group);
}

static enum jt_err match_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                               size_t n)
{
    (void)arg;
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        const struct jt_match_item *item = &b->items.match[b->cards[i].at];
        jt_walk_take(b, i, item->id, item->fingerprint, item->envelope, item->envelope_len);
        b->cards[i].digits = &item->digits;
    }
    struct jt_tokenkey *tk;
    const struct jt_named_field *named = jt_fieldtable_find(&k->fields, group->field);
    bool numeric = named != NULL && named->numeric;
    /* Both keys first: a group is refused as a whole, or not at all. */
    enum jt_err err = jt_root_tokenkey(k->root, group->field, &tk);
    if (err == JT_OK) {
        err = jt_walk_open(k, group, n);
    }
    size_t n_same = err == JT_OK ? keep_matching(k, n) : 0;
    if (err == JT_OK && !numeric) {
        err = jt_batch_token(b, tk, n_same);
    }
    for (size_t i = 0; i < n_same && numeric; i++) {
        /* the row's envelope has just opened with them */
        const struct jt_digits *digits = b->cards[i].digits;
        jt_numeric_to_token(digits->packed, digits->packed_len, b->tokens[b->cards[i].at]);
    }
    for (size_t i = 0; i < n_same && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        b->results.match[at] = (struct jt_match_result){ .err = JT_OK, .token = b->tokens[at] };
        k->n_matched++;
    }
    return err;
}

enum jt_err jt_op_match(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    static const struct jt_walk walk = { .sort = sort_item, .work = match_group, .refuse = refuse };
    struct jt_batch *b = k->batch;
    struct jt_match_reply reply = { .epoch = k->ring.epoch, .results = b->results.match };
    enum jt_err err = jt_match_request_decode(in, b->items.match, &reply.n);
    if (err != JT_OK) {
        return err;
    }
    err = jt_walk(k, &walk, reply.n);
    if (err == JT_OK) {
        jt_match_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, reply.n);
    return err;
}
