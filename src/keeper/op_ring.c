/* SPDX-License-Identifier: Apache-2.0 */
/* RING_FIRST, RING_PROPOSE and RING_ACCEPT: the only ways to a new ring. */
#include "keeper/op.h"

#include "base/must.h"
#include "base/secmem.h"
#include "keeper/course.h"
#include "keeper/dirwatch.h"
#include "keeper/foreign.h"
#include "keeper/policy.h"
#include "keeper/rowmac.h"
#include "wire/frame.h"
#include "wire/ring.h"

#include <string.h>

enum jt_err jt_op_ring_first(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    enum jt_err err = jt_wire_end(in);
    if (err != JT_OK) {
        return err;
    }
    if (k->ring.epoch != 0 || k->state.highest_epoch != 0) {
        return JT_ERR_RING_THERE;
    }
    /*
     * Asked again before a ring is accepted, it answers the same: whoever asked may never have
     * heard the first answer.
     */
    if (k->root == NULL) {
        err = jt_keeper_make_root(k);
    }
    if (err != JT_OK) {
        return err;
    }
    struct jt_ring empty = { .development = k->development, .epoch = 1 };
    memcpy(empty.root_check_value, k->root->check_value, sizeof empty.root_check_value);
    struct jt_ring_row row;
    err = jt_keeper_ring_row(k, &empty, &row);
    if (err == JT_OK) {
        jt_ring_row_encode(&row, out);
    }
    return err;
}

static enum jt_err make_generation_row(const struct jt_keeper *k, const struct jt_ring *ring,
                                       const struct jt_ring_entry *entry,
                                       struct jt_generation_row *row)
{
    jt_must(entry != NULL); /* it was just proposed */
    *row = (struct jt_generation_row){
        .number = entry->number,
        .key_id = entry->key_id,
        .state = entry->state,
        .mac_epoch = ring->epoch,
    };
    memcpy(row->check_value, entry->check_value, sizeof row->check_value);
    return jt_rowmac_generation(k->root, row, row->mac);
}

/* The row of a generation that leaves the ring: as the ring had it, and destroyed. */
static enum jt_err make_last_row(const struct jt_keeper *k, const struct jt_ring *next,
                                 uint64_t number, struct jt_ring_proposal *proposal)
{
    const struct jt_ring_entry *before = jt_ring_find(&k->ring, number);
    jt_must(before != NULL); /* the policy found it */
    struct jt_ring_entry gone = *before;
    gone.state = JT_GENERATION_DESTROYED;
    proposal->n_rows = 1;
    return make_generation_row(k, next, &gone, &proposal->rows[0]);
}

/* The rows of the generations whose state is not what it was: the one asked for first. */
static enum jt_err make_changed_rows(const struct jt_keeper *k, const struct jt_ring *next,
                                     uint64_t asked, struct jt_ring_proposal *proposal)
{
    enum jt_err err = make_generation_row(k, next, jt_ring_find(next, asked), &proposal->rows[0]);
    proposal->n_rows = 1;
    for (size_t i = 0; i < k->ring.n && err == JT_OK; i++) {
        const struct jt_ring_entry *before = &k->ring.entries[i];
        const struct jt_ring_entry *after = jt_ring_find(next, before->number);
        jt_must(after != NULL);
        if (before->number != asked && after->state != before->state) {
            err = make_generation_row(k, next, after, &proposal->rows[1]);
            proposal->n_rows = 2;
        }
    }
    return err;
}

static bool same_ring(const struct jt_ring_row *a, const struct jt_ring_row *b)
{
    return a->epoch == b->epoch && a->body_len == b->body_len &&
           memcmp(a->body, b->body, a->body_len) == 0 && jt_equal_ct(a->mac, b->mac, sizeof a->mac);
}

enum jt_err jt_op_ring_propose(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_ring_propose propose;
    struct jt_ring_proposal proposal = { 0 };
    struct jt_ring next;
    uint64_t missing;
    enum jt_err err = jt_ring_propose_decode(in, &propose);
    if (err == JT_OK) {
        err = jt_course_standing(k);
    }
    if (err != JT_OK) {
        return err;
    }
    if (!same_ring(&propose.current, &k->state.ring)) {
        return JT_ERR_RING_MOVED;
    }
    err = jt_rowmac_generation_check(k->root, &propose.generation);
    bool destroys = propose.step == JT_RING_DESTROY;
    if (err == JT_OK) {
        err = jt_policy_propose(&k->ring, &propose.generation, propose.step, &next);
    }
    if (err == JT_OK && destroys) {
        err = jt_destructions_due(k, &propose.generation, propose.system_identifier,
                                  propose.timeline);
    }
    if (err == JT_OK) {
        /* never propose what could not be accepted here */
        err = jt_policy_held(k->keyring, &next, &missing);
    }
    if (err == JT_OK) {
        err = jt_keeper_ring_row(k, &next, &proposal.next);
    }
    if (err == JT_OK) {
        err = destroys ? make_last_row(k, &next, propose.generation.number, &proposal)
                       : make_changed_rows(k, &next, propose.generation.number, &proposal);
    }
    if (err == JT_OK) {
        jt_ring_proposal_encode(&proposal, out);
    }
    return err;
}

static enum jt_err accept_ring(struct jt_keeper *k, const struct jt_ring_row *row)
{
    struct jt_ring next;
    uint64_t missing;
    enum jt_err err = jt_foreign_ring(k->root, k->development, row, &next);
    if (err != JT_OK || same_ring(row, &k->state.ring)) {
        return err;
    }
    if (!jt_equal_ct(next.root_check_value, k->root->check_value, sizeof next.root_check_value)) {
        return JT_ERR_KEY_WRONG;
    }
    /*
     * A database that went back (a restore, a tail lost in a failover) is noticed here. Keepers
     * remember the highest epoch over restarts, and at an epoch that is not above it they take only
     * the very ring that they have.
     */
    err =
        next.epoch <= k->state.highest_epoch ? JT_ERR_WENT_BACK : jt_policy_accept(&k->ring, &next);
    if (err == JT_OK) {
        err = jt_policy_held(k->keyring, &next, &missing);
    }
    if (err == JT_OK) {
        err = jt_dirwatch_check(k, 0, &next);
    }
    return err == JT_OK ? jt_keeper_adopt(k, row, &next) : err;
}

enum jt_err jt_op_ring_accept(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_ring_shown shown;
    enum jt_err err = jt_ring_shown_decode(in, &shown);
    if (err == JT_OK) {
        err = shown.has_course ? jt_course_look(k, &shown.course) : jt_course_standing(k);
    }
    if (err == JT_OK) {
        err = accept_ring(k, &shown.row);
    }
    if (err == JT_ERR_WENT_BACK) {
        enum jt_err kept = jt_course_keep(k);
        err = kept == JT_OK ? err : kept;
    }
    if (err == JT_OK && shown.has_course) {
        err = jt_course_note(k, &shown.course);
    }
    if (err == JT_OK) {
        k->ring_shown = true;
        jt_ring_accepted_encode(k->joined, out);
    }
    return err;
}
