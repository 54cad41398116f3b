/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/field.h"

#include "wire/frame.h"
#include "wire/text.h"

enum {
    DEDUP = 1 << 0,
    ALLOW_BAD_LUHN = 1 << 1,
    MASK_EIGHT = 1 << 2,
    RULES = 1 << 3,
    NUMERIC = 1 << 5,
    COLUMN = 1 << 6
};
#define KNOWN_FLAGS (DEDUP | ALLOW_BAD_LUHN | MASK_EIGHT | RULES | NUMERIC | COLUMN)

void jt_field_spec_encode(const struct jt_field_spec *spec, struct jt_buf *out)
{
    jt_buf_u32(out, spec->id);
    jt_wire_text_encode(spec->name, JT_FIELD_NAME_MAX, out);
    jt_buf_u8(out, spec->kind);
    /*
     * A rule that was added later has a flag that is 0 where it is not in use, so that rows from
     * before it keep their MACs.
     */
    jt_buf_u8(out,
              (uint8_t)((spec->dedup ? DEDUP : 0) | (spec->allow_bad_luhn ? ALLOW_BAD_LUHN : 0) |
                        (spec->mask_eight ? MASK_EIGHT : 0) | (spec->rules_len > 0 ? RULES : 0) |
                        (spec->token_form != 0 ? NUMERIC : 0) |
                        (spec->column[0] != '\0' ? COLUMN : 0)));
    if (spec->rules_len > 0) {
        jt_buf_u8(out, spec->rules_len);
        jt_buf_put(out, spec->rules, spec->rules_len);
    }
    if (spec->token_form != 0) {
        jt_buf_u8(out, spec->token_form);
    }
    if (spec->column[0] != '\0') {
        jt_wire_text_encode(spec->column, JT_APP_COLUMN_MAX, out);
    }
}

/* Whether the bytes are rules is for the keeper to say that is asked to make them some. */
static void rules_decode(struct jt_reader *in, struct jt_field_spec *spec)
{
    uint8_t len = jt_reader_u8(in);
    in->bad = in->bad || len == 0 || len > sizeof spec->rules;
    if (!in->bad) {
        jt_reader_copy(in, spec->rules, len);
        spec->rules_len = len;
    }
}

enum jt_err jt_field_spec_decode(struct jt_reader *in, struct jt_field_spec *spec)
{
    spec->id = jt_reader_u32(in);
    jt_wire_text_decode(in, JT_FIELD_NAME_MAX, spec->name);
    spec->kind = jt_reader_u8(in);
    uint8_t flags = jt_wire_flags_decode(in, KNOWN_FLAGS);
    spec->dedup = (flags & DEDUP) != 0;
    spec->allow_bad_luhn = (flags & ALLOW_BAD_LUHN) != 0;
    spec->mask_eight = (flags & MASK_EIGHT) != 0;
    spec->rules_len = 0;
    if ((flags & RULES) != 0) {
        rules_decode(in, spec);
    }
    spec->token_form = (flags & NUMERIC) != 0 ? jt_reader_u8(in) : 0;
    in->bad = in->bad || ((flags & NUMERIC) != 0 && spec->token_form == 0);
    spec->column[0] = '\0';
    if ((flags & COLUMN) != 0) {
        jt_wire_text_decode(in, JT_APP_COLUMN_MAX, spec->column);
        in->bad = in->bad || spec->column[0] == '\0';
    }
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_field_row_encode(const struct jt_field_row *row, struct jt_buf *out)
{
    jt_field_spec_encode(&row->spec, out);
    jt_buf_u8(out, row->state);
    jt_buf_u64(out, row->revision);
    jt_buf_u64(out, row->mac_epoch);
    jt_buf_put(out, row->mac, sizeof row->mac);
}

enum jt_err jt_field_row_decode(struct jt_reader *in, struct jt_field_row *row)
{
    enum jt_err err = jt_field_spec_decode(in, &row->spec);
    row->state = jt_reader_u8(in);
    row->revision = jt_reader_u64(in);
    row->mac_epoch = jt_reader_u64(in);
    jt_reader_copy(in, row->mac, sizeof row->mac);
    return in->bad ? JT_ERR_PROTOCOL : err;
}

void jt_field_make_encode(const struct jt_field_spec *spec, const struct jt_set_row *set,
                          struct jt_buf *out)
{
    jt_field_spec_encode(spec, out);
    jt_set_row_encode(set, out);
}

enum jt_err jt_field_make_decode(struct jt_reader *in, struct jt_field_spec *spec,
                                 struct jt_set_row *set)
{
    enum jt_err err = jt_field_spec_decode(in, spec);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, set);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_field_change_encode(const struct jt_field_change *change, struct jt_buf *out)
{
    jt_field_row_encode(&change->row, out);
    jt_set_row_encode(&change->set, out);
}

enum jt_err jt_field_change_decode(struct jt_reader *in, struct jt_field_change *change)
{
    enum jt_err err = jt_field_row_decode(in, &change->row);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, &change->set);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_field_alter_encode(const struct jt_field_alter *alter, struct jt_buf *out)
{
    jt_field_row_encode(&alter->was.row, out);
    jt_field_spec_encode(&alter->spec, out);
    jt_buf_u8(out, alter->state);
    jt_set_row_encode(&alter->was.set, out);
}

enum jt_err jt_field_alter_decode(struct jt_reader *in, struct jt_field_alter *alter)
{
    enum jt_err err = jt_field_row_decode(in, &alter->was.row);
    if (err == JT_OK) {
        err = jt_field_spec_decode(in, &alter->spec);
    }
    alter->state = jt_reader_u8(in);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, &alter->was.set);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}
