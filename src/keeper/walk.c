/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/walk.h"

#include "base/must.h"

static void refuse_group(struct jt_keeper *k, const struct jt_walk *walk, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        walk->refuse(k, walk->arg, k->batch->cards[i].at, JT_ERR_DERIVATIONS);
    }
}

/* Puts the items of the chunk that begins at `first` into their groups. */
static void sort_chunk(struct jt_keeper *k, const struct jt_walk *walk, size_t first, size_t n)
{
    size_t n_chunk = jt_batch_chunk(k->batch, first, n);
    for (size_t i = 0; i < n_chunk; i++) {
        struct jt_group group = { 0 };
        enum jt_err err = walk->sort(k, walk->arg, first + i, &group);
        if (err == JT_OK) {
            jt_batch_group(k->batch, i, group.key_id, group.field);
        } else if (walk->refuse != NULL) {
            walk->refuse(k, walk->arg, first + i, err);
        }
    }
}

enum jt_err jt_walk(struct jt_keeper *k, const struct jt_walk *walk, size_t n)
{
    enum jt_err err = JT_OK;
    for (size_t first = 0; first < n && err == JT_OK; first += JT_BATCH_CHUNK) {
        sort_chunk(k, walk, first, n);
        struct jt_group group;
        size_t n_group = jt_batch_next_group(k->batch, &group.key_id, &group.field);
        while (n_group > 0 && err == JT_OK) {
            err = walk->work(k, walk->arg, &group, n_group);
            if (err == JT_ERR_DERIVATIONS && walk->refuse != NULL) {
                refuse_group(k, walk, n_group);
                err = JT_OK;
            }
            n_group = jt_batch_next_group(k->batch, &group.key_id, &group.field);
        }
    }
    return err;
}

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

void jt_walk_take(struct jt_batch *b, size_t i, uint64_t id, const uint8_t *fingerprint,
                  const uint8_t *envelope, size_t envelope_len)
{
    jt_batch_set_id(b, b->cards[i].at, id);
    b->cards[i].fingerprint = fingerprint;
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
