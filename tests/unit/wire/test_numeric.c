/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/digits.h"
#include "wire/field.h"
#include "wire/numeric.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode_show(struct jt_reader *in)
{
    struct jt_numeric_show show;
    return jt_numeric_show_decode(in, &show);
}

static enum jt_err decode_shown(struct jt_reader *in)
{
    struct jt_numeric_shown shown;
    return jt_numeric_shown_decode(in, &shown);
}

static void marks_round_trip(void **state)
{
    (void)state;
    const struct jt_numeric_mark mark = { 1, UINT64_MAX, UINT32_MAX };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    for (int flag = 0; flag < 2; flag++) {
        struct jt_numeric_show show;
        struct jt_numeric_shown shown;
        jt_numeric_show_encode(&(struct jt_numeric_show){ mark, flag }, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_numeric_show_decode(&in, &show), JT_OK);
        assert_true(show.accept == flag && show.now.mark == 1 &&
                    show.now.system_identifier == UINT64_MAX && show.now.timeline == UINT32_MAX);
        message_refuses_truncation(&b, decode_show);
        message_survives_mutation(&b, decode_show, 1);
        jt_buf_reset(&b);
        jt_numeric_shown_encode(&(struct jt_numeric_shown){ flag, mark }, &b);
        in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_numeric_shown_decode(&in, &shown), JT_OK);
        assert_true(shown.open == flag && shown.seen.mark == 1);
        message_refuses_truncation(&b, decode_shown);
        message_survives_mutation(&b, decode_shown, 1);
        jt_buf_reset(&b);
    }
    jt_buf_clear(&b);
}

static void digits_have_a_length_of_their_own(void **state)
{
    (void)state;
    for (size_t len = 0; len <= JT_PAN_MAX_PACKED + 1; len++) {
        uint8_t bytes[1 + JT_PAN_MAX_PACKED + 1] = { (uint8_t)len, 1, 2, 3 };
        struct jt_reader in = jt_reader_init(bytes, 1 + len);
        struct jt_digits digits;
        jt_digits_decode(&in, &digits);
        bool good = len == 0 || (len >= JT_PAN_MIN_PACKED && len <= JT_PAN_MAX_PACKED);
        assert_int_equal(jt_reader_done(&in), good);
        assert_int_equal(digits.packed_len, good ? len : 0);
        uint8_t again[sizeof bytes];
        if (good) {
            assert_ptr_equal(jt_digits_encode(&digits, again), again + 1 + len);
            assert_memory_equal(again, bytes, 1 + len);
        }
    }
}

/* A field with opaque tokens has the bytes that it had before there were others. */
static void the_form_of_tokens_follows_the_rules(void **state)
{
    (void)state;
    struct jt_field_spec spec = { .id = 7, .name = "n", .kind = JT_FIELD_PAN, .dedup = true }, back;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_field_spec_encode(&spec, &b);
    size_t len = b.len;
    jt_buf_reset(&b);
    spec.token_form = 6;
    jt_field_spec_encode(&spec, &b);
    assert_int_equal(b.len, len + 1);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_field_spec_decode(&in, &back), JT_OK);
    assert_true(jt_reader_done(&in) && back.token_form == 6);
    b.data[b.len - 1] = 0; /* there is one way to say that tokens are opaque */
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_field_spec_decode(&in, &back), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_round_trip),
        cmocka_unit_test(digits_have_a_length_of_their_own),
        cmocka_unit_test(the_form_of_tokens_follows_the_rules),
    };
    return cmocka_run_group_tests_name("wire/numeric", tests, NULL, NULL);
}
