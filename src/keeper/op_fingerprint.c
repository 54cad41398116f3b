/* SPDX-License-Identifier: Apache-2.0 */
/* FINGERPRINT: under which fingerprints the rows of cards would stand, if there are any. */
#include "keeper/op.h"

#include "keeper/policy.h"
#include "keeper/walk.h"
#include "wire/fingerprint.h"

static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
    k->batch->results.fingerprint[at] = (struct jt_fingerprint_result){ .err = err };
    k->n_refused++;
}

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    const struct jt_seal_item *item = &k->batch->items.seal[at];
    const struct jt_named_field *field = jt_fieldtable_find_enabled(&k->fields, item->field);
    if (field == NULL) {
        return JT_ERR_NO_FIELD;
    }
    if (!field->dedup) {
        return JT_ERR_NOT_LINKED;
    }
    *group = (struct jt_group){ .field = item->field };
    bool good = item->value.kind == field->kind && jt_batch_value_good(&item->value);
    return good ? JT_OK : JT_ERR_INVALID;
}

static enum jt_err fingerprint_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                                     size_t n)
{
    const struct jt_fingerprint_reply *reply = arg;
    struct jt_batch *b = k->batch;
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < n; i++) {
        b->cards[i].value = b->items.seal[b->cards[i].at].value;
        b->cards[i].dedup = true;
    }
    for (size_t p = 0; p < reply->n_probed && err == JT_OK; p++) {
        struct jt_fieldkey *fk;
        err = jt_keyring_fieldkey(k->keyring, reply->probed[p].key.generation, group->field, &fk);
        if (err == JT_OK) {
            err = jt_batch_fingerprint(b, fk, n, b->probes[0] + p * JT_FINGERPRINT_LEN,
                                       sizeof b->probes[0]);
        }
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        b->results.fingerprint[at] =
            (struct jt_fingerprint_result){ .fingerprints = b->probes[at] };
    }
    return err;
}

/* Adds the generations of the ring that are `live`, or those that are retired and asked for. */
static void describe(const struct jt_keeper *k, const struct jt_seal_request *request, bool live,
                     struct jt_fingerprint_reply *reply)
{
    uint8_t asked[JT_KEY_ID_SET_LEN] = { 0 };
    for (size_t r = 0; r < request->n_retired; r++) {
        jt_key_id_set_add(asked, request->retired[r]);
    }
    for (size_t i = 0; i < k->ring.n && reply->n_probed < JT_WIRE_MAX_PROBED; i++) {
        const struct jt_ring_entry *e = &k->ring.entries[i];
        bool wanted = live
                          ? jt_policy_openable(e)
                          : e->state == JT_GENERATION_RETIRED &&
                                jt_key_id_set_has(asked, e->key_id) && jt_policy_probeable(e, true);
        if (wanted && jt_keyring_find(k->keyring, e->number) != NULL) {
            reply->probed[reply->n_probed++] =
                (struct jt_seal_probed){ .key = { e->number, e->key_id }, .retired = !live };
        }
    }
}

enum jt_err jt_op_fingerprint(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct jt_seal_request request;
    struct jt_fingerprint_reply reply = { .epoch = k->ring.epoch,
                                          .results = b->results.fingerprint };
    enum jt_err err = jt_seal_request_decode(in, b->items.seal, &request);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_walk walk = {
        .sort = sort_item, .work = fingerprint_group, .refuse = refuse, .arg = &reply
    };
    describe(k, &request, true, &reply);
    describe(k, &request, false, &reply);
    reply.n = request.n;
    err = jt_walk(k, &walk, reply.n);
    if (err == JT_OK) {
        jt_fingerprint_reply_encode(&reply, out);
    }
    return err;
}
