/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_frame_is_found_only_when_it_is_whole(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    size_t mark = jt_frame_begin_request(&b, JT_VERB_SEAL);
    jt_buf_put(&b, "abc", 3);
    assert_int_equal(jt_frame_end(&b, mark), JT_OK);
    assert_int_equal(b.len, 8);

    struct jt_frame frame;
    size_t used;
    for (size_t len = 0; len < b.len; len++) {
        assert_int_equal(jt_frame_next(b.data, len, &frame, &used), JT_OK);
        assert_int_equal(used, 0);
    }
    assert_int_equal(jt_frame_next(b.data, b.len, &frame, &used), JT_OK);
    assert_int_equal(used, 8);
    assert_int_equal(frame.verb, JT_VERB_SEAL);
    assert_int_equal(frame.payload_len, 3);
    assert_memory_equal(frame.payload, "abc", 3);
    jt_buf_clear(&b);
}

static void a_length_out_of_bounds_is_refused_at_once(void **state)
{
    (void)state;
    struct jt_frame frame;
    size_t used;
    uint8_t zero[4] = { 0 };
    assert_int_equal(jt_frame_next(zero, 4, &frame, &used), JT_ERR_PROTOCOL);
    uint8_t big[4];
    jt_put_u32(big, JT_WIRE_MAX_FRAME + 1);
    assert_int_equal(jt_frame_next(big, 4, &frame, &used), JT_ERR_PROTOCOL);
    jt_put_u32(big, JT_WIRE_MAX_FRAME);
    assert_int_equal(jt_frame_next(big, 4, &frame, &used), JT_OK);
    assert_int_equal(used, 0);
}

static void a_frame_that_does_not_fit_is_taken_back(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 20);
    size_t first = jt_frame_begin_request(&b, JT_VERB_STATUS);
    assert_int_equal(jt_frame_end(&b, first), JT_OK);
    size_t mark = jt_frame_begin_request(&b, JT_VERB_SEAL);
    for (int i = 0; i < 20; i++) {
        jt_buf_u8(&b, 1);
    }
    assert_int_equal(jt_frame_end(&b, mark), JT_ERR_LIMIT);
    assert_int_equal(b.len, 5);
    jt_frame_put_refusal(&b, JT_VERB_SEAL, JT_ERR_LIMIT);
    assert_int_equal(jt_buf_status(&b), JT_OK);
    assert_int_equal(b.len, 12);
    jt_buf_clear(&b);
}

static void a_frame_beyond_the_bound_of_the_protocol_is_taken_back(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 2 * JT_WIRE_MAX_FRAME);
    size_t mark = jt_frame_begin_request(&b, JT_VERB_SEAL);
    assert_non_null(jt_buf_append(&b, JT_WIRE_MAX_FRAME));
    assert_int_equal(jt_frame_end(&b, mark), JT_ERR_LIMIT);
    assert_int_equal(b.len, 0);
    jt_buf_clear(&b);
}

static enum jt_err decode(uint8_t class, uint8_t reason, enum jt_err *err)
{
    const uint8_t bytes[] = { class, reason };
    struct jt_reader in = jt_reader_init(bytes, sizeof bytes);
    return jt_wire_outcome_decode(&in, err);
}

static void an_outcome_is_a_class_and_a_reason_of_fixed_numbers(void **state)
{
    (void)state;
    enum jt_err err;
    assert_int_equal(decode(0, 0, &err), JT_OK);
    assert_int_equal(err, JT_OK);
    assert_int_equal(decode(1, 13, &err), JT_OK);
    assert_int_equal(err, JT_ERR_DECRYPT);
    assert_int_equal(decode(2, 32, &err), JT_OK);
    assert_int_equal(err, JT_ERR_RING_MOVED);
    assert_int_equal(decode(3, 1, &err), JT_OK);
    assert_int_equal(err, JT_ERR_NOMEM);
}

static void an_unknown_reason_and_a_class_of_another_break_the_protocol(void **state)
{
    (void)state;
    enum jt_err err;
    assert_int_equal(decode(1, 255, &err), JT_ERR_PROTOCOL);
    assert_int_equal(err, JT_ERR_PROTOCOL);
    assert_int_equal(decode(3, 13, &err), JT_ERR_PROTOCOL);
    assert_int_equal(decode(1, 0, &err), JT_ERR_PROTOCOL);
    assert_int_equal(decode(0, 13, &err), JT_ERR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_found_only_when_it_is_whole),
        cmocka_unit_test(a_length_out_of_bounds_is_refused_at_once),
        cmocka_unit_test(a_frame_that_does_not_fit_is_taken_back),
        cmocka_unit_test(a_frame_beyond_the_bound_of_the_protocol_is_taken_back),
        cmocka_unit_test(an_outcome_is_a_class_and_a_reason_of_fixed_numbers),
        cmocka_unit_test(an_unknown_reason_and_a_class_of_another_break_the_protocol),
    };
    return cmocka_run_group_tests_name("wire/frame", tests, NULL, NULL);
}
