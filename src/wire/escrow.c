/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/escrow.h"

#include "wire/items.h"

#include <string.h>

void jt_escrow_file_encode(const struct jt_escrow_file *file, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)file->len);
    jt_buf_put(out, file->bytes, file->len);
}

enum jt_err jt_escrow_file_decode(struct jt_reader *in, struct jt_escrow_file *file)
{
    size_t len = jt_reader_u16(in);
    const uint8_t *bytes = jt_reader_bytes(in, len);
    file->len = 0;
    if (bytes == NULL || len > sizeof file->bytes) {
        return JT_ERR_PROTOCOL;
    }
    memcpy(file->bytes, bytes, len);
    file->len = len;
    return jt_wire_end(in);
}

void jt_escrow_report_encode(const struct jt_escrow_report *report, struct jt_buf *out)
{
    jt_buf_u64(out, report->created_s);
    jt_buf_u64(out, report->epoch);
    jt_buf_u16(out, report->n_absent);
    jt_buf_u16(out, (uint16_t)report->n);
    for (size_t i = 0; i < report->n; i++) {
        const struct jt_escrow_key *key = &report->keys[i];
        jt_buf_u64(out, key->number);
        jt_buf_u8(out, key->key_id);
        jt_buf_put(out, key->check_value, sizeof key->check_value);
        jt_buf_u8(out, (uint8_t)key->verdict);
    }
}

static void key_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    static const enum jt_err reasons[] = { JT_ERR_KEY_MISSING, JT_ERR_KEY_WRONG, JT_OK };
    struct jt_escrow_key *key = decoded;
    key->number = jt_reader_u64(in);
    key->key_id = jt_reader_u8(in);
    jt_reader_copy(in, key->check_value, sizeof key->check_value);
    key->verdict = jt_wire_item_reason(in, reasons);
}

enum jt_err jt_escrow_report_decode(struct jt_reader *in, struct jt_escrow_report *report)
{
    const struct jt_wire_list list = { report->keys, sizeof report->keys[0], key_decode, NULL };
    report->created_s = jt_reader_u64(in);
    report->epoch = jt_reader_u64(in);
    report->n_absent = jt_reader_u16(in);
    return jt_wire_items_decode(in, &list, JT_ESCROW_MAX_KEYS, &report->n);
}
