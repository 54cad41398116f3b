/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEAL_HELD, OPEN_HELD and RESEAL_HELD: envelopes that applications keep. Sealed under the active
 * generation only; opened under every one whose key is still held, retired ones too: nobody can
 * move what lies elsewhere.
 */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/opening.h"
#include "keeper/policy.h"
#include "keeper/rowmac.h"
#include "keeper/walk.h"
#include "wire/held.h"

#include <string.h>

/* What a request is about. */
struct held {
    const struct jt_ring_entry *active; /* NULL: nothing may be sealed */
    bool gives_values;                  /* of opened envelopes: under the ceilings */
    struct jt_opening opening;
};

static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
    k->batch->results.held[at] = (struct jt_held_result){ .err = err };
    k->n_refused++;
}

/* --- steps --- */

static enum jt_err set_tags(struct jt_keeper *k, const struct jt_group *group, size_t n)
{
    struct jt_batch *b = k->batch;
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        const struct jt_held_item *item = &b->items.held[at];
        err =
            jt_rowmac_held(k->root, group->field, item->row_id, item->row_id_len, b->held_tags[at]);
    }
    return err;
}

/* Seals the values of the first `n` cards of the group into held_envelopes. */
static enum jt_err seal(struct jt_keeper *k, const struct jt_ring_entry *active, uint32_t field,
                        size_t n)
{
    struct jt_batch *b = k->batch;
    struct jt_fieldkey *fk;
    for (size_t i = 0; i < n; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        const struct jt_held_item *item = &b->items.held[c->at];
        b->siv[i] = (struct jt_siv_record){ .in = c->value.bytes,
                                            .in_len = c->value.len,
                                            .out = b->held_envelopes[c->at] };
        jt_fieldkey_bind_held(&b->siv[i], item->row_id, item->row_id_len);
    }
    enum jt_err err = jt_keyring_fieldkey(k->keyring, active->number, field, &fk);
    if (err == JT_OK) {
        err = jt_sealcount_take(&k->sealcount, active->number, n);
    }
    if (err == JT_OK) {
        err = jt_fieldkey_seal(fk, b->siv, n);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        err = b->siv[i].err;
    }
    return err;
}

static bool value_good(const struct jt_value *value)
{
    return value->kind == JT_FIELD_PAN ? jt_batch_value_good(value)
                                       : jt_value_len_valid(value->kind, value->len);
}

/* --- sealing --- */

static enum jt_err sort_value(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    const struct jt_held_item *item = &k->batch->items.held[at];
    const struct jt_named_field *field = jt_fieldtable_find_enabled(&k->fields, item->field);
    if (field == NULL) {
        return JT_ERR_NO_FIELD;
    }
    *group = (struct jt_group){ .field = item->field };
    return item->value.kind == field->kind && value_good(&item->value) ? JT_OK : JT_ERR_INVALID;
}

static enum jt_err seal_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                              size_t n)
{
    const struct held *h = arg;
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        b->cards[i].value = b->items.held[b->cards[i].at].value;
    }
    enum jt_err err = seal(k, h->active, group->field, n);
    if (err == JT_OK) {
        err = set_tags(k, group, n);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        b->results.held[c->at] = (struct jt_held_result){
            .generation = h->active->number,
            .tag = b->held_tags[c->at],
            .envelope = b->held_envelopes[c->at],
            .envelope_len = (uint16_t)(JT_ENVELOPE_OVERHEAD + c->value.len),
        };
        k->n_sealed++;
    }
    return err;
}

/* --- opening --- */

static const struct jt_ring_entry *entry_of(const struct jt_keeper *k, uint8_t key_id)
{
    for (size_t i = 0; i < k->ring.n; i++) {
        const struct jt_ring_entry *e = &k->ring.entries[i];
        if (e->key_id == key_id && jt_policy_openable_held(e) &&
            jt_keyring_find(k->keyring, e->number) != NULL) {
            return e;
        }
    }
    return NULL;
}

static enum jt_err sort_envelope(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    struct held *h = arg;
    const struct jt_held_item *item = &k->batch->items.held[at];
    enum jt_err err = jt_fieldtable_check(&k->fields, item->field, JT_ERR_DECRYPT);
    if (err != JT_OK) {
        return err;
    }
    if (jt_fieldtable_find_enabled(&k->fields, item->field) == NULL || item->value.kind != 0 ||
        item->value.len <= JT_ENVELOPE_OVERHEAD ||
        item->value.len > JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX) {
        return JT_ERR_DECRYPT;
    }
    *group = (struct jt_group){ .key_id = item->value.bytes[0], .field = item->field };
    if (entry_of(k, group->key_id) == NULL) {
        return JT_ERR_RING_MOVED;
    }
    return h->gives_values ? jt_opening_take(&h->opening) : JT_OK;
}

/* Opens the group into held_values. */
static enum jt_err open_all(struct jt_keeper *k, const struct jt_group *group, size_t n)
{
    struct jt_batch *b = k->batch;
    struct jt_fieldkey *fk;
    for (size_t i = 0; i < n; i++) {
        size_t at = b->cards[i].at;
        const struct jt_held_item *item = &b->items.held[at];
        b->siv[i] = (struct jt_siv_record){ .in = item->value.bytes,
                                            .in_len = item->value.len,
                                            .out = b->held_values[at] };
        jt_fieldkey_bind_held(&b->siv[i], item->row_id, item->row_id_len);
    }
    enum jt_err err =
        jt_keyring_fieldkey(k->keyring, entry_of(k, group->key_id)->number, group->field, &fk);
    return err == JT_OK ? jt_fieldkey_open(fk, b->siv, n) : err;
}

/* Keeps in cards[] those that opened as a value of their field; the others are refused. */
static size_t keep_opened(struct jt_keeper *k, uint8_t kind, size_t n)
{
    struct jt_batch *b = k->batch;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct jt_batch_card c = b->cards[i];
        c.value = (struct jt_value){ .kind = kind,
                                     .bytes = b->held_values[c.at],
                                     .len = (uint16_t)(b->siv[i].in_len - JT_ENVELOPE_OVERHEAD) };
        if (b->siv[i].err == JT_OK && value_good(&c.value)) {
            b->cards[kept++] = c;
        } else {
            jt_wipe(b->held_values[c.at], JT_PLAINTEXT_MAX);
            refuse(k, NULL, c.at, JT_ERR_DECRYPT);
        }
    }
    return kept;
}

static void set_opened(struct jt_keeper *k, struct held *h, const struct jt_ring_entry *entry,
                       size_t n)
{
    struct jt_batch *b = k->batch;
    bool stale = entry != h->active;
    for (size_t i = 0; i < n; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        const struct jt_value *came = &b->items.held[c->at].value;
        struct jt_held_result *r = &b->results.held[c->at];
        *r = (struct jt_held_result){ .generation = entry->number,
                                      .stale = stale,
                                      .tag = b->held_tags[c->at] };
        if (h->gives_values) {
            r->value = c->value;
            jt_opening_opened(&h->opening);
        } else {
            k->n_resealed++;
        }
        if (stale && h->active != NULL) {
            r->envelope = b->held_envelopes[c->at];
            r->envelope_len = came->len;
        } else if (!h->gives_values) {
            r->envelope = came->bytes; /* it is fresh already */
            r->envelope_len = came->len;
        }
    }
}

static enum jt_err open_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                              size_t n)
{
    struct held *h = arg;
    const struct jt_ring_entry *entry = entry_of(k, group->key_id);
    enum jt_err err = open_all(k, group, n);
    if (err != JT_OK) {
        return err;
    }
    size_t kept = keep_opened(k, jt_fieldtable_find(&k->fields, group->field)->kind, n);
    if (entry->state == JT_GENERATION_RETIRED) {
        err = jt_destructions_used(k, entry->number, kept, n - kept);
    }
    if (err == JT_OK && entry != h->active && h->active != NULL) {
        err = seal(k, h->active, group->field, kept);
    }
    if (err == JT_OK) {
        err = set_tags(k, group, kept);
    }
    if (err == JT_OK) {
        set_opened(k, h, entry, kept);
    }
    return err;
}

/* --- the verbs --- */

static enum jt_err run(struct jt_keeper *k, const struct jt_walk *walk, bool must_seal,
                       struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct held *h = walk->arg;
    struct jt_held_reply reply = { .epoch = k->ring.epoch, .results = b->results.held };
    enum jt_err err = jt_held_request_decode(in, b->items.held, &reply.n);
    if (err != JT_OK) {
        return err;
    }
    h->active = jt_policy_writable(&k->ring);
    if (h->active != NULL) {
        reply.active = (struct jt_keyref){ h->active->number, h->active->key_id };
    } else if (must_seal) {
        return JT_ERR_NO_ACTIVE;
    }
    err = jt_opening_begin(&h->opening, k, h->gives_values ? reply.n : 0);
    if (err == JT_OK) {
        err = jt_walk(k, walk, reply.n);
        jt_opening_end(&h->opening);
    }
    if (err == JT_OK) {
        jt_held_reply_encode(&reply, out);
    }
    jt_wipe(b->held_values, reply.n * sizeof b->held_values[0]);
    return err;
}

enum jt_err jt_op_seal_held(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct held h = { .active = NULL };
    const struct jt_walk walk = {
        .sort = sort_value, .work = seal_group, .refuse = refuse, .arg = &h
    };
    return run(k, &walk, true, in, out);
}

enum jt_err jt_op_open_held(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct held h = { .gives_values = true };
    const struct jt_walk walk = {
        .sort = sort_envelope, .work = open_group, .refuse = refuse, .arg = &h
    };
    return run(k, &walk, false, in, out);
}

enum jt_err jt_op_reseal_held(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct held h = { .gives_values = false };
    const struct jt_walk walk = {
        .sort = sort_envelope, .work = open_group, .refuse = refuse, .arg = &h
    };
    return run(k, &walk, true, in, out);
}
