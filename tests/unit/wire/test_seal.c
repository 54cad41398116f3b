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
    size_t n;
    return jt_seal_request_decode(in, items, &n);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_seal_reply reply = { .results = results };
    return jt_seal_reply_decode(in, 2, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    uint8_t row_id[255];
    uint8_t pan[10];
    message_fill(row_id, sizeof row_id, 1);
    message_fill(pan, sizeof pan, 2);
    const struct jt_seal_item asked[3] = {
        { .field = 7, .dedup = true, .row_id = row_id, .row_id_len = 16, .pan = pan, .pan_len = 8 },
        { .field = 0xffffffff, .row_id = row_id, .row_id_len = 255, .pan = pan, .pan_len = 10 },
        { .field = 1, .row_id = row_id, .row_id_len = 1, .pan = pan, .pan_len = 0 },
    };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_seal_request_encode(asked, 3, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    size_t n;
    assert_int_equal(jt_seal_request_decode(&in, items, &n), JT_OK);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(items[i].field, asked[i].field);
        assert_int_equal(items[i].dedup, asked[i].dedup);
        assert_int_equal(items[i].row_id_len, asked[i].row_id_len);
        assert_memory_equal(items[i].row_id, row_id, items[i].row_id_len);
        assert_int_equal(items[i].pan_len, asked[i].pan_len);
        assert_memory_equal(items[i].pan, pan, items[i].pan_len);
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
    jt_seal_request_encode(items, JT_WIRE_MAX_ITEMS + 1, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_buf_u16(&b, JT_WIRE_MAX_ITEMS + 1);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    size_t n;
    assert_int_equal(jt_seal_request_decode(&in, items, &n), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void encode_sample(struct jt_buf *b)
{
    static uint8_t fp[16], draining[32], envelope[25];
    message_fill(fp, sizeof fp, 1);
    message_fill(draining, sizeof draining, 2);
    message_fill(envelope, sizeof envelope, 9);
    struct jt_seal_result made[2] = {
        { .err = JT_OK, .fingerprint = fp, .draining_fingerprints = draining, .envelope = envelope, .envelope_len = 25 },
        { .err = JT_ERR_INVALID },
    };
    struct jt_seal_reply reply = { .epoch = 5, .active = { 3, 9 }, .n_draining = 2, .draining = { { 1, 1 }, { 2, 8 } }, .n = 2,
                                   .results = made };
    jt_buf_init(b, 10000);
    jt_seal_reply_encode(&reply, b);
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
    assert_int_equal(reply.n_draining, 2);
    assert_int_equal(reply.draining[1].key_id, 8);
    assert_int_equal(reply.n, 2);
    assert_int_equal(results[0].err, JT_OK);
    assert_int_equal(results[0].envelope_len, 25);
    assert_int_equal(results[0].draining_fingerprints[31], (uint8_t)(2 + 7 * 31));
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
        cmocka_unit_test(a_reply_must_answer_exactly_what_was_asked),
        cmocka_unit_test(a_reply_without_an_active_generation_has_no_results),
    };
    return cmocka_run_group_tests_name("wire/seal", tests, NULL, NULL);
}
