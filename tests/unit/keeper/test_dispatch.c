/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered when: by every number that a verb could have. */
#include "inside.h"
#include "wire/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool is_verb(unsigned number)
{
    return strcmp(jt_verb_name((uint8_t)number), jt_verb_name(0)) != 0;
}

static void numbers_that_are_no_verb_break_the_protocol(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    for (unsigned number = 0; number < 256; number++) {
        if (!is_verb(number)) {
            assert_int_equal(inside_ask(in, (uint8_t)number, &reply), JT_ERR_PROTOCOL);
        }
    }
}

/* Verbs of who may start the keeper, by their numbers. */
static bool is_owners(unsigned number)
{
    return number >= JT_VERB_UNSEAL && number <= JT_VERB_ROTATION_FOLLOW;
}

static void a_front_neither_opens_nor_seals_nor_makes_a_master_key(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    for (int sealed = 0; sealed < 2; sealed++) {
        in->k->sealed = sealed != 0;
        for (unsigned number = JT_VERB_UNSEAL; number <= JT_VERB_ROTATION_FOLLOW; number++) {
            if (is_verb(number)) {
                assert_int_equal(inside_ask(in, (uint8_t)number, &reply), JT_ERR_NOT_OWNER);
            }
        }
    }
}

static void a_sealed_keeper_answers_hello_and_status_only(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    struct jt_keeper_status status;
    unsigned n_refused = 0;
    in->k->sealed = true;
    for (unsigned number = 1; number < 256; number++) {
        if (is_verb(number) && number != JT_VERB_HELLO && number != JT_VERB_STATUS &&
            !is_owners(number)) {
            assert_int_equal(inside_ask(in, (uint8_t)number, &reply), JT_ERR_SEALED);
            n_refused++;
        }
    }
    assert_true(n_refused >= 21);
    assert_int_equal(inside_ask(in, JT_VERB_STATUS, &reply), JT_OK);
    assert_int_equal(jt_keeper_status_decode(&reply, &status), JT_OK);
    assert_true(status.sealed);
    assert_false(status.directory_good); /* it cannot tell */

    in->session.greeted = false;
    jt_buf_put(&in->payload, "jeton-kp", 8);
    jt_buf_u16(&in->payload, JT_WIRE_VERSION);
    assert_int_equal(inside_ask(in, JT_VERB_HELLO, &reply), JT_OK);

    in->k->sealed = false;
    assert_int_equal(inside_ask(in, JT_VERB_STATUS, &reply), JT_OK);
    assert_int_equal(jt_keeper_status_decode(&reply, &status), JT_OK);
    assert_false(status.sealed);
    jt_ring_row_encode(&in->ring, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_RING_ACCEPT, &reply), JT_OK);
}

static void hello_comes_first_and_once(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    in->session.greeted = false;
    assert_int_equal(inside_ask(in, JT_VERB_STATUS, &reply), JT_ERR_PROTOCOL);
    jt_buf_put(&in->payload, "jeton-kp", 8);
    jt_buf_u16(&in->payload, JT_WIRE_VERSION);
    assert_int_equal(inside_ask(in, JT_VERB_HELLO, &reply), JT_OK);
    jt_buf_put(&in->payload, "jeton-kp", 8);
    jt_buf_u16(&in->payload, JT_WIRE_VERSION);
    assert_int_equal(inside_ask(in, JT_VERB_HELLO, &reply), JT_ERR_PROTOCOL);
}

static void a_payload_beyond_what_the_verb_takes_breaks_the_protocol(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    assert_non_null(jt_buf_append(&in->payload, 4097));
    assert_int_equal(inside_ask(in, JT_VERB_STATUS, &reply), JT_ERR_PROTOCOL);
    assert_non_null(jt_buf_append(&in->payload, 4096 + JT_RING_BODY_MAX + 1));
    assert_int_equal(inside_ask(in, JT_VERB_RING_ACCEPT, &reply), JT_ERR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(numbers_that_are_no_verb_break_the_protocol),
        IN_A_KEEPER(a_front_neither_opens_nor_seals_nor_makes_a_master_key),
        IN_A_KEEPER(a_sealed_keeper_answers_hello_and_status_only),
        IN_A_KEEPER(hello_comes_first_and_once),
        IN_A_KEEPER(a_payload_beyond_what_the_verb_takes_breaks_the_protocol),
    };
    return cmocka_run_group_tests_name("keeper/dispatch", tests, NULL, NULL);
}
