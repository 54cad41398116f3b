/*
 * The keeper's whole state: what was loaded at start, the ring it works under, and counters. One thread.
 */
#ifndef JETON_KEEPER_KEEPER_H
#define JETON_KEEPER_KEEPER_H

#include "keeper/batch.h"
#include "keeper/keyring.h"
#include "keeper/master.h"
#include "keeper/problem.h"
#include "keeper/state.h"
#include "wire/ring.h"

struct jt_keeper {
    bool development;
    bool locked; /* memory is locked: set by main, told by STATUS */
    int dir_fd; /* holds the directory's lock */
    uint8_t incarnation[JT_INCARNATION_LEN];
    struct jt_master *master;
    struct jt_keyring *keyring;
    struct jt_keeper_state state; /* as it stands in the state file */
    struct jt_ring ring; /* state.ring decoded; epoch 0: none accepted yet */
    const struct jt_ring_entry *live[256]; /* openable generations of the ring by key id */
    struct jt_batch *batch;
    uint64_t n_sealed, n_opened, n_resealed, n_refused;
};

/*
 * Makes the directory, an empty state file and the master key file, in this order: a run that fails or is cut off before the last leaves
 * nothing that keeps the next one from succeeding (a state file without a master key is replaced). JT_ERR_CONFLICT when there is a
 * master key, or generation keys of a lost one.
 */
enum jt_err jt_keeper_init(const char *directory, struct jt_problem *problem) JT_CHECKED;

/*
 * Opens and locks the directory, loads and checks everything in it. On failure *problem says what is wrong. The caller
 * ends with jt_keeper_free, which wipes every key and gives the lock back; it accepts NULL.
 */
enum jt_err jt_keeper_load(const char *directory, bool development, struct jt_keeper **out, struct jt_problem *problem) JT_CHECKED;
void jt_keeper_free(struct jt_keeper *keeper);

/*
 * Makes `row`, which is authentic and decodes to `ring`, durable and works under it. The policy has been asked already.
 */
enum jt_err jt_keeper_adopt(struct jt_keeper *keeper, const struct jt_ring_row *row, const struct jt_ring *ring) JT_CHECKED;

/* Makes it durable that generations up to `number` exist. */
enum jt_err jt_keeper_saw_generation(struct jt_keeper *keeper, uint64_t number) JT_CHECKED;

#endif
