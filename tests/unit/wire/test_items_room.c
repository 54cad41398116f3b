/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message that is a list, into buffers of each size that is too small for it: the encoder
 * writes nothing beyond and the buffer says that it is not whole. And what no honest peer sends,
 * refused by each decoder that the tests of single messages leave out.
 */
#include "wire/audit.h"
#include "wire/certificate.h"
#include "wire/custodian.h"
#include "wire/custody.h"
#include "wire/destruction.h"
#include "wire/fingerprint.h"
#include "wire/guess.h"
#include "wire/held.h"
#include "wire/identify.h"
#include "wire/match.h"
#include "wire/open.h"
#include "wire/reseal.h"
#include "wire/ring.h"
#include "wire/rotation.h"
#include "wire/seal.h"
#include "wire/status.h"
#include "wire/writeoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 2

static const uint8_t bytes[64] = { 1, 2, 3 };

static const struct jt_value value = { .kind = JT_FIELD_PAN, .bytes = bytes, .len = 8 };
static const struct jt_open_item card = {
    .field = 1, .id = 2, .fingerprint = bytes, .envelope = bytes, .envelope_len = 25
};

/* --- messages --- */

static void audit_ends(struct jt_buf *out)
{
    const struct jt_audit_end ends[N] = { { .number = 1 }, { .number = 2 } };
    jt_audit_ends_encode(ends, N, out);
}

static void audit_check(struct jt_buf *out)
{
    static const struct jt_audit_claim claims[N];
    jt_audit_check_encode(claims, N, out);
}

static void guess(struct jt_buf *out)
{
    const struct jt_guess_item item = {
        .client = "app", .client_len = 3, .packed = bytes, .packed_len = 8
    };
    const struct jt_guess_item items[N] = { item, item };
    const struct jt_guess_request request = { .items = items, .n = N };
    jt_guess_request_encode(&request, out);
}

static void held_request(struct jt_buf *out)
{
    const struct jt_held_item item = {
        .field = 1, .row_id = bytes, .row_id_len = 4, .value = value
    };
    const struct jt_held_item items[N] = { item, item };
    jt_held_request_encode(items, N, out);
}

static void held_reply(struct jt_buf *out)
{
    struct jt_held_result result = {
        .generation = 1, .tag = bytes, .value = value, .envelope = bytes, .envelope_len = 25
    };
    struct jt_held_result results[N] = { result, result };
    const struct jt_held_reply reply = { .n = N, .results = results };
    jt_held_reply_encode(&reply, out);
}

static void identify(struct jt_buf *out)
{
    const struct jt_identify_item items[N] = { { 1, bytes }, { 2, bytes } };
    jt_identify_request_encode(items, N, out);
}

static void match(struct jt_buf *out)
{
    const struct jt_match_item item = { .field = 1,
                                        .id = 2,
                                        .fingerprint = bytes,
                                        .value = value,
                                        .envelope = bytes,
                                        .envelope_len = 25 };
    const struct jt_match_item items[N] = { item, item };
    jt_match_request_encode(items, N, out);
}

static void open_request(struct jt_buf *out)
{
    const struct jt_open_item items[N] = { card, card };
    jt_open_request_encode(items, N, out);
}

static void open_reply(struct jt_buf *out)
{
    struct jt_open_result results[N] = { { .value = value }, { .value = value } };
    const struct jt_open_reply reply = { .n = N, .results = results };
    jt_open_reply_encode(&reply, out);
}

static void reseal_reply(struct jt_buf *out)
{
    const struct jt_reseal_result result = {
        .from = 1, .fingerprint = bytes, .envelope = bytes, .envelope_len = 25
    };
    struct jt_reseal_result results[N] = { result, result };
    const struct jt_reseal_reply reply = { .active.key_id = 1, .n = N, .results = results };
    jt_reseal_reply_encode(&reply, out);
}

static void seal_request(struct jt_buf *out)
{
    const struct jt_seal_item items[N] = { { 1, value }, { 2, value } };
    const struct jt_seal_request request = {
        .n_retired = 1, .retired = { 9 }, .items = items, .n = N
    };
    jt_seal_request_encode(&request, out);
}

static void seal_reply(struct jt_buf *out)
{
    const struct jt_seal_result result = { .id = 1,
                                           .token = bytes,
                                           .fingerprint = bytes,
                                           .probes = bytes,
                                           .envelope = bytes,
                                           .envelope_len = 25 };
    struct jt_seal_result results[N] = { result, result };
    const struct jt_seal_reply reply = {
        .active.key_id = 1, .n_probed = 1, .n = N, .results = results
    };
    jt_seal_reply_encode(&reply, out);
}

static void writeoff_list(struct jt_buf *out)
{
    const struct jt_writeoff_item items[N] = { { 1, 0, card }, { 2, 0, card } };
    jt_writeoff_list_encode(items, N, out);
}

static void (*const encoders[])(struct jt_buf *out) = {
    audit_ends,   audit_check, guess,        held_request, held_reply, identify,      match,
    open_request, open_reply,  reseal_reply, seal_request, seal_reply, writeoff_list,
};

static void no_encoder_writes_beyond_its_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof encoders / sizeof encoders[0]; i++) {
        struct jt_buf whole, part;
        jt_buf_init(&whole, 10000);
        encoders[i](&whole);
        assert_int_equal(jt_buf_status(&whole), JT_OK);
        assert_true(whole.len > 10);
        for (size_t room = 0; room < whole.len; room++) {
            jt_buf_init(&part, room);
            encoders[i](&part);
            assert_int_equal(jt_buf_status(&part), JT_ERR_LIMIT);
            assert_true(part.len <= room);
            jt_buf_clear(&part);
        }
        jt_buf_clear(&whole);
    }
}

/* --- what no honest peer sends --- */

static struct jt_buf message;
static struct jt_reader in;

static void read_message(void)
{
    assert_int_equal(jt_buf_status(&message), JT_OK);
    in = jt_reader_init(message.data, message.len);
}

static int setup(void **state)
{
    (void)state;
    jt_buf_init(&message, 100000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    jt_buf_clear(&message);
    return 0;
}

static void an_audit_link_has_one_answer(void **state)
{
    (void)state;
    struct jt_audit_link_result result;
    struct jt_audit_link_reply reply = { .results = &result };
    jt_buf_put(&message, bytes, sizeof result.head);
    read_message();
    assert_int_equal(jt_audit_link_reply_decode(&in, 1, &reply), JT_OK);
    assert_memory_equal(result.head, bytes, sizeof result.head);
    read_message();
    assert_int_equal(jt_audit_link_reply_decode(&in, 2, &reply), JT_ERR_PROTOCOL);
    in = jt_reader_init(message.data, sizeof result.head - 1);
    assert_int_equal(jt_audit_link_reply_decode(&in, 1, &reply), JT_ERR_PROTOCOL);
}

static void a_certificate_is_no_longer_than_one_can_be(void **state)
{
    (void)state;
    static struct jt_certificate certificate;
    static const uint8_t text[JT_CERTIFICATE_TEXT_MAX + 1] = { 'x' };
    certificate.text_len = JT_CERTIFICATE_TEXT_MAX + 1;
    jt_certificate_encode(&certificate, &message);
    assert_int_equal(jt_buf_status(&message), JT_ERR_LIMIT);
    jt_buf_clear(&message);
    jt_buf_init(&message, 100000);
    jt_buf_u16(&message, JT_CERTIFICATE_TEXT_MAX + 1);
    jt_buf_put(&message, text, sizeof text);
    read_message();
    assert_int_equal(jt_certificate_decode(&in, &certificate), JT_ERR_PROTOCOL);
}

static void a_ring_is_no_longer_than_one_can_be(void **state)
{
    (void)state;
    static struct jt_ring_row row;
    row.body_len = JT_RING_BODY_MAX + 1;
    jt_ring_row_encode(&row, &message);
    assert_int_equal(jt_buf_status(&message), JT_ERR_LIMIT);
}

/* A body with each of its parts as no keeper makes it. */
static void custodians_are_of_one_form(void **state)
{
    (void)state;
    struct jt_custodian_set set = { .version = 1,
                                    .n = 2,
                                    .all = { { "a", { 1 } }, { "b", { 2 } } } };
    const struct jt_approvals none = { .n = 0 };
    for (int wrong = 0; wrong < 6; wrong++) {
        static struct jt_custodian_row row;
        struct jt_custodian_set back;
        struct jt_approvals approvals;
        set.development = wrong == 5;
        set.version = wrong == 1 ? 0 : 1;
        set.n = wrong == 2 ? 1 : 2;
        jt_buf_reset(&message);
        jt_custodian_body_encode(&set, &none, &message);
        assert_int_equal(jt_buf_status(&message), JT_OK);
        memcpy(row.body, message.data, message.len);
        row.body_len = (uint16_t)(message.len + (wrong == 3));
        row.body[0] ^= wrong == 4;
        enum jt_err err = jt_custodian_body_decode(&row, &back, &approvals);
        assert_int_equal(err, wrong == 0 || wrong == 5 ? JT_OK : JT_ERR_INVALID);
        row.body[1] = 7; /* no environment */
        assert_int_equal(jt_custodian_body_decode(&row, &back, &approvals), JT_ERR_INVALID);
    }
}

static void methods_and_numbers_of_shares_are_known(void **state)
{
    (void)state;
    struct jt_unsealed unsealed = { .method = JT_CUSTODY_NONE + 1 };
    struct jt_ceremony_made made = { .n = JT_CUSTODY_SHARES_MAX };
    jt_unsealed_encode(&unsealed, &message);
    read_message();
    assert_int_equal(jt_unsealed_decode(&in, &unsealed), JT_ERR_PROTOCOL);
    jt_buf_reset(&message);
    jt_ceremony_made_encode(&made, &message);
    read_message();
    assert_int_equal(jt_ceremony_made_decode(&in, &made), JT_OK);
    message.data[sizeof made.check_value + sizeof made.set]++;
    read_message();
    assert_int_equal(jt_ceremony_made_decode(&in, &made), JT_ERR_PROTOCOL);
}

static void a_destruction_is_seen_in_one_of_its_states(void **state)
{
    (void)state;
    struct jt_destruction_shown shown = { .view = JT_DESTRUCTION_WAITING };
    for (int view = 0; view <= JT_DESTRUCTION_ERASED + 1; view++) {
        jt_buf_reset(&message);
        jt_destruction_shown_encode(&shown, &message);
        message.data[0] = (uint8_t)view;
        read_message();
        bool known = view >= JT_DESTRUCTION_WAITING && view < JT_DESTRUCTION_ERASED;
        assert_int_equal(jt_destruction_shown_decode(&in, &shown), known ? JT_OK : JT_ERR_PROTOCOL);
        shown = (struct jt_destruction_shown){ .view = JT_DESTRUCTION_WAITING };
    }
}

/* With a file of the next master key, of a length that it says. */
static void a_rotation_is_followed_with_a_file_of_its_length(void **state)
{
    (void)state;
    static struct jt_rotation_follow follow, back;
    follow.given.kind = JT_UNSEAL_NOTHING;
    follow.len = sizeof follow.file;
    memset(follow.file, 7, sizeof follow.file);
    jt_rotation_follow_encode(&follow, &message);
    read_message();
    assert_int_equal(jt_rotation_follow_decode(&in, &back), JT_OK);
    assert_int_equal(back.len, follow.len);
    assert_memory_equal(back.file, follow.file, follow.len);
    in = jt_reader_init(message.data, message.len - 1);
    assert_int_equal(jt_rotation_follow_decode(&in, &back), JT_ERR_PROTOCOL);
    size_t at = message.len - follow.len - 2; /* of the length */
    jt_buf_u8(&message, 7);
    jt_put_u16(message.data + at, (uint16_t)(follow.len + 1));
    read_message();
    assert_int_equal(jt_rotation_follow_decode(&in, &back), JT_ERR_PROTOCOL);
}

static void a_clients_name_ends_where_it_says(void **state)
{
    (void)state;
    static struct jt_guess_item items[JT_WIRE_MAX_ITEMS];
    static const uint8_t long_name[JT_CLIENT_ID_MAX + 1] = { [0 ... JT_CLIENT_ID_MAX] = 'a' };
    struct jt_guess_request back;
    struct jt_guess_item item = { .client = "a\0b", .client_len = 3, .packed = bytes };
    const struct jt_guess_request request = { .act = JT_GUESS_TOKENIZE, .items = &item, .n = 1 };
    for (int i = 0; i < 3; i++) {
        jt_buf_reset(&message);
        jt_guess_request_encode(&request, &message);
        read_message();
        assert_int_equal(jt_guess_request_decode(&in, items, &back),
                         i == 2 ? JT_OK : JT_ERR_PROTOCOL);
        item.client = i == 0 ? (const char *)long_name : "abc";
        item.client_len = i == 0 ? sizeof long_name : 3;
    }
}

static void too_long(void)
{
    assert_int_equal(jt_buf_status(&message), JT_ERR_LIMIT);
    jt_buf_clear(&message);
    jt_buf_init(&message, 100000);
}

/* A list of more items than a message may have is not begun. */
static void no_list_is_longer_than_one_can_be(void **state)
{
    (void)state;
    static struct jt_writeoff_opened opened;
    struct jt_writeoff_warrant warrant = { .n_by = JT_CUSTODIANS_MAX + 1 };
    struct jt_ring_proposal proposal = { .n_rows = 3 };
    struct jt_ring_proposal back;
    opened.n = JT_WRITEOFF_CARDS_MAX + 1;
    jt_open_request_encode(NULL, JT_WIRE_MAX_ITEMS + 1, &message);
    too_long();
    jt_writeoff_list_encode(NULL, JT_WRITEOFF_CARDS_MAX + 1, &message);
    too_long();
    jt_writeoff_opened_encode(&opened, &message);
    too_long();
    jt_ring_proposal_encode(&proposal, &message);
    read_message();
    assert_int_equal(jt_ring_proposal_decode(&in, &back), JT_ERR_PROTOCOL);
    jt_buf_reset(&message);
    jt_writeoff_warrant_encode(&warrant, &message);
    read_message();
    assert_int_equal(jt_writeoff_warrant_decode(&in, &warrant), JT_ERR_PROTOCOL);
}

/* Without a generation to compute them under. */
static void a_reply_may_have_no_fingerprints(void **state)
{
    (void)state;
    struct jt_fingerprint_result results[N] = { { .err = JT_OK }, { .err = JT_OK } };
    struct jt_fingerprint_reply reply = { .n = N, .results = results };
    jt_fingerprint_reply_encode(&reply, &message);
    read_message();
    assert_int_equal(jt_fingerprint_reply_decode(&in, N, &reply), JT_OK);
}

static void a_rotation_is_followed_with_what_opens_it(void **state)
{
    (void)state;
    static struct jt_rotation_follow follow, back;
    follow.given.kind = JT_UNSEAL_SHARE;
    snprintf(follow.given.text, sizeof follow.given.text, "a share");
    jt_rotation_follow_encode(&follow, &message);
    read_message();
    assert_int_equal(jt_rotation_follow_decode(&in, &back), JT_OK);
    assert_string_equal(back.given.text, "a share");
    assert_int_equal(back.len, 0);
}

/* Each flag of a status by itself. */
static void a_status_says_each_thing_by_itself(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 6; bit++) {
        const struct jt_keeper_status status = { .development = bit == 0,
                                                 .locked = bit == 1,
                                                 .has_root = bit == 2,
                                                 .joined = bit == 3,
                                                 .directory_good = bit == 4,
                                                 .sealed = bit == 5 };
        struct jt_keeper_status back;
        jt_buf_reset(&message);
        jt_keeper_status_encode(&status, &message);
        read_message();
        assert_int_equal(jt_keeper_status_decode(&in, &back), JT_OK);
        assert_int_equal(back.development, bit == 0);
        assert_int_equal(back.locked, bit == 1);
        assert_int_equal(back.has_root, bit == 2);
        assert_int_equal(back.joined, bit == 3);
        assert_int_equal(back.directory_good, bit == 4);
        assert_int_equal(back.sealed, bit == 5);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_encoder_writes_beyond_its_room),
        TEST(an_audit_link_has_one_answer),
        TEST(a_certificate_is_no_longer_than_one_can_be),
        TEST(a_ring_is_no_longer_than_one_can_be),
        TEST(custodians_are_of_one_form),
        TEST(methods_and_numbers_of_shares_are_known),
        TEST(a_destruction_is_seen_in_one_of_its_states),
        TEST(a_rotation_is_followed_with_a_file_of_its_length),
        TEST(a_clients_name_ends_where_it_says),
        TEST(no_list_is_longer_than_one_can_be),
        TEST(a_reply_may_have_no_fingerprints),
        TEST(a_rotation_is_followed_with_what_opens_it),
        TEST(a_status_says_each_thing_by_itself),
    };
    return cmocka_run_group_tests_name("wire/items_room", tests, NULL, NULL);
}
