/* SPDX-License-Identifier: Apache-2.0 */
/* OPEN under the ceilings: item by item, counted over restarts, whatever the front says. */
#include "inside.h"

#include "wire/open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 100

static struct row rows[N];
static struct jt_open_item items[N];
static struct jt_open_result results[N];

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_open_item){ .field = rows[i].field,
                                          .id = rows[i].id,
                                          .fingerprint = rows[i].fingerprint,
                                          .envelope = rows[i].envelope,
                                          .envelope_len = 25 };
    }
    return 0;
}

/* How many open; the others end with `why`. */
static size_t open_all(struct inside *in, enum jt_err why)
{
    struct jt_reader payload;
    struct jt_open_reply reply = { .results = results };
    size_t n_open = 0;
    jt_open_request_encode(items, N, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_OPEN, &payload), JT_OK);
    assert_int_equal(jt_open_reply_decode(&payload, N, &reply), JT_OK);
    for (size_t i = 0; i < N; i++) {
        if (results[i].err == JT_OK) {
            n_open++;
            assert_int_equal(results[i].value.len, 8);
            assert_memory_equal(results[i].value.bytes, rows[i].pan, 8);
        } else {
            assert_int_equal(results[i].err, why);
            assert_int_equal(results[i].value.len, 0);
        }
    }
    return n_open;
}

static void what_is_above_the_days_ceiling_stays_shut(void **state)
{
    struct inside *in = *state;
    assert_int_equal(open_all(in, JT_OK), N);
    jt_ceiling_set(&in->k->ceiling, 0, N + 60);
    assert_int_equal(open_all(in, JT_ERR_OPEN_QUOTA), 60);
    assert_int_equal(open_all(in, JT_ERR_OPEN_QUOTA), 0);
    assert_true(in->k->n_held_back == 40 + N && in->k->n_opened == N + 60);
}

static void the_count_outlives_the_keeper(void **state)
{
    struct inside *in = *state;
    jt_ceiling_set(&in->k->ceiling, 0, 10000);
    assert_int_equal(open_all(in, JT_OK), N);
    inside_restart(in, true);
    assert_true(in->k->ceiling.opened.ever == N && in->k->ceiling.opened.today == N);
    jt_ceiling_set(&in->k->ceiling, 0, N + 30);
    assert_int_equal(open_all(in, JT_ERR_OPEN_QUOTA), 30);
    inside_restart(in, false); /* killed: not one less */
    assert_true(in->k->ceiling.opened.ever >= N + 30);
    jt_ceiling_set(&in->k->ceiling, 0, N + 30);
    assert_int_equal(open_all(in, JT_ERR_OPEN_QUOTA), 0);
}

static void what_does_not_open_costs_nothing_of_the_ceiling(void **state)
{
    struct inside *in = *state;
    jt_ceiling_set(&in->k->ceiling, 0, N);
    for (size_t i = 0; i < N; i++) {
        rows[i].envelope[20] ^= 1;
    }
    assert_int_equal(open_all(in, JT_ERR_DECRYPT), 0);
    for (size_t i = 0; i < N; i++) {
        rows[i].envelope[20] ^= 1;
    }
    assert_int_equal(open_all(in, JT_OK), N);
}

static void a_second_has_its_ceiling(void **state)
{
    struct inside *in = *state;
    jt_ceiling_set(&in->k->ceiling, 40, 0);
    assert_in_range(open_all(in, JT_ERR_OPEN_RATE), 40, 50); /* a little more if it takes long */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_above_the_days_ceiling_stays_shut, setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(the_count_outlives_the_keeper, setup, inside_teardown),
        cmocka_unit_test_setup_teardown(what_does_not_open_costs_nothing_of_the_ceiling, setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(a_second_has_its_ceiling, setup, inside_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
