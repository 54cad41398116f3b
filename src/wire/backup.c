/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/backup.h"

#include "wire/frame.h"

#include <string.h>

void jt_backup_body_encode(const struct jt_backup *backup, struct jt_buf *out)
{
    jt_buf_put(out, backup->digest, sizeof backup->digest);
    jt_buf_u64(out, backup->made_s);
    jt_buf_u64(out, backup->verified_s);
    jt_buf_u64(out, backup->epoch);
    jt_buf_u16(out, (uint16_t)backup->n);
    for (size_t i = 0; i < backup->n; i++) {
        const struct jt_backup_key *key = &backup->keys[i];
        jt_buf_u64(out, key->number);
        jt_buf_u8(out, key->key_id);
        jt_buf_put(out, key->check_value, sizeof key->check_value);
    }
}

enum jt_err jt_backup_body_decode(struct jt_reader *in, struct jt_backup *backup)
{
    uint64_t last = 0;
    memset(backup, 0, sizeof *backup);
    jt_reader_copy(in, backup->digest, sizeof backup->digest);
    backup->made_s = jt_reader_u64(in);
    backup->verified_s = jt_reader_u64(in);
    backup->epoch = jt_reader_u64(in);
    size_t n = jt_reader_u16(in);
    if (in->bad || n > JT_ESCROW_MAX_KEYS) {
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < n && !in->bad; i++) {
        struct jt_backup_key *key = &backup->keys[i];
        key->number = jt_reader_u64(in);
        key->key_id = jt_reader_u8(in);
        jt_reader_copy(in, key->check_value, sizeof key->check_value);
        in->bad = in->bad || key->number <= last || key->key_id == 0;
        last = key->number;
    }
    enum jt_err err = jt_wire_end(in);
    backup->n = err == JT_OK ? n : 0;
    return err;
}

void jt_backup_receipt_encode(const struct jt_backup_receipt *receipt, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)receipt->body_len);
    jt_buf_put(out, receipt->body, receipt->body_len);
    jt_buf_put(out, receipt->mac, sizeof receipt->mac);
}

enum jt_err jt_backup_receipt_decode(struct jt_reader *in, struct jt_backup_receipt *receipt)
{
    size_t len = jt_reader_u16(in);
    const uint8_t *body = jt_reader_bytes(in, len);
    receipt->body_len = 0;
    if (body == NULL || len > sizeof receipt->body) {
        return JT_ERR_PROTOCOL;
    }
    memcpy(receipt->body, body, len);
    jt_reader_copy(in, receipt->mac, sizeof receipt->mac);
    enum jt_err err = jt_wire_end(in);
    receipt->body_len = err == JT_OK ? len : 0;
    return err;
}

enum jt_err jt_backup_receipt_read(const struct jt_backup_receipt *receipt,
                                   struct jt_backup *backup)
{
    struct jt_reader in = jt_reader_init(receipt->body, receipt->body_len);
    return jt_backup_body_decode(&in, backup);
}
