/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of the audit trail: what is encoded comes back, and nothing else is taken. */
#include "wire/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct jt_audit_end ends[3] = { { 1, 7, { 1 } }, { 4, 9, { 2 } }, { 5, 1, { 3 } } };
static struct jt_audit_end decoded_ends[JT_AUDIT_ENDS_MAX];

static enum jt_err decode_start(const struct jt_buf *b, size_t len, struct jt_audit_start *out)
{
    struct jt_reader in = jt_reader_init(b->data, len);
    *out = (struct jt_audit_start){ .ends = decoded_ends };
    return jt_audit_start_decode(&in, out);
}

static void a_start_comes_back_whole(void **state)
{
    (void)state;
    const struct jt_audit_start start = {
        .id = 5, .node = "n", .at_us = 77, .predecessor = 3, .ends = ends, .n_ends = 3
    };
    struct jt_audit_start back;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_audit_start_encode(&start, &b);
    assert_int_equal(decode_start(&b, b.len, &back), JT_OK);
    assert_int_equal(back.id, 5);
    assert_string_equal(back.node, "n");
    assert_int_equal(back.at_us, 77);
    assert_int_equal(back.n_ends, 3);
    assert_memory_equal(back.ends, ends, sizeof ends);
    for (size_t len = 0; len < b.len; len++) {
        assert_int_equal(decode_start(&b, len, &back), JT_ERR_PROTOCOL);
    }
    jt_buf_u8(&b, 0);
    assert_int_equal(decode_start(&b, b.len, &back), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

static void ends_ascend(void **state)
{
    (void)state;
    struct jt_audit_end twice[2] = { { 4, 1, { 0 } }, { 4, 2, { 0 } } };
    const struct jt_audit_start start = { .id = 5, .ends = twice, .n_ends = 2 };
    struct jt_audit_start back;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_audit_start_encode(&start, &b);
    assert_int_equal(decode_start(&b, b.len, &back), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

static void links_and_claims_come_back(void **state)
{
    (void)state;
    struct jt_audit_claim claims[2] = { { { 1, 2, 3, { 4 }, { 5 } }, { 6 } },
                                        { { 7, 8, 9, { 10 }, { 11 } }, { 12 } } };
    static struct jt_audit_claim back[JT_WIRE_MAX_AUDIT];
    size_t n;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_audit_check_encode(claims, 2, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_audit_check_decode(&in, back, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(back[1].link.number, 9);
    assert_memory_equal(back[1].head, claims[1].head, sizeof back[1].head);
    in = jt_reader_init(b.data, b.len - 1);
    assert_int_equal(jt_audit_check_decode(&in, back, &n), JT_ERR_PROTOCOL);
    jt_buf_reset(&b);
    jt_audit_link_encode(&claims[0].link, &b);
    struct jt_audit_link link;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_audit_link_decode(&in, &link), JT_OK);
    assert_memory_equal(link.digest, claims[0].link.digest, sizeof link.digest);
    jt_buf_clear(&b);
}

static void a_close_comes_back_whole(void **state)
{
    (void)state;
    const struct jt_audit_close close = {
        .start = 1, .connection = 2, .number = 3, .head = { 4 }, .before_us = 5
    };
    struct jt_audit_close back = { .start = 0 };
    struct jt_buf b;
    jt_buf_init(&b, 100);
    jt_audit_close_encode(&close, &b);
    assert_int_equal(b.len, JT_AUDIT_CLOSE_LEN);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_audit_close_decode(&in, &back), JT_OK);
    assert_memory_equal(&back, &close, sizeof back);
    in = jt_reader_init(b.data, b.len - 1);
    assert_int_equal(jt_audit_close_decode(&in, &back), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

static void a_reply_answers_as_many_as_were_asked(void **state)
{
    (void)state;
    const bool said[3] = { true, false, true };
    bool good[3];
    struct jt_buf b;
    jt_buf_init(&b, 100);
    jt_audit_check_reply_encode(said, 3, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_audit_check_reply_decode(&in, 3, good), JT_OK);
    assert_true(good[0] && !good[1] && good[2]);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_audit_check_reply_decode(&in, 2, good), JT_ERR_PROTOCOL);
    b.data[2] = 2;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_audit_check_reply_decode(&in, 3, good), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_comes_back_whole),
        cmocka_unit_test(ends_ascend),
        cmocka_unit_test(links_and_claims_come_back),
        cmocka_unit_test(a_close_comes_back_whole),
        cmocka_unit_test(a_reply_answers_as_many_as_were_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
