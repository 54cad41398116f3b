/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recoveries, in keepers inside the test: what becomes of each generation, who can bring one about,
 * and what a front that was taken over, a database writer or an old backup can do with what it has
 * seen.
 */
#include "inside.h"
#include "signers.h"

#include "crypto/digest.h"
#include "keeper/nodemarks.h"
#include "keeper/rowmac.h"
#include "wire/recovery.h"
#include "wire/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SYSTEM 7300000000000000001u

/* Large ones. */
static struct jt_recovery_open open;
static struct jt_recovery_opened opened;
static struct jt_recovery_show show;
static struct jt_recovery_shown shown;
static struct jt_recovery_database old, earlier;

static struct jt_course course(uint64_t lsn, uint64_t renewals)
{
    return (struct jt_course){
        .system_identifier = SYSTEM, .timeline = 1, .lsn = lsn, .renewals = { [NODE] = renewals }
    };
}

static enum jt_err show_ring(struct inside *in, const struct jt_ring_row *row, struct jt_course now)
{
    const struct jt_ring_shown s = { .row = *row, .has_course = true, .course = now };
    struct jt_reader reply;
    jt_ring_shown_encode(&s, &in->payload);
    return inside_ask(in, JT_VERB_RING_ACCEPT, &reply);
}

/* The database as it is now, to come back to: each generation of the ring with so many cards. */
static void copy_database(struct inside *in, struct jt_recovery_database *db, uint64_t lsn,
                          uint64_t renewals, uint64_t n_cards)
{
    memset(db, 0, sizeof *db);
    db->course = course(lsn, renewals);
    db->ring = in->ring;
    for (size_t i = 0; i < in->k->ring.n; i++) {
        db->found[db->n_found++] =
            (struct jt_recovery_found){ .row = inside_row(in, in->k->ring.entries[i].number),
                                        .n_cards = n_cards };
    }
    assert_int_equal(show_ring(in, &in->ring, db->course), JT_OK);
}

static enum jt_err ask(struct inside *in, const struct jt_recovery_database *db, uint64_t floor_ms)
{
    struct jt_reader reply;
    memset(&open, 0, sizeof open);
    memcpy(open.node, "node1", 6);
    open.floor_ms = floor_ms;
    open.database = *db;
    jt_recovery_open_encode(&open, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_RECOVERY_OPEN, &reply);
    return err == JT_OK ? jt_recovery_opened_decode(&reply, &opened) : err;
}

/* Shows the request that was made last, signed by these two. */
static enum jt_err show_signed(struct inside *in, const struct jt_recovery_database *db, size_t a,
                               size_t b)
{
    struct jt_reader reply;
    memset(&show, 0, sizeof show);
    show.request = opened.request;
    show.database = *db;
    show.approvals.n = 2;
    show.approvals.all[0] = signers_sign(a, opened.request.text, opened.request.text_len);
    show.approvals.all[1] = signers_sign(b, opened.request.text, opened.request.text_len);
    jt_recovery_show_encode(&show, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_RECOVERY_SHOW, &reply);
    return err == JT_OK ? jt_recovery_shown_decode(&reply, &shown) : err;
}

static uint8_t standing(struct inside *in, const struct jt_recovery_database *db)
{
    assert_int_equal(show_signed(in, db, 0, 1), JT_OK);
    return shown.standing;
}

static enum jt_err follow(struct inside *in, const struct jt_recovery_accept *accept)
{
    struct jt_reader reply;
    jt_recovery_accept_encode(accept, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_RECOVERY_ACCEPT, &reply);
    if (err == JT_OK) {
        in->ring = accept->ring;
    }
    return err;
}

static struct jt_recovery_accept word(void)
{
    return (struct jt_recovery_accept){ .word = shown.word, .ring = shown.ring };
}

static const struct jt_recovery_change *change(uint64_t number)
{
    for (size_t i = 0; i < opened.plan.n; i++) {
        if (opened.plan.all[i].number == number) {
            return &opened.plan.all[i];
        }
    }
    return NULL;
}

/* A copy with generation 1 active; then a roll, which retires it, and another one. */
static void go_back(struct inside *in)
{
    (void)signers_enroll(in);
    copy_database(in, &old, 100, 5, 50);
    inside_roll(in);
    inside_retire(in, 1);
    inside_roll(in);
    assert_int_equal(show_ring(in, &in->ring, course(900, 9)), JT_OK);
    assert_int_equal(show_ring(in, &old.ring, course(120, 5)), JT_ERR_LOG_BEHIND);
    old.course.lsn = 120;
}

static void a_retired_generation_with_cards_drains_again(void **state)
{
    struct inside *in = *state;
    go_back(in);
    uint64_t epoch = in->k->state.highest_epoch;
    assert_int_equal(ask(in, &old, 0), JT_OK);
    assert_true(opened.request.epoch == epoch + JT_RECOVERY_STEP);
    assert_non_null(strstr(opened.request.text, "\nact: recover\n"));
    assert_non_null(strstr(opened.request.text, "cards 50 becomes draining\n"));
    assert_non_null(strstr(opened.request.text, "\ncards-lost: 0\n"));
    assert_int_equal(change(1)->keeper_state, JT_GENERATION_RETIRED);
    assert_int_equal(change(1)->database_state, JT_GENERATION_ACTIVE);
    assert_int_equal(change(1)->after, JT_GENERATION_DRAINING);
    assert_int_equal(change(2)->after, JT_GENERATION_DRAINING);
    assert_int_equal(change(3)->after, JT_GENERATION_ACTIVE);
    assert_int_equal(change(3)->database_state, 0);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    assert_int_equal(shown.n, 3);
    /* proposing changes nothing */
    assert_true(in->k->state.highest_epoch == epoch);
    const struct jt_recovery_accept a = word();
    assert_int_equal(follow(in, &a), JT_OK);
    assert_true(in->k->ring.epoch == epoch + JT_RECOVERY_STEP);
    assert_int_equal(jt_ring_find(&in->k->ring, 1)->state, JT_GENERATION_DRAINING);
    /* it goes on from the base, and not from less */
    assert_int_equal(show_ring(in, &in->ring, course(121, 5)), JT_OK);
    assert_int_equal(show_ring(in, &in->ring, course(121, 4)), JT_ERR_TAIL_LOST);
    assert_int_equal(show_ring(in, &in->ring, course(130, 5)), JT_OK);
    inside_retire(in, 1);
}

static void two_custodians_sign_and_nobody_else(void **state)
{
    struct inside *in = *state;
    copy_database(in, &old, 100, 5, 50);
    inside_roll(in);
    assert_int_equal(show_ring(in, &old.ring, old.course), JT_ERR_WENT_BACK);
    assert_int_equal(ask(in, &old, 0), JT_ERR_NO_CUSTODIANS);
    (void)signers_enroll(in);
    assert_int_equal(ask(in, &old, 0), JT_OK);
    assert_int_equal(show_signed(in, &old, 0, 0), JT_OK);
    assert_true(shown.n_approved == 1 && shown.standing == JT_RECOVERY_WAITING && shown.n == 0);
    assert_int_equal(show_signed(in, &old, 0, 2), JT_OK); /* a stranger */
    assert_true(shown.n_approved == 1 && shown.standing == JT_RECOVERY_WAITING);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    /* a request that was altered, also in what is not signed */
    opened.request.epoch++;
    assert_int_equal(show_signed(in, &old, 0, 1), JT_ERR_FORGED);
    opened.request.epoch--;
    opened.request.text[40] ^= 1;
    assert_int_equal(show_signed(in, &old, 0, 1), JT_ERR_FORGED);
}

static void a_request_is_good_for_what_it_speaks_of_only(void **state)
{
    struct inside *in = *state;
    go_back(in);
    assert_int_equal(ask(in, &old, 0), JT_OK);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    /* another database, another history, other rows, fewer of them */
    earlier = old;
    earlier.course.system_identifier++;
    assert_int_equal(standing(in, &earlier), JT_RECOVERY_STALE);
    earlier = old;
    earlier.course.timeline++;
    assert_int_equal(standing(in, &earlier), JT_RECOVERY_STALE);
    earlier = old;
    earlier.n_found = 0;
    assert_int_equal(standing(in, &earlier), JT_RECOVERY_STALE);
    earlier = old;
    earlier.found[0].row.mac[0] ^= 1;
    assert_int_equal(show_signed(in, &earlier, 0, 1), JT_ERR_FORGED);
    /* its log goes on while custodians think, and a restart changes nothing */
    earlier = old;
    earlier.course.lsn += 1000;
    inside_restart(in, false);
    assert_int_equal(standing(in, &earlier), JT_RECOVERY_DUE);
    assert_int_equal(show_ring(in, &in->ring, course(950, 9)), JT_ERR_LOG_BEHIND);
    /* a server was promoted that had all of it: the request is nothing from then on */
    struct jt_course promoted = course(910, 9);
    promoted.timeline++;
    assert_int_equal(show_ring(in, &in->ring, promoted), JT_OK);
    assert_int_equal(show_ring(in, &old.ring, old.course), JT_ERR_OLD_TIMELINE);
    assert_int_equal(standing(in, &old), JT_RECOVERY_STALE);
}

static void an_old_word_is_nothing_at_a_later_restore(void **state)
{
    struct inside *in = *state;
    go_back(in);
    assert_int_equal(ask(in, &old, 0), JT_OK);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    const struct jt_recovery_accept first = word();
    struct jt_recovery_accept forged = first;
    forged.word.floor_ms++;
    assert_int_equal(follow(in, &forged), JT_ERR_FORGED);
    forged = first;
    forged.ring = old.ring;
    assert_int_equal(follow(in, &forged), JT_ERR_FORGED);
    assert_int_equal(follow(in, &first), JT_OK);
    assert_int_equal(follow(in, &first), JT_ERR_WENT_BACK);
    assert_int_equal(show_ring(in, &in->ring, course(130, 5)), JT_OK);
    inside_retire(in, 1);
    assert_int_equal(show_ring(in, &in->ring, course(500, 8)), JT_OK);
    /* back to where the first recovery was: its ring and its word stand there */
    assert_int_equal(show_ring(in, &first.ring, course(140, 6)), JT_ERR_LOG_BEHIND);
    assert_int_equal(follow(in, &first), JT_ERR_WENT_BACK);
    assert_int_equal(standing(in, &old), JT_RECOVERY_STALE);
}

static void what_is_destroyed_stays_so_and_its_cards_are_told(void **state)
{
    struct inside *in = *state;
    (void)signers_enroll(in);
    copy_database(in, &old, 100, 5, 50);
    inside_roll(in);
    inside_retire(in, 1);
    /* the ring goes on without it, as after a destruction */
    in->k->ring.entries[0] = in->k->ring.entries[1];
    in->k->ring.n = 1;
    assert_int_equal(ask(in, &old, 0), JT_OK);
    assert_int_equal(change(1)->after, JT_GENERATION_DESTROYED);
    assert_true(change(1)->lost && change(1)->n_cards == 50);
    assert_non_null(strstr(opened.request.text, "becomes destroyed CARDS LOST\n"));
    assert_non_null(strstr(opened.request.text, "\ncards-lost: 50\n"));
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    const struct jt_recovery_accept a = word();
    struct jt_ring ring;
    assert_int_equal(jt_ring_decode(a.ring.body, a.ring.body_len, &ring), JT_OK);
    assert_null(jt_ring_find(&ring, 1));
    /* a future generation of a number that no ring has had stays */
    earlier = old;
    earlier.found[earlier.n_found++].row = inside_create(in, 0);
    assert_int_equal(ask(in, &earlier, 0), JT_OK);
    assert_int_equal(change(3)->after, JT_GENERATION_FUTURE);
    assert_false(change(3)->posts);
}

static void no_keeper_follows_to_what_it_knows_as_destroyed(void **state)
{
    struct inside *in = *state;
    go_back(in);
    assert_int_equal(ask(in, &old, 0), JT_OK);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    const struct jt_recovery_accept a = word();
    /* this one has seen that generation 1 was destroyed */
    const struct jt_ring before = in->k->ring;
    memmove(&in->k->ring.entries[0], &in->k->ring.entries[1],
            (in->k->ring.n - 1u) * sizeof in->k->ring.entries[0]);
    in->k->ring.n--;
    assert_int_equal(follow(in, &a), JT_ERR_REVIVES_DESTROYED);
    /* so it is recovered from here: the other one follows to that, and the cards are lost */
    earlier = old;
    earlier.ring = a.ring;
    earlier.n_found = shown.n;
    for (size_t i = 0; i < shown.n; i++) {
        earlier.found[i] = (struct jt_recovery_found){ .row = shown.rows[i], .n_cards = 50 };
    }
    assert_int_equal(ask(in, &earlier, 0), JT_OK);
    assert_true(opened.request.epoch == a.ring.epoch + JT_RECOVERY_STEP);
    assert_int_equal(change(1)->after, JT_GENERATION_DESTROYED);
    assert_true(change(1)->lost);
    assert_int_equal(change(3)->after, JT_GENERATION_ACTIVE);
    assert_int_equal(standing(in, &earlier), JT_RECOVERY_DUE);
    const struct jt_recovery_accept second = word();
    /* or a generation that the other one has never heard of */
    in->k->ring = before;
    in->k->ring.highest = 9;
    assert_int_equal(follow(in, &a), JT_ERR_REVIVES_DESTROYED);
    in->k->ring = before;
    assert_int_equal(follow(in, &a), JT_OK);
    assert_int_equal(follow(in, &second), JT_OK);
    assert_null(jt_ring_find(&in->k->ring, 1));
}

static void a_keeper_that_has_seen_less_is_told_so(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    go_back(in);
    jt_keeper_view_ask_encode(&(struct jt_keeper_view_ask){ "node2" }, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_KEEPER_VIEW, &reply), JT_OK);
    assert_int_equal(jt_keeper_view_decode(&reply, &old.views[0]), JT_OK);
    assert_true(old.views[0].epoch == in->k->state.highest_epoch && old.views[0].lsn == 900);
    old.n_views = 1;
    assert_int_equal(ask(in, &old, 0), JT_OK);
    in->k->state.highest_epoch--; /* as if this were the other one */
    assert_int_equal(ask(in, &old, 0), JT_ERR_KEEPER_BEHIND);
    /* whoever writes to the database holds up nobody */
    old.views[0].epoch += 1000;
    assert_int_equal(ask(in, &old, 0), JT_OK);
}

/* Whoever has taken the ring in the ordinary way, and has perhaps gone on, takes the floor alone.
 */
static void a_word_that_comes_late_still_brings_its_floor(void **state)
{
    struct inside *in = *state;
    (void)signers_enroll(in);
    copy_database(in, &old, 100, 5, 50);
    uint64_t floor_ms = jt_keeper_now_ms() + 3600000;
    assert_int_equal(ask(in, &old, floor_ms), JT_OK);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    const struct jt_recovery_accept late = word();
    assert_int_equal(show_ring(in, &late.ring, course(130, 5)), JT_OK);
    in->ring = late.ring;
    assert_true(in->k->state.id_mark < floor_ms);
    assert_int_equal(follow(in, &late), JT_ERR_WENT_BACK);
    assert_true(in->k->state.id_mark >= floor_ms && in->k->state.node_marks[77] >= floor_ms);
    struct jt_recovery_accept forged = late;
    forged.word.floor_ms += 1000;
    assert_int_equal(follow(in, &forged), JT_ERR_FORGED);
    inside_restart(in, false);
    assert_true(in->k->state.id_mark >= floor_ms);
}

static void ids_begin_behind_the_floor_under_every_number(void **state)
{
    struct inside *in = *state;
    uint64_t now = jt_keeper_now_ms();
    (void)signers_enroll(in);
    copy_database(in, &old, 100, 5, 0);
    assert_int_equal(ask(in, &old, 0), JT_ERR_NOT_BEHIND);
    assert_int_equal(ask(in, &old, 1000), JT_ERR_DATE_OVER);
    assert_int_equal(ask(in, &old, now + 2 * JT_RECOVERY_FLOOR_AHEAD_MS), JT_ERR_LIMIT);
    uint64_t floor_ms = now + JT_RECOVERY_FLOOR_AHEAD_MS / 2;
    assert_int_equal(ask(in, &old, floor_ms), JT_OK);
    assert_true(opened.request.floor_ms == floor_ms);
    assert_non_null(strstr(opened.request.text, "\ndisagrees: nothing\n"));
    /* the database goes on meanwhile */
    assert_int_equal(show_ring(in, &in->ring, course(300, 6)), JT_OK);
    old.course = course(300, 6);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    const struct jt_recovery_accept a = word();
    assert_int_equal(follow(in, &a), JT_OK);
    for (uint8_t number = 1; number != 0; number++) {
        assert_true(jt_nodemarks_known(&in->k->state, number) >= floor_ms);
    }
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    struct row row;
    inside_seal(in, 0, true, &row, 1);
    assert_true(jt_idmint_ms_of(row.id) > floor_ms);
}

static void a_keeper_without_a_ring_goes_by_the_databases(void **state)
{
    struct inside *in = *state;
    go_back(in);
    /* as after keys restore: keys and the highest epoch, and no ring */
    struct jt_keeper_state state_of_backup = in->k->state;
    state_of_backup.ring = (struct jt_ring_row){ .epoch = 0 };
    state_of_backup.course = (struct jt_course){ .system_identifier = 0 };
    assert_int_equal(jt_keeper_save(in->k, &state_of_backup), JT_OK);
    inside_restart(in, false);
    assert_int_equal(ask(in, &old, 0), JT_OK);
    assert_int_equal(change(1)->after, JT_GENERATION_ACTIVE);
    assert_int_equal(change(2)->after, JT_GENERATION_DRAINING);
    assert_int_equal(change(3)->after, JT_GENERATION_DRAINING);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    const struct jt_recovery_accept a = word();
    assert_int_equal(follow(in, &a), JT_OK);
    assert_int_equal(in->k->ring.highest, 3);
}

/* The word about a ring, as a keeper of the same root would give it. */
static struct jt_recovery_accept said_of(struct inside *in, const struct jt_ring *ring)
{
    struct jt_recovery_accept a = word();
    struct jt_buf body;
    assert_int_equal(jt_keeper_ring_row(in->k, ring, &a.ring), JT_OK);
    assert_int_equal(jt_sha256(a.ring.body, a.ring.body_len, a.word.ring), JT_OK);
    a.word.epoch = ring->epoch;
    jt_buf_init(&body, 4096);
    jt_recovery_word_body_encode(&a.word, &body);
    assert_int_equal(jt_rowmac_recovery_word(in->k->root, body.data, body.len, a.word.mac), JT_OK);
    jt_buf_clear(&body);
    return a;
}

/* One of the ring's generations is another one there: key id, key, or a mark that is gone. */
static void no_keeper_follows_to_other_keys_than_it_knows(void **state)
{
    struct inside *in = *state;
    go_back(in);
    assert_int_equal(ask(in, &old, 0), JT_OK);
    assert_int_equal(standing(in, &old), JT_RECOVERY_DUE);
    struct jt_ring ring, other;
    assert_int_equal(jt_ring_decode(shown.ring.body, shown.ring.body_len, &ring), JT_OK);
    struct jt_recovery_accept a;
    for (size_t i = 0; i < 3; i++) {
        other = ring;
        other.entries[0].key_id ^= i == 0 ? 0x40 : 0;
        other.entries[0].check_value[0] ^= i == 1;
        in->k->ring.entries[0].compromised = i == 2;
        a = said_of(in, &other);
        assert_int_equal(follow(in, &a), JT_ERR_REVIVES_DESTROYED);
    }
    in->k->ring.entries[0].compromised = false;
    other = ring;
    other.root_check_value[0] ^= 1;
    a = said_of(in, &other);
    assert_int_equal(follow(in, &a), JT_ERR_KEY_WRONG);
    /* what the word speaks of is this ring, and a database that there is */
    a = said_of(in, &ring);
    a.word.base.system_identifier = 0;
    shown.word = a.word;
    a = said_of(in, &ring);
    assert_int_equal(follow(in, &a), JT_ERR_FORGED);
    shown.word.base = old.course;
    a = said_of(in, &ring);
    other = ring;
    other.epoch++;
    const struct jt_recovery_accept later = said_of(in, &other);
    a.ring = later.ring;
    assert_int_equal(follow(in, &a), JT_ERR_FORGED);
    /* a mark that is new may come */
    ring.entries[0].compromised = true;
    a = said_of(in, &ring);
    assert_int_equal(follow(in, &a), JT_OK);
    assert_true(in->k->ring.entries[0].compromised);
}

/* A ring that no epoch could follow is recovered by nobody. */
static void no_recovery_has_an_epoch_beyond_the_last(void **state)
{
    struct inside *in = *state;
    go_back(in);
    in->k->state.highest_epoch = (uint64_t)INT64_MAX - JT_RECOVERY_STEP + 1;
    assert_int_equal(ask(in, &old, 0), JT_ERR_LIMIT);
    in->k->state.highest_epoch--;
    assert_int_equal(ask(in, &old, 0), JT_OK);
}

/* A newer ring that follows is no reason to recover; one of another course of things is. */
static void a_newer_ring_is_judged_as_the_ordinary_way_would(void **state)
{
    struct inside *in = *state;
    (void)signers_enroll(in);
    copy_database(in, &old, 100, 5, 50);
    struct jt_ring ring = in->k->ring;
    ring.epoch += 3;
    assert_int_equal(jt_keeper_ring_row(in->k, &ring, &old.ring), JT_OK);
    assert_int_equal(ask(in, &old, 0), JT_ERR_NOT_BEHIND);
    ring.entries[0].key_id ^= 0x40;
    assert_int_equal(jt_keeper_ring_row(in->k, &ring, &old.ring), JT_OK);
    assert_int_equal(ask(in, &old, 0), JT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(a_retired_generation_with_cards_drains_again),
        IN_A_KEEPER(two_custodians_sign_and_nobody_else),
        IN_A_KEEPER(a_request_is_good_for_what_it_speaks_of_only),
        IN_A_KEEPER(an_old_word_is_nothing_at_a_later_restore),
        IN_A_KEEPER(what_is_destroyed_stays_so_and_its_cards_are_told),
        IN_A_KEEPER(no_keeper_follows_to_what_it_knows_as_destroyed),
        IN_A_KEEPER(a_keeper_that_has_seen_less_is_told_so),
        IN_A_KEEPER(a_word_that_comes_late_still_brings_its_floor),
        IN_A_KEEPER(ids_begin_behind_the_floor_under_every_number),
        IN_A_KEEPER(a_keeper_without_a_ring_goes_by_the_databases),
        IN_A_KEEPER(no_keeper_follows_to_other_keys_than_it_knows),
        IN_A_KEEPER(no_recovery_has_an_epoch_beyond_the_last),
        IN_A_KEEPER(a_newer_ring_is_judged_as_the_ordinary_way_would),
    };
    return cmocka_run_group_tests_name("keeper/recovery", tests, NULL, NULL);
}
