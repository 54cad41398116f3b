/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/backup.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_backup backup, read_back;
static struct jt_backup_receipt receipt, decoded;

static enum jt_err decode_body(struct jt_reader *in)
{
    return jt_backup_body_decode(in, &read_back);
}

static enum jt_err decode_receipt(struct jt_reader *in)
{
    return jt_backup_receipt_decode(in, &decoded);
}

static void fill(size_t n)
{
    backup = (struct jt_backup){ .made_s = 5, .verified_s = 6, .epoch = 7, .n = n };
    message_fill(backup.digest, sizeof backup.digest, 1);
    for (size_t i = 0; i < n; i++) {
        backup.keys[i] =
            (struct jt_backup_key){ .number = 10 * (i + 1), .key_id = (uint8_t)(i + 1) };
        message_fill(backup.keys[i].check_value, JT_CHECK_VALUE_LEN, (uint8_t)i);
    }
}

static void bodies_round_trip(void **state)
{
    (void)state;
    struct jt_buf b;
    fill(3);
    jt_buf_init(&b, 100000);
    jt_backup_body_encode(&backup, &b);
    assert_int_equal(b.len, JT_BACKUP_HEAD_LEN + 3 * JT_BACKUP_KEY_LEN);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_body(&in), JT_OK);
    assert_memory_equal(&read_back, &backup, sizeof backup);
    message_refuses_truncation(&b, decode_body);
    message_survives_mutation(&b, decode_body, 1);
    /* One key twice. */
    memcpy(b.data + JT_BACKUP_HEAD_LEN + JT_BACKUP_KEY_LEN, b.data + JT_BACKUP_HEAD_LEN,
           JT_BACKUP_KEY_LEN);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_body(&in), JT_ERR_PROTOCOL);
    assert_int_equal(read_back.n, 0);
    jt_buf_clear(&b);
}

static void receipts_round_trip(void **state)
{
    (void)state;
    struct jt_buf b;
    fill(JT_ESCROW_MAX_KEYS);
    jt_buf_init(&b, 100000);
    jt_backup_body_encode(&backup, &b);
    assert_int_equal(b.len, JT_BACKUP_BODY_MAX);
    memcpy(receipt.body, b.data, b.len);
    receipt.body_len = b.len;
    message_fill(receipt.mac, sizeof receipt.mac, 9);
    assert_int_equal(jt_backup_receipt_read(&receipt, &read_back), JT_OK);
    assert_memory_equal(&read_back, &backup, sizeof backup);

    jt_buf_reset(&b);
    jt_backup_receipt_encode(&receipt, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_receipt(&in), JT_OK);
    assert_int_equal(decoded.body_len, receipt.body_len);
    assert_memory_equal(decoded.body, receipt.body, receipt.body_len);
    assert_memory_equal(decoded.mac, receipt.mac, sizeof receipt.mac);
    message_refuses_truncation(&b, decode_receipt);
    message_survives_mutation(&b, decode_receipt, 2);
    jt_put_u16(b.data, JT_BACKUP_BODY_MAX + 1); /* a byte more than there can be */
    jt_buf_u8(&b, 0);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_receipt(&in), JT_ERR_PROTOCOL);
    assert_int_equal(decoded.body_len, 0);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_round_trip),
        cmocka_unit_test(receipts_round_trip),
    };
    return cmocka_run_group_tests_name("wire/backup", tests, NULL, NULL);
}
