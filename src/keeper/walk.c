/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/walk.h"

#include "base/must.h"

enum jt_err jt_walk_stored(const struct jt_keeper *k, uint32_t field, const uint8_t *envelope,
                           size_t envelope_len, enum jt_err no_field, struct jt_group *group)
{
    if (envelope_len > 0 && k->live[envelope[0]] == NULL) {
        return JT_ERR_RING_MOVED;
    }
    if (!jt_batch_envelope_len_good(envelope_len)) {
        return JT_ERR_DECRYPT;
    }
    *group = (struct jt_group){ .key_id = envelope[0], .field = field };
    return jt_fieldtable_check(&k->fields, field, no_field);
}

enum jt_err jt_walk_told(const struct jt_keeper *k, uint32_t field, const uint8_t *envelope,
                         size_t envelope_len, struct jt_group *group)
{
    const struct jt_named_field *named = jt_fieldtable_find(&k->fields, field);
    if (named != NULL && named->disabled) {
        return JT_ERR_DECRYPT;
    }
    return jt_walk_stored(k, field, envelope, envelope_len, JT_ERR_DECRYPT, group);
}

void jt_walk_take(struct jt_batch *b, size_t i, uint64_t id, const uint8_t *fingerprint,
                  const uint8_t *envelope, size_t envelope_len)
{
    jt_batch_set_id(b, b->cards[i].at, id);
    b->cards[i].fingerprint = fingerprint;
    b->cards[i].digits = NULL;
    b->siv[i] = (struct jt_siv_record){ .in = envelope, .in_len = envelope_len };
}

const struct jt_ring_entry *jt_walk_entry(const struct jt_keeper *k, const struct jt_group *group)
{
    const struct jt_ring_entry *entry = k->live[group->key_id];
    jt_must(entry != NULL);
    return entry;
}

enum jt_err jt_walk_open(struct jt_keeper *k, const struct jt_group *group, size_t n)
{
    struct jt_fieldkey *fk;
    enum jt_err err =
        jt_keyring_fieldkey(k->keyring, jt_walk_entry(k, group)->number, group->field, &fk);
    return err == JT_OK ? jt_batch_open(k->batch, fk, n) : err;
}
