/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/policy.h"

#include "base/secmem.h"

#include <string.h>

/* How far a database may be ahead of its keeper. */
#define MAX_NUMBER_JUMP (UINT64_C(1) << 32)

const struct jt_ring_entry *jt_policy_writable(const struct jt_ring *ring)
{
    const struct jt_ring_entry *active = jt_ring_active(ring);
    return active != NULL && !active->compromised ? active : NULL;
}

bool jt_policy_openable(const struct jt_ring_entry *entry)
{
    return entry->state == JT_GENERATION_ACTIVE || entry->state == JT_GENERATION_DRAINING;
}

bool jt_policy_openable_held(const struct jt_ring_entry *entry)
{
    return jt_policy_openable(entry) || entry->state == JT_GENERATION_RETIRED;
}

bool jt_policy_probeable(const struct jt_ring_entry *entry, bool asked)
{
    return entry->state == JT_GENERATION_DRAINING ||
           (asked && entry->state == JT_GENERATION_RETIRED);
}

static bool key_id_in(const struct jt_ring *ring, uint8_t key_id)
{
    for (size_t i = 0; i < ring->n; i++) {
        if (ring->entries[i].key_id == key_id) {
            return true;
        }
    }
    return false;
}

static size_t count_draining(const struct jt_ring *ring)
{
    size_t n = 0;
    for (size_t i = 0; i < ring->n; i++) {
        n += ring->entries[i].state == JT_GENERATION_DRAINING;
    }
    return n;
}

static struct jt_ring_entry *find(struct jt_ring *ring, uint64_t number)
{
    for (size_t i = 0; i < ring->n; i++) {
        if (ring->entries[i].number == number) {
            return &ring->entries[i];
        }
    }
    return NULL;
}

static enum jt_err activate(struct jt_ring *ring, const struct jt_generation_row *g,
                            bool old_is_compromised)
{
    if (old_is_compromised && jt_ring_active(ring) == NULL) {
        return JT_ERR_NO_ACTIVE;
    }
    if (g->state != JT_GENERATION_FUTURE || g->number <= ring->highest) {
        return JT_ERR_WRONG_STATE;
    }
    if (ring->n == JT_RING_MAX) {
        return JT_ERR_NO_KEY_ID;
    }
    if (g->key_id == 0 || key_id_in(ring, g->key_id)) {
        return JT_ERR_KEY_ID_TAKEN;
    }
    for (size_t i = 0; i < ring->n; i++) {
        if (ring->entries[i].state == JT_GENERATION_ACTIVE) {
            ring->entries[i].state = JT_GENERATION_DRAINING;
            ring->entries[i].compromised |= old_is_compromised;
        }
    }
    if (count_draining(ring) > JT_RING_MAX_DRAINING) {
        return JT_ERR_TOO_MANY_LIVE;
    }
    struct jt_ring_entry *e = &ring->entries[ring->n++];
    *e = (struct jt_ring_entry){ .number = g->number,
                                 .key_id = g->key_id,
                                 .state = JT_GENERATION_ACTIVE };
    memcpy(e->check_value, g->check_value, sizeof e->check_value);
    ring->highest = g->number;
    return JT_OK;
}

/* The ring's entry that the row means, and in the state that the row says. */
static struct jt_ring_entry *find_as(struct jt_ring *ring, const struct jt_generation_row *g)
{
    struct jt_ring_entry *e = find(ring, g->number);
    bool same = e != NULL && e->state == g->state && e->key_id == g->key_id &&
                jt_equal_ct(e->check_value, g->check_value, sizeof e->check_value);
    return same ? e : NULL;
}

static enum jt_err retire(struct jt_ring *ring, const struct jt_generation_row *g)
{
    if (find(ring, g->number) == NULL) {
        return JT_ERR_NO_GENERATION;
    }
    struct jt_ring_entry *e = find_as(ring, g);
    if (e == NULL || e->state != JT_GENERATION_DRAINING) {
        return JT_ERR_WRONG_STATE;
    }
    e->state = JT_GENERATION_RETIRED;
    return JT_OK;
}

/* Whether its time has come is asked before (keeper/destructions.h). */
static enum jt_err destroy(struct jt_ring *ring, const struct jt_generation_row *g)
{
    if (find(ring, g->number) == NULL) {
        return JT_ERR_NO_GENERATION;
    }
    struct jt_ring_entry *e = find_as(ring, g);
    if (e == NULL || e->state != JT_GENERATION_RETIRED) {
        return JT_ERR_WRONG_STATE;
    }
    size_t behind = (size_t)(&ring->entries[ring->n] - (e + 1));
    memmove(e, e + 1, behind * sizeof *e);
    ring->n--;
    ring->entries[ring->n] = (struct jt_ring_entry){ .number = 0 };
    return JT_OK;
}

/* The active one is replaced instead: from that moment nothing could be written. */
static enum jt_err compromise(struct jt_ring *ring, const struct jt_generation_row *g)
{
    if (find(ring, g->number) == NULL) {
        return JT_ERR_NO_GENERATION;
    }
    struct jt_ring_entry *e = find_as(ring, g);
    if (e == NULL || e->state == JT_GENERATION_ACTIVE || e->compromised) {
        return JT_ERR_WRONG_STATE;
    }
    e->compromised = true;
    return JT_OK;
}

enum jt_err jt_policy_propose(const struct jt_ring *current,
                              const struct jt_generation_row *generation, uint8_t step,
                              struct jt_ring *next)
{
    *next = *current;
    next->epoch++;
    enum jt_err err = JT_ERR_WRONG_STATE;
    if (step == JT_RING_ACTIVATE || step == JT_RING_REPLACE) {
        err = activate(next, generation, step == JT_RING_REPLACE);
    } else if (step == JT_RING_RETIRE) {
        err = retire(next, generation);
    } else if (step == JT_RING_DESTROY) {
        err = destroy(next, generation);
    } else if (step == JT_RING_COMPROMISE) {
        err = compromise(next, generation);
    }
    if (err != JT_OK) {
        *next = (struct jt_ring){ 0 };
    }
    return err;
}

/*
 * Whether a generation that left the ring may have: a keeper that was away has not seen every step,
 * but each takes an epoch, and there are so many on the way.
 */
static bool may_be_gone(const struct jt_ring_entry *before, uint64_t n_epochs)
{
    return before->state <= JT_GENERATION_RETIRED &&
           n_epochs > (uint64_t)(JT_GENERATION_RETIRED - before->state);
}

/* One generation that the present ring lists, as it stands in the next one. */
static bool went_forward(const struct jt_ring_entry *before, const struct jt_ring_entry *after,
                         uint64_t n_epochs)
{
    if (after == NULL) {
        return may_be_gone(before, n_epochs);
    }
    return after->key_id == before->key_id && after->state >= before->state &&
           (after->compromised || !before->compromised) &&
           jt_equal_ct(after->check_value, before->check_value, sizeof before->check_value);
}

enum jt_err jt_policy_accept(const struct jt_ring *current, const struct jt_ring *next)
{
    if (current->epoch == 0) {
        return JT_OK;
    }
    /*
     * A database that went back, because it was restored or lost its tail: its ring has an epoch
     * that this keeper has left behind.
     */
    if (next->epoch <= current->epoch || next->highest < current->highest) {
        return JT_ERR_WENT_BACK;
    }
    for (size_t i = 0; i < current->n; i++) {
        const struct jt_ring_entry *before = &current->entries[i];
        if (!went_forward(before, jt_ring_find(next, before->number),
                          next->epoch - current->epoch)) {
            return JT_ERR_WENT_BACK;
        }
    }
    for (size_t i = 0; i < next->n; i++) {
        if (jt_ring_find(current, next->entries[i].number) == NULL &&
            next->entries[i].number <= current->highest) {
            return JT_ERR_WENT_BACK;
        }
    }
    return JT_OK;
}

enum jt_err jt_policy_held(const struct jt_keyring *keyring, const struct jt_ring *ring,
                           uint64_t *number)
{
    for (size_t i = 0; i < ring->n; i++) {
        const struct jt_ring_entry *e = &ring->entries[i];
        if (!jt_policy_openable(e)) {
            continue;
        }
        *number = e->number;
        const struct jt_genfile *held = jt_keyring_find(keyring, e->number);
        if (held == NULL) {
            return JT_ERR_KEY_MISSING;
        }
        if (held->key_id != e->key_id ||
            !jt_equal_ct(held->check_value, e->check_value, sizeof e->check_value)) {
            return JT_ERR_KEY_WRONG;
        }
    }
    *number = 0;
    return JT_OK;
}

enum jt_err jt_policy_take(const struct jt_ring *ring, const struct jt_generation_row *row)
{
    if (row->state < JT_GENERATION_FUTURE || row->state > JT_GENERATION_RETIRED) {
        return JT_ERR_WRONG_STATE;
    }
    const struct jt_ring_entry *e = jt_ring_find(ring, row->number);
    if (e != NULL) {
        bool same = e->key_id == row->key_id &&
                    jt_equal_ct(e->check_value, row->check_value, sizeof e->check_value);
        return same ? JT_OK : JT_ERR_KEY_WRONG;
    }
    if (row->number <= ring->highest) {
        return JT_ERR_WRONG_STATE; /* it can never become active any more */
    }
    return row->key_id == 0 || key_id_in(ring, row->key_id) ? JT_ERR_KEY_ID_TAKEN : JT_OK;
}

enum jt_err jt_policy_next_generation(const struct jt_keyring *keyring, const struct jt_ring *ring,
                                      uint64_t highest_seen,
                                      const struct jt_generation_create *create, uint64_t *number,
                                      uint8_t *key_id)
{
    uint64_t highest = highest_seen > ring->highest ? highest_seen : ring->highest;
    if (create->db_highest > highest) {
        if (create->db_highest - highest > MAX_NUMBER_JUMP) {
            return JT_ERR_LIMIT;
        }
        highest = create->db_highest;
    }
    if (highest >= INT64_MAX) { /* the database keeps it as a signed number */
        return JT_ERR_LIMIT;
    }
    for (unsigned id = 1; id <= 255; id++) {
        bool used = jt_key_id_set_has(create->used_key_ids, (uint8_t)id);
        if (!used && !key_id_in(ring, (uint8_t)id) &&
            !jt_keyring_has_key_id(keyring, (uint8_t)id)) {
            *number = highest + 1;
            *key_id = (uint8_t)id;
            return JT_OK;
        }
    }
    return JT_ERR_NO_KEY_ID;
}
