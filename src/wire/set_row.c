/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/set_row.h"

void jt_set_row_body_encode(const struct jt_set_row *row, struct jt_buf *out)
{
    jt_buf_u8(out, row->kind);
    jt_buf_u64(out, row->version);
    jt_buf_u32(out, row->n);
    jt_buf_u64(out, row->operators);
    jt_buf_put(out, row->nonce, sizeof row->nonce);
    jt_buf_put(out, row->digest, sizeof row->digest);
    jt_buf_u64(out, row->mac_epoch);
}

void jt_set_row_encode(const struct jt_set_row *row, struct jt_buf *out)
{
    jt_set_row_body_encode(row, out);
    jt_buf_put(out, row->mac, sizeof row->mac);
}

enum jt_err jt_set_row_decode(struct jt_reader *in, struct jt_set_row *row)
{
    row->kind = jt_reader_u8(in);
    row->version = jt_reader_u64(in);
    row->n = jt_reader_u32(in);
    row->operators = jt_reader_u64(in);
    jt_reader_copy(in, row->nonce, sizeof row->nonce);
    jt_reader_copy(in, row->digest, sizeof row->digest);
    row->mac_epoch = jt_reader_u64(in);
    jt_reader_copy(in, row->mac, sizeof row->mac);
    return in->bad || !jt_set_kind_valid(row->kind) ? JT_ERR_PROTOCOL : JT_OK;
}
