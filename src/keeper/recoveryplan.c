/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/recoveryplan.h"

#include "base/secmem.h"
#include "crypto/digest.h"
#include "keeper/foreign.h"
#include "keeper/policy.h"
#include "keeper/rowmac.h"

#include <stdlib.h>
#include <string.h>

/* What the plan is made from, and of. */
struct making {
    const struct jt_keeper *k;
    const struct jt_recovery_database *db;
    struct jt_ring there; /* the database's ring */
    struct jt_ring *next;
    struct jt_recovery_plan *plan;
    bool used[256]; /* key ids of `next` */
    size_t n_draining;
};

static bool is_live(uint8_t state)
{
    return state == JT_GENERATION_ACTIVE || state == JT_GENERATION_DRAINING;
}

static const struct jt_recovery_found *find_row(const struct making *m, uint64_t number)
{
    for (size_t i = 0; i < m->db->n_found; i++) {
        if (m->db->found[i].row.number == number) {
            return &m->db->found[i];
        }
    }
    return NULL;
}

static bool same_key(const struct jt_ring_entry *e, const struct jt_generation_row *row)
{
    return e->key_id == row->key_id &&
           jt_equal_ct(e->check_value, row->check_value, sizeof e->check_value);
}

static enum jt_err check_rows(const struct making *m)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < m->db->n_found && err == JT_OK; i++) {
        err = jt_rowmac_generation_check(m->k->root, &m->db->found[i].row);
    }
    return err;
}

static bool takes_key_id(const struct jt_ring *ring, uint8_t key_id)
{
    for (size_t i = 0; i < ring->n; i++) {
        if (ring->entries[i].key_id == key_id) {
            return true;
        }
    }
    return false;
}

/*
 * The database's ring is newer, and brings back what this keeper knows as destroyed: an earlier
 * recovery was made by a keeper that had missed that. What is known here stays, and what came since
 * is added; the newest active one is the active one.
 */
static enum jt_err add_newer(const struct jt_ring *there, struct jt_ring *next)
{
    uint64_t known = next->highest;
    for (size_t i = 0; i < there->n; i++) {
        const struct jt_ring_entry *e = &there->entries[i];
        if (e->number <= known) {
            continue;
        }
        if (next->n == JT_RING_MAX || takes_key_id(next, e->key_id)) {
            return JT_ERR_KEEPER_BEHIND;
        }
        for (size_t j = 0; j < next->n && e->state == JT_GENERATION_ACTIVE; j++) {
            if (next->entries[j].state == JT_GENERATION_ACTIVE) {
                next->entries[j].state = JT_GENERATION_DRAINING;
            }
        }
        next->entries[next->n++] = *e;
    }
    next->highest = there->highest > known ? there->highest : known;
    return JT_OK;
}

/* The newer of the two rings is what the plan goes by, unless it brings back what is destroyed. */
static enum jt_err choose_base(struct making *m)
{
    const struct jt_ring *own = &m->k->ring;
    enum jt_err err = jt_foreign_ring(m->k->root, m->k->development, &m->db->ring, &m->there);
    if (err != JT_OK) {
        return err;
    }
    bool theirs = m->there.epoch > own->epoch;
    if (theirs && jt_policy_accept(own, &m->there) == JT_OK) {
        *m->next = m->there;
        return JT_OK;
    }
    *m->next = *own;
    return theirs ? add_newer(&m->there, m->next) : JT_OK;
}

static struct jt_recovery_change *add_change(struct making *m, uint64_t number)
{
    if (m->plan->n == JT_RECOVERY_CHANGES_MAX) {
        return NULL;
    }
    struct jt_recovery_change *c = &m->plan->all[m->plan->n++];
    *c = (struct jt_recovery_change){ .number = number };
    return c;
}

/* --- what the ring lists --- */

static enum jt_err plan_entry(struct making *m, struct jt_ring_entry *e)
{
    const struct jt_recovery_found *found = find_row(m, e->number);
    const struct jt_ring_entry *there = jt_ring_find(&m->there, e->number);
    const struct jt_ring_entry *own = jt_ring_find(&m->k->ring, e->number);
    const struct jt_genfile *held = jt_keyring_find(m->k->keyring, e->number);
    struct jt_recovery_change *c = add_change(m, e->number);
    if (c == NULL) {
        return JT_ERR_LIMIT;
    }
    bool known = found != NULL && same_key(e, &found->row);
    c->key_id = e->key_id;
    memcpy(c->check_value, e->check_value, sizeof c->check_value);
    c->compromised = e->compromised;
    c->held = held != NULL && held->key_id == e->key_id &&
              jt_equal_ct(held->check_value, e->check_value, sizeof e->check_value);
    c->keeper_state = own != NULL ? own->state : 0;
    c->database_state = found != NULL ? found->row.state : 0;
    c->n_cards = found != NULL ? found->n_cards : 0;
    c->lost = found != NULL && !known && c->n_cards > 0; /* under another key of this number */
    bool must = known && ((there != NULL && is_live(there->state)) || c->n_cards > 0);
    if (e->state == JT_GENERATION_RETIRED && must) {
        e->state = JT_GENERATION_DRAINING;
    }
    m->n_draining += e->state == JT_GENERATION_DRAINING;
    m->used[e->key_id] = true;
    return is_live(e->state) && !c->held ? JT_ERR_KEY_MISSING : JT_OK;
}

/* Retired ones whose certificate is gone drain again while there is room. */
static void drain_uncertified(struct making *m)
{
    for (size_t i = 0; i < m->next->n && m->n_draining < JT_RING_MAX_DRAINING; i++) {
        struct jt_ring_entry *e = &m->next->entries[i];
        const struct jt_ring_entry *there = jt_ring_find(&m->there, e->number);
        if (e->state == JT_GENERATION_RETIRED && m->plan->all[i].held &&
            (there == NULL || there->state != JT_GENERATION_RETIRED)) {
            e->state = JT_GENERATION_DRAINING;
            m->n_draining++;
        }
    }
}

/* Of a keeper without a ring: what it holds, was in a ring once, and the database does not know. */
static void add_held(struct making *m)
{
    struct jt_ring *next = m->next;
    const struct jt_genfile *held = jt_keyring_next(m->k->keyring, next->highest);
    for (; held != NULL && m->k->ring.epoch == 0 && next->n < JT_RING_MAX;
         held = jt_keyring_next(m->k->keyring, held->number)) {
        if (held->used && !takes_key_id(next, held->key_id)) {
            struct jt_ring_entry *e = &next->entries[next->n++];
            *e = (struct jt_ring_entry){ .number = held->number,
                                         .key_id = held->key_id,
                                         .state = JT_GENERATION_RETIRED };
            memcpy(e->check_value, held->check_value, sizeof e->check_value);
            next->highest = held->number;
        }
    }
}

/* --- what it does not list --- */

static enum jt_err plan_rest(struct making *m)
{
    for (size_t i = 0; i < m->db->n_found; i++) {
        const struct jt_recovery_found *found = &m->db->found[i];
        const struct jt_generation_row *row = &found->row;
        if (jt_ring_find(m->next, row->number) != NULL) {
            continue;
        }
        struct jt_recovery_change *c = add_change(m, row->number);
        if (c == NULL) {
            return JT_ERR_LIMIT;
        }
        bool stays = row->state == JT_GENERATION_FUTURE && row->number > m->next->highest &&
                     !m->used[row->key_id];
        c->key_id = row->key_id;
        memcpy(c->check_value, row->check_value, sizeof c->check_value);
        c->keeper_state = stays ? 0 : JT_GENERATION_DESTROYED;
        c->database_state = row->state;
        c->after = stays ? JT_GENERATION_FUTURE : JT_GENERATION_DESTROYED;
        c->held = jt_keyring_find(m->k->keyring, row->number) != NULL;
        c->posts = !stays;
        c->n_cards = found->n_cards;
        c->lost = !stays && c->n_cards > 0;
    }
    return JT_OK;
}

static int by_number(const void *a, const void *b)
{
    const struct jt_recovery_change *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* What is as it shall be already is not written. */
static void settle_entries(struct making *m)
{
    for (size_t i = 0; i < m->next->n; i++) {
        const struct jt_ring_entry *e = &m->next->entries[i];
        const struct jt_recovery_found *found = find_row(m, e->number);
        struct jt_recovery_change *c = &m->plan->all[i];
        c->after = e->state;
        c->posts = found == NULL || !same_key(e, &found->row) || found->row.state != e->state;
    }
}

static enum jt_err make(struct making *m)
{
    enum jt_err err = check_rows(m);
    if (err == JT_OK) {
        err = choose_base(m);
    }
    if (err == JT_OK) {
        add_held(m);
    }
    for (size_t i = 0; i < m->next->n && err == JT_OK; i++) {
        err = plan_entry(m, &m->next->entries[i]);
    }
    if (err == JT_OK && m->n_draining >= JT_RING_MAX_LIVE) {
        err = JT_ERR_TOO_MANY_LIVE;
    }
    if (err == JT_OK) {
        drain_uncertified(m);
        settle_entries(m);
        err = plan_rest(m);
    }
    if (err == JT_OK) {
        qsort(m->plan->all, m->plan->n, sizeof m->plan->all[0], by_number);
    }
    return err;
}

enum jt_err jt_recoveryplan_make(const struct jt_keeper *k, const struct jt_recovery_database *db,
                                 struct jt_ring *next, struct jt_recovery_plan *plan)
{
    struct making m = { .k = k, .db = db, .next = next, .plan = plan };
    plan->n = 0;
    *next = (struct jt_ring){ .epoch = 0 };
    return make(&m);
}

enum jt_err jt_recoveryplan_digest(const struct jt_ring *next, const struct jt_recovery_plan *plan,
                                   uint8_t out[static JT_RECOVERY_DIGEST])
{
    struct jt_buf b;
    jt_buf_init(&b, JT_RECOVERY_CHANGES_MAX * 32);
    jt_buf_u64(&b, next->highest);
    for (size_t i = 0; i < plan->n; i++) {
        const struct jt_recovery_change *c = &plan->all[i];
        jt_buf_u64(&b, c->number);
        jt_buf_u8(&b, c->key_id);
        jt_buf_put(&b, c->check_value, sizeof c->check_value);
        jt_buf_u8(&b, c->after);
        jt_buf_u8(&b, (uint8_t)(c->compromised | c->posts << 1));
    }
    enum jt_err err = jt_buf_status(&b);
    if (err == JT_OK) {
        err = jt_sha256(b.data, b.len, out);
    }
    jt_buf_clear(&b);
    return err;
}
