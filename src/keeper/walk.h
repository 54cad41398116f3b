/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a batch through its verb: chunk by chunk, the items that one key works on together.
 * What the verbs that take stored rows (OPEN, RESEAL, MATCH, NODE_JOIN) have in common stands here,
 * too.
 */
#ifndef JETON_KEEPER_WALK_H
#define JETON_KEEPER_WALK_H

#include "keeper/keeper.h"

/* Items of one field under one generation. */
struct jt_group {
    uint8_t key_id; /* 0 where the verb has only one generation, or none */
    uint32_t field;
};

/* What a verb does on the way; `arg` is its own. */
struct jt_walk {
    /* Which group item `at` of the batch belongs to, or why to none. */
    enum jt_err (*sort)(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group);
    /* Works on a group: the places of its `n` items stand in k->batch->cards. */
    enum jt_err (*work)(struct jt_keeper *k, void *arg, const struct jt_group *group, size_t n);
    /*
     * Answers one item, which `sort` found no group for. Where more keys would have to be derived
     * than one request may, the items of that group are answered with JT_ERR_DERIVATIONS, and the
     * walk goes on. NULL: the items that are sorted out are passed over, and JT_ERR_DERIVATIONS
     * ends the walk like any other error.
     */
    void (*refuse)(struct jt_keeper *k, void *arg, size_t at, enum jt_err err);
    void *arg;
};

/* Parts of jt_walk. Inline: an item of IDENTIFY takes 20 ns, and calls would show. */
static inline __attribute__((always_inline)) void
jt_walk_refuse(struct jt_keeper *k, const struct jt_walk *walk, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        walk->refuse(k, walk->arg, k->batch->cards[i].at, JT_ERR_DERIVATIONS);
    }
}

/* Puts the items of the chunk that begins at `first` into their groups. */
static inline __attribute__((always_inline)) void
jt_walk_sort(struct jt_keeper *k, const struct jt_walk *walk, size_t first, size_t n)
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

/* Takes the `n` items of the batch through. The first error of `work` ends it. */
static inline __attribute__((always_inline)) JT_CHECKED enum jt_err
jt_walk(struct jt_keeper *k, const struct jt_walk *walk, size_t n)
{
    enum jt_err err = JT_OK;
    for (size_t first = 0; first < n && err == JT_OK; first += JT_BATCH_CHUNK) {
        jt_walk_sort(k, walk, first, n);
        struct jt_group group;
        size_t n_group = jt_batch_next_group(k->batch, &group.key_id, &group.field);
        while (n_group > 0 && err == JT_OK) {
            err = walk->work(k, walk->arg, &group, n_group);
            if (err == JT_ERR_DERIVATIONS && walk->refuse != NULL) {
                jt_walk_refuse(k, walk, n_group);
                err = JT_OK;
            }
            n_group = jt_batch_next_group(k->batch, &group.key_id, &group.field);
        }
    }
    return err;
}

/*
 * The group of a stored row, by its field and its envelope: what needs no key to be refused is
 * sorted out. `no_field` is what an item of a field is answered with that does not exist.
 */
enum jt_err jt_walk_stored(const struct jt_keeper *k, uint32_t field, const uint8_t *envelope,
                           size_t envelope_len, enum jt_err no_field,
                           struct jt_group *group) JT_CHECKED;

/*
 * The same for verbs that tell of the card in the row: the answer of a field that is disabled is
 * that of one that does not exist, JT_ERR_DECRYPT.
 */
enum jt_err jt_walk_told(const struct jt_keeper *k, uint32_t field, const uint8_t *envelope,
                         size_t envelope_len, struct jt_group *group) JT_CHECKED;

/* Makes a stored row card `i` of the group, for jt_walk_open; its digits are set apart. */
void jt_walk_take(struct jt_batch *b, size_t i, uint64_t id, const uint8_t *fingerprint,
                  const uint8_t *envelope, size_t envelope_len);

/* The entry of a group's generation: live, because jt_walk_stored looked. */
const struct jt_ring_entry *jt_walk_entry(const struct jt_keeper *k, const struct jt_group *group);

/* Opens the group's `n` cards: as jt_batch_open. */
enum jt_err jt_walk_open(struct jt_keeper *k, const struct jt_group *group, size_t n) JT_CHECKED;

#endif
