/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/escrowfill.h"

#include "base/secmem.h"
#include "keeper/nodemarks.h"

#include <string.h>
#include <time.h>

/* What the state file has that must not be forgotten, without what is this keeper's alone. */
static void remember(const struct jt_keeper_state *from, struct jt_keeper_state *to)
{
    *to = (struct jt_keeper_state){ .development = from->development,
                                    .highest_generation = from->highest_generation,
                                    .operators_revoked = from->operators_revoked,
                                    .numeric = from->numeric };
    memcpy(to->seen, from->seen, sizeof to->seen);
    for (unsigned number = 1; number < 256; number++) {
        to->node_marks[number] = jt_nodemarks_known(from, (uint8_t)number);
    }
}

void jt_escrow_fill(const struct jt_keeper *k, struct jt_escrow *escrow)
{
    escrow->created_s = (uint64_t)time(NULL);
    memcpy(escrow->root_check_value, k->root->check_value, sizeof escrow->root_check_value);
    escrow->root_created_s = k->root->created_s;
    memcpy(escrow->root, k->root->key, sizeof escrow->root);
    escrow->epoch = k->ring.epoch;
    remember(&k->state, &escrow->state);
    const struct jt_genfile *meta = jt_keyring_next(k->keyring, 0);
    for (; meta != NULL; meta = jt_keyring_next(k->keyring, meta->number)) {
        struct jt_escrow_entry *entry = &escrow->entries[escrow->n++];
        entry->meta = *meta;
        memcpy(entry->key, jt_keyring_key(k->keyring, meta->number), sizeof entry->key);
    }
}

bool jt_escrow_has_all(const struct jt_keeper *k, const struct jt_escrow *escrow)
{
    bool all = escrow->n == jt_keyring_count(k->keyring);
    for (size_t i = 0; i < escrow->n && all; i++) {
        const struct jt_genfile *meta = &escrow->entries[i].meta;
        const struct jt_genfile *held = jt_keyring_find(k->keyring, meta->number);
        all = held != NULL && held->key_id == meta->key_id && held->used == meta->used &&
              jt_equal_ct(held->check_value, meta->check_value, sizeof meta->check_value);
    }
    return all;
}
