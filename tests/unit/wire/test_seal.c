/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/seal.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_seal_item items[JT_WIRE_MAX_ITEMS];
static struct jt_seal_result results[JT_WIRE_MAX_ITEMS];

static enum jt_err decode_request(struct jt_reader *in)
{
    struct jt_seal_request request;
    return jt_seal_request_decode(in, items, &request);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_seal_reply reply = { .results = results };
    return jt_seal_reply_decode(in, 2, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    uint8_t pan[10];
    message_fill(pan, sizeof pan, 2);
    const struct jt_seal_item asked[3] = {
        { .field = 7, .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = 8 } },
        { .field = 0xffffffff, .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = 10 } },
        { .field = 1, .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = 0 } },
    };
    const struct jt_seal_request sent = {
        .n_retired = 2, .retired = { 9, 200 }, .items = asked, .n = 3
    };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_seal_request_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_seal_request request;
    assert_int_equal(jt_seal_request_decode(&in, items, &request), JT_OK);
    assert_int_equal(request.n, 3);
    assert_ptr_equal(request.items, items);
    assert_int_equal(request.n_retired, 2);
    assert_int_equal(request.retired[0], 9);
    assert_int_equal(request.retired[1], 200);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(items[i].field, asked[i].field);
        assert_int_equal(items[i].value.len, asked[i].value.len);
        assert_memory_equal(items[i].value.bytes, pan, items[i].value.len);
    }
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 1);
    jt_buf_clear(&b);
}

static void more_items_than_the_bound_are_refused(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    struct jt_seal_request request = { .items = items, .n = JT_WIRE_MAX_ITEMS + 1 };
    jt_seal_request_encode(&request, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    request = (struct jt_seal_request){ .items = items, .n_retired = JT_WIRE_MAX_PROBED + 1 };
    jt_seal_request_encode(&request, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_buf_u8(&b, 0);
    jt_buf_u16(&b, JT_WIRE_MAX_ITEMS + 1);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_seal_request_decode(&in, items, &request), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_buf_u8(&b, JT_WIRE_MAX_PROBED + 1);
    assert_non_null(jt_buf_append(&b, JT_WIRE_MAX_PROBED + 1 + 2));
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_seal_request_decode(&in, items, &request), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

/* With one thing of the reply or of its first result made different. */
static void encode_changed(struct jt_buf *b, uint64_t id, bool first_retired, uint8_t key_id)
{
    static uint8_t fp[16], token[16], probes[32], envelope[25];
    message_fill(fp, sizeof fp, 1);
    message_fill(token, sizeof token, 5);
    message_fill(probes, sizeof probes, 2);
    message_fill(envelope, sizeof envelope, 9);
    envelope[0] = key_id;
    struct jt_seal_result made[2] = {
        { .err = JT_OK,
          .id = id,
          .token = token,
          .fingerprint = fp,
          .probes = probes,
          .envelope = envelope,
          .envelope_len = 25 },
        { .err = JT_ERR_INVALID },
    };
    struct jt_seal_reply reply = {
        .epoch = 5, .active = { 3, 9 }, .n_probed = 2, .n = 2, .results = made
    };
    reply.probed[0] = (struct jt_seal_probed){ .key = { 2, 8 }, .retired = first_retired };
    reply.probed[1] = (struct jt_seal_probed){ .key = { 1, 1 }, .retired = !first_retired };
    jt_buf_init(b, 10000);
    jt_seal_reply_encode(&reply, b);
}

static void a_numeric_token_brings_its_digits(void **state)
{
    (void)state;
    static uint8_t fp[16], tok[16], value_tok[16], fps[2 * 16], probes[32], envelope[25] = { 9 };
    message_fill(tok, sizeof tok, 1);
    message_fill(value_tok, sizeof value_tok, 2);
    message_fill(fps, sizeof fps, 3);
    for (int guarded = 0; guarded < 2; guarded++) {
        struct jt_seal_result made[2] = { { .err = JT_OK,
                                            .id = 1,
                                            .token = tok,
                                            .fingerprint = fp,
                                            .probes = probes,
                                            .envelope = envelope,
                                            .envelope_len = 25,
                                            .digits = { 8, { 1, 2, 3, 4, 5, 6, 7, 8 } },
                                            .value_tok = guarded ? value_tok : NULL,
                                            .digit_fps = guarded ? fps : NULL },
                                          { .err = JT_ERR_TOKEN_SPACE } };
        struct jt_seal_reply reply = {
            .epoch = 5, .active = { 3, 9 }, .n_probed = 2, .n = 2, .results = made
        };
        reply.probed[0] = (struct jt_seal_probed){ .key = { 2, 8 } };
        reply.probed[1] = (struct jt_seal_probed){ .key = { 1, 1 }, .retired = true };
        struct jt_buf b;
        jt_buf_init(&b, 10000);
        jt_seal_reply_encode(&reply, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        reply.results = results;
        assert_int_equal(jt_seal_reply_decode(&in, 2, &reply), JT_OK);
        assert_int_equal(jt_seal_draining(&reply), 1);
        assert_int_equal(results[0].digits.packed_len, 8);
        assert_memory_equal(results[0].digits.packed, made[0].digits.packed, 8);
        assert_memory_equal(results[0].token, tok, sizeof tok);
        assert_int_equal(results[1].err, JT_ERR_TOKEN_SPACE);
        if (guarded) {
            assert_memory_equal(results[0].value_tok, value_tok, sizeof value_tok);
            assert_memory_equal(results[0].digit_fps, fps, sizeof fps);
        } else {
            assert_true(results[0].value_tok == NULL && results[0].digit_fps == NULL);
        }
        message_refuses_truncation(&b, decode_reply);
        message_survives_mutation(&b, decode_reply, 3);
        jt_buf_clear(&b);
    }
}

#define SAMPLE_ID UINT64_C(0x0123456789abcdef)

static void encode_sample(struct jt_buf *b)
{
    encode_changed(b, SAMPLE_ID, false, 9);
}

static void reply_round_trip(void **state)
{
    (void)state;
    struct jt_buf b;
    encode_sample(&b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_seal_reply reply = { .results = results };
    assert_int_equal(jt_seal_reply_decode(&in, 2, &reply), JT_OK);
    assert_int_equal(reply.epoch, 5);
    assert_int_equal(reply.active.generation, 3);
    assert_int_equal(reply.active.key_id, 9);
    assert_int_equal(reply.n_probed, 2);
    assert_int_equal(reply.probed[0].key.key_id, 8);
    assert_int_equal(reply.probed[1].key.generation, 1);
    assert_false(reply.probed[0].retired);
    assert_true(reply.probed[1].retired);
    assert_int_equal(reply.n, 2);
    assert_int_equal(results[0].err, JT_OK);
    assert_int_equal(results[0].envelope_len, 25);
    assert_true(results[0].id == SAMPLE_ID);
    assert_int_equal(results[0].token[15], (uint8_t)(5 + 7 * 15));
    assert_int_equal(results[0].probes[31], (uint8_t)(2 + 7 * 31));
    assert_int_equal(results[1].err, JT_ERR_INVALID);
    assert_null(results[1].envelope);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 3);
    jt_buf_clear(&b);
}

static void a_reply_must_answer_exactly_what_was_asked(void **state)
{
    (void)state;
    struct jt_buf b;
    encode_sample(&b);
    struct jt_seal_reply reply = { .results = results };
    for (size_t n = 0; n < 5; n++) {
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_seal_reply_decode(&in, n, &reply), n == 2 ? JT_OK : JT_ERR_PROTOCOL);
    }
    jt_buf_clear(&b);
}

static void bad_values_in_a_reply_are_refused(void **state)
{
    (void)state;
    const struct {
        uint64_t id;
        bool first_retired;
        uint8_t key_id;
    } bad[] = {
        { 0, false, 9 },
        { UINT64_C(1) << 63, false, 9 },
        { SAMPLE_ID, true, 9 },  /* a draining generation behind a retired one */
        { SAMPLE_ID, false, 8 }, /* an envelope of another generation than the active one */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_buf b;
        encode_changed(&b, bad[i].id, bad[i].first_retired, bad[i].key_id);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
        jt_buf_clear(&b);
    }
}

static void a_reply_without_an_active_generation_has_no_results(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    struct jt_seal_reply none = { .epoch = 4 };
    jt_seal_reply_encode(&none, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_seal_reply reply = { .results = results };
    assert_int_equal(jt_seal_reply_decode(&in, 2, &reply), JT_OK);
    assert_int_equal(reply.active.key_id, 0);
    assert_int_equal(reply.n, 0);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(more_items_than_the_bound_are_refused),
        cmocka_unit_test(reply_round_trip),
        cmocka_unit_test(a_numeric_token_brings_its_digits),
        cmocka_unit_test(a_reply_must_answer_exactly_what_was_asked),
        cmocka_unit_test(bad_values_in_a_reply_are_refused),
        cmocka_unit_test(a_reply_without_an_active_generation_has_no_results),
    };
    return cmocka_run_group_tests_name("wire/seal", tests, NULL, NULL);
}
