/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ring.h"

/* What each entry must be by itself and against those before it. */
static bool entry_valid(const struct jt_ring *ring, size_t i)
{
    const struct jt_ring_entry *e = &ring->entries[i];
    if (e->number == 0 || e->number > ring->highest ||
        (i > 0 && e->number <= ring->entries[i - 1].number) || e->key_id == 0) {
        return false;
    }
    for (size_t j = 0; j < i; j++) {
        if (ring->entries[j].key_id == e->key_id) {
            return false;
        }
    }
    return e->state == JT_GENERATION_ACTIVE || e->state == JT_GENERATION_DRAINING ||
           e->state == JT_GENERATION_RETIRED;
}

bool jt_ring_valid(const struct jt_ring *ring)
{
    size_t n_active = 0;
    size_t n_draining = 0;
    for (size_t i = 0; i < ring->n; i++) {
        if (!entry_valid(ring, i)) {
            return false;
        }
        n_active += ring->entries[i].state == JT_GENERATION_ACTIVE;
        n_draining += ring->entries[i].state == JT_GENERATION_DRAINING;
    }
    return ring->epoch != 0 && n_active <= 1 && n_draining < JT_RING_MAX_LIVE;
}

const struct jt_ring_entry *jt_ring_find(const struct jt_ring *ring, uint64_t number)
{
    for (size_t i = 0; i < ring->n; i++) {
        if (ring->entries[i].number == number) {
            return &ring->entries[i];
        }
    }
    return NULL;
}

const struct jt_ring_entry *jt_ring_active(const struct jt_ring *ring)
{
    for (size_t i = 0; i < ring->n; i++) {
        if (ring->entries[i].state == JT_GENERATION_ACTIVE) {
            return &ring->entries[i];
        }
    }
    return NULL;
}
