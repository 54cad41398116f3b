/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keyring.h"

#include "base/secmem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct cached {
    struct jt_fieldkey *fk; /* NULL: free */
    uint64_t number;
    uint32_t field;
    uint64_t last_used;
};

struct jt_keyring {
    struct jt_genfile meta[JT_KEYRING_MAX]; /* number 0: free slot */
    uint8_t (*keys)[JT_GENERATION_KEY_LEN]; /* secret memory, by slot */
    struct cached cache[JT_KEYRING_CACHE];
    uint64_t clock;
    unsigned may_derive;
};

#define KEYS_LEN ((size_t)JT_KEYRING_MAX * JT_GENERATION_KEY_LEN)

enum jt_err jt_keyring_new(struct jt_keyring **out)
{
    *out = NULL;
    struct jt_keyring *kr = calloc(1, sizeof *kr);
    if (kr == NULL) {
        return JT_ERR_NOMEM;
    }
    kr->may_derive = UINT_MAX;
    kr->keys = jt_secmem_alloc(KEYS_LEN);
    if (kr->keys == NULL) {
        free(kr);
        return JT_ERR_NOMEM;
    }
    *out = kr;
    return JT_OK;
}

void jt_keyring_free(struct jt_keyring *kr)
{
    if (kr == NULL) {
        return;
    }
    jt_keyring_drop_cache(kr);
    jt_secmem_free(kr->keys, KEYS_LEN);
    free(kr);
}

void jt_keyring_clear(struct jt_keyring *kr)
{
    jt_keyring_drop_cache(kr);
    jt_wipe(kr->keys, KEYS_LEN);
    jt_wipe(kr->meta, sizeof kr->meta);
}

/* The slot of a number, or -1; of number 0: the first free one. */
static int slot_of(const struct jt_keyring *kr, uint64_t number)
{
    for (int i = 0; i < JT_KEYRING_MAX; i++) {
        if (kr->meta[i].number == number) {
            return i;
        }
    }
    return -1;
}

enum jt_err jt_keyring_add(struct jt_keyring *kr, const struct jt_genfile *meta,
                           const uint8_t key[static JT_GENERATION_KEY_LEN])
{
    if (meta->number == 0 || slot_of(kr, meta->number) >= 0 ||
        jt_keyring_has_key_id(kr, meta->key_id)) {
        return JT_ERR_KEY_ID_TAKEN;
    }
    int slot = slot_of(kr, 0);
    if (slot < 0) {
        return JT_ERR_LIMIT;
    }
    kr->meta[slot] = *meta;
    memcpy(kr->keys[slot], key, JT_GENERATION_KEY_LEN);
    return JT_OK;
}

static void drop(struct cached *c)
{
    jt_fieldkey_free(c->fk);
    *c = (struct cached){ 0 };
}

void jt_keyring_remove(struct jt_keyring *kr, uint64_t number)
{
    int slot = slot_of(kr, number);
    if (number == 0 || slot < 0) {
        return;
    }
    for (size_t i = 0; i < JT_KEYRING_CACHE; i++) {
        if (kr->cache[i].number == number) {
            drop(&kr->cache[i]);
        }
    }
    jt_wipe(kr->keys[slot], JT_GENERATION_KEY_LEN);
    kr->meta[slot] = (struct jt_genfile){ 0 };
}

const struct jt_genfile *jt_keyring_find(const struct jt_keyring *kr, uint64_t number)
{
    int slot = number == 0 ? -1 : slot_of(kr, number);
    return slot < 0 ? NULL : &kr->meta[slot];
}

void jt_keyring_set_used(struct jt_keyring *kr, uint64_t number)
{
    int slot = number == 0 ? -1 : slot_of(kr, number);
    if (slot >= 0) {
        kr->meta[slot].used = true;
    }
}

void jt_keyring_set_acked(struct jt_keyring *kr, uint64_t number)
{
    int slot = number == 0 ? -1 : slot_of(kr, number);
    if (slot >= 0) {
        kr->meta[slot].acked = true;
    }
}

const struct jt_genfile *jt_keyring_by_key_id(const struct jt_keyring *kr, uint8_t key_id)
{
    for (size_t i = 0; i < JT_KEYRING_MAX; i++) {
        if (kr->meta[i].number != 0 && kr->meta[i].key_id == key_id) {
            return &kr->meta[i];
        }
    }
    return NULL;
}

const struct jt_genfile *jt_keyring_next(const struct jt_keyring *kr, uint64_t above)
{
    const struct jt_genfile *next = NULL;
    for (size_t i = 0; i < JT_KEYRING_MAX; i++) {
        const struct jt_genfile *m = &kr->meta[i];
        if (m->number > above && (next == NULL || m->number < next->number)) {
            next = m;
        }
    }
    return next;
}

uint64_t jt_keyring_unused_above(const struct jt_keyring *kr, uint64_t above,
                                 const uint8_t used_key_ids[static JT_KEY_ID_SET_LEN])
{
    uint64_t lowest = 0;
    for (size_t i = 0; i < JT_KEYRING_MAX; i++) {
        const struct jt_genfile *m = &kr->meta[i];
        bool taken = jt_key_id_set_has(used_key_ids, m->key_id);
        if (m->number > above && !m->used && !m->foreign && !taken &&
            (lowest == 0 || m->number < lowest)) {
            lowest = m->number;
        }
    }
    return lowest;
}

const uint8_t *jt_keyring_key(const struct jt_keyring *kr, uint64_t number)
{
    int slot = number == 0 ? -1 : slot_of(kr, number);
    return slot < 0 ? NULL : kr->keys[slot];
}

bool jt_keyring_has_key_id(const struct jt_keyring *kr, uint8_t key_id)
{
    return jt_keyring_by_key_id(kr, key_id) != NULL;
}

uint64_t jt_keyring_highest(const struct jt_keyring *kr)
{
    uint64_t highest = 0;
    for (size_t i = 0; i < JT_KEYRING_MAX; i++) {
        if (kr->meta[i].number > highest) {
            highest = kr->meta[i].number;
        }
    }
    return highest;
}

size_t jt_keyring_count(const struct jt_keyring *kr)
{
    size_t n = 0;
    for (size_t i = 0; i < JT_KEYRING_MAX; i++) {
        n += kr->meta[i].number != 0;
    }
    return n;
}

enum jt_err jt_keyring_fieldkey(struct jt_keyring *kr, uint64_t number, uint32_t field,
                                struct jt_fieldkey **out)
{
    *out = NULL;
    struct cached *victim = &kr->cache[0];
    for (size_t i = 0; i < JT_KEYRING_CACHE; i++) {
        struct cached *c = &kr->cache[i];
        if (c->fk != NULL && c->number == number && c->field == field) {
            c->last_used = ++kr->clock;
            *out = c->fk;
            return JT_OK;
        }
        if (c->last_used < victim->last_used) {
            victim = c; /* a free place was last used at 0 */
        }
    }
    const struct jt_genfile *meta = jt_keyring_find(kr, number);
    if (meta == NULL) {
        return JT_ERR_KEY_MISSING;
    }
    if (kr->may_derive == 0) {
        return JT_ERR_DERIVATIONS;
    }
    kr->may_derive--;
    struct jt_fieldkey *fk;
    enum jt_err err = jt_fieldkey_new(jt_keyring_key(kr, number), number, meta->key_id, field, &fk);
    if (err != JT_OK) {
        return err;
    }
    drop(victim);
    *victim =
        (struct cached){ .fk = fk, .number = number, .field = field, .last_used = ++kr->clock };
    *out = fk;
    return JT_OK;
}

void jt_keyring_allow(struct jt_keyring *kr, unsigned n)
{
    kr->may_derive = n;
}

void jt_keyring_drop_cache(struct jt_keyring *kr)
{
    for (size_t i = 0; i < JT_KEYRING_CACHE; i++) {
        drop(&kr->cache[i]);
    }
}
