/* SPDX-License-Identifier: Apache-2.0 */
/* The course of the database as a keeper remembers it: what it refuses, and over which restarts. */
#include "world.h"

#include "keyclient/nodes.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct jt_course course(uint32_t timeline, uint64_t lsn, uint64_t renewals)
{
    return (struct jt_course){ .system_identifier = UINT64_MAX - 1, /* as any 64 bits */
                               .timeline = timeline,
                               .lsn = lsn,
                               .renewals = { [WORLD_NODE] = renewals, [9] = 4 } };
}

static enum jt_err show(struct world *w, struct jt_course now)
{
    const struct jt_ring_shown shown = { .row = w->ring, .has_course = true, .course = now };
    bool joined;
    return jt_keyclient_wait_ring_show(w->kc, &shown, &joined);
}

/* Whether the keeper gives the node's row, for which it must mint. */
static enum jt_err mints(struct world *w)
{
    const struct jt_node_spec spec = { .name = "node1", .number = WORLD_NODE };
    struct jt_node_row row;
    return jt_keyclient_wait_node_row(w->kc, &spec, &row);
}

static void a_database_that_went_back_is_refused_until_it_is_what_was_seen(void **state)
{
    struct world *w = *state;
    struct jt_generation_row g = world_create(w), changed[2];
    struct jt_ring_row next;
    size_t n;
    assert_int_equal(show(w, course(2, 100, 5)), JT_OK);
    assert_int_equal(mints(w), JT_OK);
    struct jt_course other = course(2, 100, 5);
    other.system_identifier = 3;
    assert_int_equal(show(w, other), JT_ERR_OTHER_CLUSTER);
    assert_int_equal(show(w, course(1, 1000, 50)), JT_ERR_OLD_TIMELINE);
    assert_int_equal(show(w, course(3, 1, 4)), JT_ERR_TAIL_LOST);
    /* nothing is minted, and no ring is taken or proposed, with a course or without */
    assert_int_equal(mints(w), JT_ERR_NOT_JOINED);
    assert_int_equal(world_accept(w, &w->ring), JT_ERR_TAIL_LOST);
    assert_int_equal(jt_keyclient_wait_ring_propose(w->kc, &w->ring, &g, JT_GENERATION_ACTIVE,
                                                    &next, changed, &n),
                     JT_ERR_TAIL_LOST);
    /* what is remembered has not moved */
    assert_int_equal(show(w, course(2, 100, 5)), JT_OK);
    world_join(w);
    assert_int_equal(mints(w), JT_OK);
    /* another server that has all of it */
    assert_int_equal(show(w, course(3, 80, 5)), JT_OK);
    assert_int_equal(mints(w), JT_OK);
    assert_int_equal(show(w, course(2, 200, 5)), JT_ERR_OLD_TIMELINE);
}

/* A log grows: a copy of the files soon has more of it than was lost. */
static void a_log_that_was_short_proves_nothing_by_its_length(void **state)
{
    struct world *w = *state;
    assert_int_equal(show(w, course(2, 100, 5)), JT_OK);
    assert_int_equal(show(w, course(2, 99, 5)), JT_ERR_LOG_BEHIND);
    assert_int_equal(show(w, course(2, 900, 5)), JT_ERR_LOG_BEHIND);
    assert_int_equal(show(w, course(2, 900, 9)), JT_ERR_LOG_BEHIND);
    assert_int_equal(mints(w), JT_ERR_NOT_JOINED);
    world_restart(w, SIGKILL);
    assert_int_equal(show(w, course(2, 1900, 9)), JT_ERR_LOG_BEHIND);
    assert_int_equal(show(w, course(3, 80, 4)), JT_ERR_TAIL_LOST);
    /* another server was promoted, and has all that was seen */
    assert_int_equal(show(w, course(3, 80, 5)), JT_OK);
    assert_int_equal(show(w, course(3, 90, 5)), JT_OK);
    world_restart(w, SIGKILL);
    assert_int_equal(show(w, course(3, 95, 5)), JT_OK);
}

static void no_course_is_refused_and_changes_nothing(void **state)
{
    struct world *w = *state;
    struct jt_course none = course(0, 100, 5);
    assert_int_equal(show(w, none), JT_ERR_INVALID);
    none = course(1, 100, 5);
    none.system_identifier = 0;
    assert_int_equal(show(w, none), JT_ERR_INVALID);
    assert_int_equal(mints(w), JT_OK);
}

static void a_restart_forgets_nothing_that_matters(void **state)
{
    struct world *w = *state;
    assert_int_equal(show(w, course(2, 100, 5)), JT_OK);
    assert_int_equal(show(w, course(2, 300, 7)), JT_OK);
    world_restart(w, SIGTERM);
    assert_int_equal(show(w, course(2, 300, 6)), JT_ERR_TAIL_LOST);
    /* killed: it has what it knew when it refused */
    assert_int_equal(show(w, course(2, 500, 9)), JT_OK);
    assert_int_equal(show(w, course(2, 500, 8)), JT_ERR_TAIL_LOST);
    world_restart(w, SIGKILL);
    assert_int_equal(show(w, course(2, 600, 8)), JT_ERR_TAIL_LOST);
    assert_int_equal(show(w, course(2, 500, 9)), JT_OK);
    /* a new history is kept at once */
    assert_int_equal(show(w, course(3, 50, 9)), JT_OK);
    world_restart(w, SIGKILL);
    assert_int_equal(show(w, course(2, 900, 9)), JT_ERR_OLD_TIMELINE);
}

static void a_course_counts_only_with_a_ring_that_is_accepted(void **state)
{
    struct world *w = *state;
    struct jt_generation_row g = world_create(w);
    assert_int_equal(show(w, course(2, 100, 5)), JT_OK);
    struct jt_ring_shown old = { .row = w->ring, .has_course = true, .course = course(2, 900, 9) };
    world_step(w, &g, JT_GENERATION_ACTIVE, NULL);
    bool joined;
    assert_int_equal(show(w, course(2, 150, 5)), JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_show(w->kc, &old, &joined), JT_ERR_WENT_BACK);
    /* what it had seen by then is kept over a kill */
    world_restart(w, SIGKILL);
    assert_int_equal(show(w, course(2, 140, 5)), JT_ERR_LOG_BEHIND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_database_that_went_back_is_refused_until_it_is_what_was_seen),
        IN_A_WORLD(a_log_that_was_short_proves_nothing_by_its_length),
        IN_A_WORLD(no_course_is_refused_and_changes_nothing),
        IN_A_WORLD(a_restart_forgets_nothing_that_matters),
        IN_A_WORLD(a_course_counts_only_with_a_ring_that_is_accepted),
    };
    return cmocka_run_group_tests_name("keeper/course", tests, NULL, NULL);
}
