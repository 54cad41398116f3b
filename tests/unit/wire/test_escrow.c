/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/escrow.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_escrow_file decoded;
static struct jt_escrow_report reported;

static enum jt_err decode_file(struct jt_reader *in)
{
    return jt_escrow_file_decode(in, &decoded);
}

static enum jt_err decode_report(struct jt_reader *in)
{
    return jt_escrow_report_decode(in, &reported);
}

static void files_round_trip(void **state)
{
    (void)state;
    static struct jt_escrow_file file = { .len = 100 };
    struct jt_buf b;
    message_fill(file.bytes, file.len, 1);
    jt_buf_init(&b, 100000);
    jt_escrow_file_encode(&file, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_file(&in), JT_OK);
    assert_int_equal(decoded.len, 100);
    assert_memory_equal(decoded.bytes, file.bytes, 100);
    message_refuses_truncation(&b, decode_file);
    message_survives_mutation(&b, decode_file, 1);

    jt_buf_reset(&b); /* the longest, and a byte more */
    file.len = JT_ESCROW_MAX;
    jt_escrow_file_encode(&file, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_file(&in), JT_OK);
    jt_put_u16(b.data, JT_ESCROW_MAX + 1);
    jt_buf_u8(&b, 0);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_file(&in), JT_ERR_PROTOCOL);
    assert_int_equal(decoded.len, 0);
    jt_buf_clear(&b);
}

static void reports_round_trip(void **state)
{
    (void)state;
    static struct jt_escrow_report report = {
        .created_s = 77,
        .epoch = 5,
        .n_absent = 2,
        .n = 3,
        .keys = { { .number = 1, .key_id = 9, .verdict = JT_OK },
                  { .number = 2, .key_id = 8, .verdict = JT_ERR_KEY_MISSING },
                  { .number = 7, .key_id = 7, .verdict = JT_ERR_KEY_WRONG } },
    };
    struct jt_buf b;
    message_fill(report.keys[1].check_value, JT_CHECK_VALUE_LEN, 3);
    jt_buf_init(&b, 1000);
    jt_escrow_report_encode(&report, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_report(&in), JT_OK);
    assert_int_equal(reported.created_s, 77);
    assert_int_equal(reported.epoch, 5);
    assert_int_equal(reported.n_absent, 2);
    assert_int_equal(reported.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(reported.keys[i].number, report.keys[i].number);
        assert_int_equal(reported.keys[i].key_id, report.keys[i].key_id);
        assert_int_equal(reported.keys[i].verdict, report.keys[i].verdict);
        assert_memory_equal(reported.keys[i].check_value, report.keys[i].check_value,
                            JT_CHECK_VALUE_LEN);
    }
    message_refuses_truncation(&b, decode_report);
    message_survives_mutation(&b, decode_report, 2);
    b.data[b.len - 1] = JT_ERR_IO; /* no verdict */
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_report(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_round_trip),
        cmocka_unit_test(reports_round_trip),
    };
    return cmocka_run_group_tests_name("wire/escrow", tests, NULL, NULL);
}
