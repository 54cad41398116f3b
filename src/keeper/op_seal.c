/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEAL: new cards, under the active generation only. The fingerprints of cards with dedup come
 * first, because ids are given in their order; everything else of a card follows from its id.
 */
#include "keeper/op.h"

#include "base/must.h"
#include "base/secmem.h"
#include "keeper/policy.h"
#include "keeper/seal_numeric.h"
#include "keeper/walk.h"
#include "wire/seal.h"

static bool probed_already(const struct jt_seal_reply *reply, uint64_t number)
{
    for (size_t i = 0; i < reply->n_probed; i++) {
        if (reply->probed[i].key.generation == number) {
            return true;
        }
    }
    return false;
}

/*
 * Adds a generation to those that are probed, if the policy lets it, its key is held, and there is
 * a place.
 */
static void probe(const struct jt_keeper *k, const struct jt_ring_entry *e, bool asked,
                  struct jt_seal_reply *reply)
{
    if (jt_policy_probeable(e, asked) && jt_keyring_find(k->keyring, e->number) != NULL &&
        !probed_already(reply, e->number) && reply->n_probed < JT_WIRE_MAX_PROBED) {
        reply->probed[reply->n_probed++] = (struct jt_seal_probed){
            .key = { e->number, e->key_id },
            .retired = e->state == JT_GENERATION_RETIRED,
        };
    }
}

/*
 * Which generations the reply is about: draining ones, then the retired ones that were asked for.
 */
static void describe(const struct jt_keeper *k, const struct jt_seal_request *request,
                     const struct jt_ring_entry *active, struct jt_seal_reply *reply)
{
    reply->active = (struct jt_keyref){ active->number, active->key_id };
    for (size_t i = 0; i < k->ring.n; i++) {
        probe(k, &k->ring.entries[i], false, reply);
    }
    for (size_t r = 0; r < request->n_retired; r++) {
        for (size_t i = 0; i < k->ring.n; i++) {
            if (k->ring.entries[i].key_id == request->retired[r]) {
                probe(k, &k->ring.entries[i], true, reply);
            }
        }
    }
}

static void fill_cards(struct jt_batch *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct jt_batch_card *c = &b->cards[i];
        const struct jt_seal_item *item = &b->items.seal[c->at];
        c->value = item->value;
        c->dedup = b->dedup[c->at];
        c->digits = NULL;
    }
}

/* Fingerprints of a group under `generation`, to out + at * stride. */
static enum jt_err fingerprint(struct jt_keeper *k, uint64_t generation, uint32_t field, size_t n,
                               uint8_t *out, size_t stride)
{
    struct jt_fieldkey *fk;
    enum jt_err err = jt_keyring_fieldkey(k->keyring, generation, field, &fk);
    return err == JT_OK ? jt_batch_fingerprint(k->batch, fk, n, out, stride) : err;
}

/* First round, cards with dedup only. */
static enum jt_err fingerprint_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                                     size_t n)
{
    const struct jt_seal_reply *reply = arg;
    struct jt_batch *b = k->batch;
    fill_cards(b, n);
    return fingerprint(k, reply->active.generation, group->field, n, b->fingerprints[0],
                       sizeof b->fingerprints[0]);
}

static void set_results(struct jt_keeper *k, const struct jt_named_field *field, size_t n)
{
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        b->results.seal[c->at] = (struct jt_seal_result){
            .err = JT_OK,
            .id = jt_get_u64(b->row_ids[c->at]),
            .token = b->tokens[c->at],
            .fingerprint = b->fingerprints[c->at],
            .probes = b->probes[c->at],
            .envelope = b->envelopes[c->at],
            .envelope_len = (uint16_t)(JT_ENVELOPE_OVERHEAD + c->value.len),
        };
        if (c->digits != NULL) {
            struct jt_seal_result *r = &b->results.seal[c->at];
            r->digits = *c->digits;
            r->value_tok = field->form.guarded ? b->value_toks[c->at] : NULL;
            r->digit_fps = field->form.guarded ? b->digit_fps[c->at] : NULL;
        }
    }
    k->n_sealed += n;
}

/* Opaque ones. */
static enum jt_err give_tokens(struct jt_keeper *k, uint32_t field, size_t n)
{
    struct jt_tokenkey *tk;
    enum jt_err err = jt_root_tokenkey(k->root, field, &tk);
    return err == JT_OK ? jt_batch_token(k->batch, tk, n) : err;
}

/* Second round: all cards have their ids. */
static enum jt_err seal_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                              size_t n)
{
    const struct jt_seal_reply *reply = arg;
    uint32_t field = group->field;
    struct jt_batch *b = k->batch;
    struct jt_fieldkey *fk;
    const struct jt_named_field *named = jt_fieldtable_find(&k->fields, field);
    jt_must(named != NULL); /* or its items would not have been good */
    fill_cards(b, n);
    /* without dedup, which is the field's, the fingerprint covers the id */
    size_t n_linked = b->cards[0].dedup ? 0 : n;
    enum jt_err err = fingerprint(k, reply->active.generation, field, n_linked, b->fingerprints[0],
                                  sizeof b->fingerprints[0]);
    for (size_t p = 0; p < reply->n_probed && err == JT_OK; p++) {
        err = fingerprint(k, reply->probed[p].key.generation, field, n,
                          b->probes[0] + p * JT_FINGERPRINT_LEN, sizeof b->probes[0]);
    }
    if (err == JT_OK) {
        err = named->numeric ? jt_seal_numeric(k, named, reply, n) : give_tokens(k, field, n);
    }
    if (err == JT_OK) {
        err = jt_keyring_fieldkey(k->keyring, reply->active.generation, field, &fk);
    }
    if (err == JT_OK) {
        err = jt_batch_seal(b, fk, n);
    }
    if (err == JT_OK) {
        set_results(k, named, n);
    }
    return err;
}

/* Second round: all good items. */
static enum jt_err sort_good(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    *group = (struct jt_group){ .field = k->batch->items.seal[at].field };
    return k->batch->results.seal[at].err;
}

/* First round: those with dedup. The others have no fingerprint before they have an id. */
static enum jt_err sort_dedup(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    enum jt_err err = sort_good(k, arg, at, group);
    return err == JT_OK && !k->batch->dedup[at] ? JT_ERR_INVALID : err;
}

/* Appends the places of the good items with, or without, dedup. */
static void line_up(struct jt_batch *b, size_t n, bool dedup)
{
    for (size_t i = 0; i < n; i++) {
        if (b->results.seal[i].err == JT_OK && b->dedup[i] == dedup) {
            b->order.at[b->order.n++] = (uint16_t)i;
        }
    }
}

static enum jt_err give_ids(struct jt_keeper *k, size_t n_items)
{
    struct jt_batch *b = k->batch;
    b->order.n = 0;
    line_up(b, n_items, true);
    jt_order_sort(&b->order, b->items.seal, (const uint8_t(*)[JT_FINGERPRINT_LEN])b->fingerprints);
    line_up(b, n_items, false); /* in any order: behind the others */
    enum jt_err err =
        jt_idmint_take(&k->mint, k->state.node, jt_keeper_now_ms(), b->ids, b->order.n);
    for (size_t i = 0; i < b->order.n && err == JT_OK; i++) {
        jt_batch_set_id(b, b->order.at[i], b->ids[i]);
    }
    return err;
}

/* What is wrong with an item; JT_OK, and b->dedup[i] is set: nothing. */
static enum jt_err check_item(struct jt_keeper *k, size_t i)
{
    const struct jt_seal_item *item = &k->batch->items.seal[i];
    const struct jt_named_field *field = jt_fieldtable_find_enabled(&k->fields, item->field);
    if (field == NULL) {
        return JT_ERR_NO_FIELD;
    }
    k->batch->dedup[i] = field->dedup;
    bool good = item->value.kind == field->kind && jt_batch_value_good(&item->value);
    if (good && field->numeric) {
        return jt_seal_numeric_check(k, field, &item->value);
    }
    return good ? JT_OK : JT_ERR_INVALID;
}

static enum jt_err seal_all(struct jt_keeper *k, struct jt_seal_reply *reply)
{
    const struct jt_walk first = { .sort = sort_dedup, .work = fingerprint_group, .arg = reply };
    const struct jt_walk second = { .sort = sort_good, .work = seal_group, .arg = reply };
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < reply->n; i++) {
        b->results.seal[i] = (struct jt_seal_result){ .err = check_item(k, i) };
        k->n_refused += b->results.seal[i].err != JT_OK;
    }
    enum jt_err err = jt_walk(k, &first, reply->n);
    if (err == JT_OK) {
        err = jt_sealcount_take(&k->sealcount, reply->active.generation, reply->n);
    }
    if (err == JT_OK) {
        err = give_ids(k, reply->n);
    }
    if (err == JT_OK) {
        err = jt_walk(k, &second, reply->n);
    }
    if (err != JT_OK) {
        jt_wipe(b->envelopes, reply->n * sizeof b->envelopes[0]);
        jt_wipe(b->fingerprints, reply->n * sizeof b->fingerprints[0]);
        jt_wipe(b->tokens, reply->n * sizeof b->tokens[0]);
    }
    return err;
}

enum jt_err jt_op_seal(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct jt_seal_request request;
    struct jt_seal_reply reply = { .epoch = k->ring.epoch, .results = b->results.seal };
    enum jt_err err = jt_seal_request_decode(in, b->items.seal, &request);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_ring_entry *active = jt_policy_writable(&k->ring);
    if (active != NULL) {
        describe(k, &request, active, &reply);
        reply.n = request.n;
        err = seal_all(k, &reply);
    }
    if (err == JT_OK) {
        jt_seal_reply_encode(&reply, out);
    }
    jt_batch_wipe(b, request.n);
    return err;
}
