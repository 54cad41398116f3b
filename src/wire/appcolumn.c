/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/appcolumn.h"

#include "wire/frame.h"
#include "wire/text.h"

void jt_column_counted_encode(const struct jt_column_counted *counted, struct jt_buf *out)
{
    jt_field_row_encode(&counted->field, out);
    jt_generation_row_encode(&counted->generation, out);
    jt_buf_u64(out, counted->epoch);
    jt_buf_u64(out, counted->envelopes);
}

enum jt_err jt_column_counted_decode(struct jt_reader *in, struct jt_column_counted *counted)
{
    enum jt_err err = jt_field_row_decode(in, &counted->field);
    if (err == JT_OK) {
        err = jt_generation_row_decode(in, &counted->generation);
    }
    counted->epoch = jt_reader_u64(in);
    counted->envelopes = jt_reader_u64(in);
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_column_count_body(const struct jt_column_count *count, struct jt_buf *out)
{
    jt_buf_u32(out, count->field);
    jt_wire_text_encode(count->column, JT_APP_COLUMN_MAX, out);
    jt_buf_u64(out, count->generation);
    jt_buf_u64(out, count->envelopes);
    jt_buf_u64(out, count->epoch);
}

void jt_column_count_encode(const struct jt_column_count *count, struct jt_buf *out)
{
    jt_column_count_body(count, out);
    jt_buf_put(out, count->mac, sizeof count->mac);
}

enum jt_err jt_column_count_decode(struct jt_reader *in, struct jt_column_count *count)
{
    count->field = jt_reader_u32(in);
    jt_wire_text_decode(in, JT_APP_COLUMN_MAX, count->column);
    count->generation = jt_reader_u64(in);
    count->envelopes = jt_reader_u64(in);
    count->epoch = jt_reader_u64(in);
    jt_reader_copy(in, count->mac, sizeof count->mac);
    return jt_wire_end(in);
}
