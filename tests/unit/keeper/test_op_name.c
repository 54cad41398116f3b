/* SPDX-License-Identifier: Apache-2.0 */
/* NAME: what IDENTIFY finds, the other way round. */
#include "inside.h"

#include "wire/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define N 3000 /* more than two chunks */

static struct row rows[N];
static struct jt_name_item items[N];
static struct jt_name_result results[N];

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_name_item){ .field = FIELD, .id = rows[i].id };
    }
    return 0;
}

static void ask(struct inside *in, size_t n)
{
    struct jt_reader payload;
    struct jt_name_reply reply = { .results = results };
    jt_name_request_encode(items, n, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_NAME, &payload), JT_OK);
    assert_int_equal(jt_name_reply_decode(&payload, n, &reply), JT_OK);
}

static void ids_give_the_tokens_that_their_cards_have(void **state)
{
    struct inside *in = *state;
    ask(in, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_memory_equal(results[i].token, rows[i].token, sizeof rows[i].token);
    }
}

static void what_has_no_token_says_so_and_its_neighbours_have_theirs(void **state)
{
    struct inside *in = *state;
    items[1].field = N_NAMED + 1;
    items[2].id = 0;
    items[3].id = UINT64_C(1) << 63;
    items[4].field = FIELD_LINKED; /* another field's token of the same id */
    ask(in, 6);
    assert_int_equal(results[0].err, JT_OK);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(results[i].err, JT_ERR_NO_TOKEN);
    }
    assert_int_equal(results[4].err, JT_OK);
    assert_memory_not_equal(results[4].token, rows[4].token, sizeof rows[4].token);
    assert_memory_equal(results[5].token, rows[5].token, sizeof rows[5].token);
}

#define READY(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        READY(ids_give_the_tokens_that_their_cards_have),
        READY(what_has_no_token_says_so_and_its_neighbours_have_theirs),
    };
    return cmocka_run_group_tests_name("keeper/op_name", tests, NULL, NULL);
}
