/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/client.h"

#include "base/secmem.h"
#include "wire/frame.h"
#include "wire/text.h"

static void spec_encode(const struct jt_client_spec *spec, struct jt_buf *out)
{
    jt_wire_text_encode(spec->id, JT_CLIENT_ID_MAX, out);
    jt_buf_u32(out, spec->permissions);
}

static void spec_decode(struct jt_reader *in, struct jt_client_spec *spec)
{
    jt_wire_text_decode(in, JT_CLIENT_ID_MAX, spec->id);
    spec->permissions = jt_reader_u32(in);
}

void jt_client_make_encode(const struct jt_client_spec *spec,
                           const uint8_t secret[static JT_CLIENT_SECRET_LEN],
                           const struct jt_set_row *set, struct jt_buf *out)
{
    spec_encode(spec, out);
    jt_buf_put(out, secret, JT_CLIENT_SECRET_LEN);
    jt_set_row_encode(set, out);
}

enum jt_err jt_client_make_decode(struct jt_reader *in, struct jt_client_spec *spec,
                                  uint8_t secret[static JT_CLIENT_SECRET_LEN],
                                  struct jt_set_row *set)
{
    spec_decode(in, spec);
    jt_reader_copy(in, secret, JT_CLIENT_SECRET_LEN);
    enum jt_err err = jt_set_row_decode(in, set);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err != JT_OK) {
        jt_wipe(secret, JT_CLIENT_SECRET_LEN);
    }
    return err;
}

void jt_client_row_encode(const struct jt_client_row *row, struct jt_buf *out)
{
    spec_encode(&row->spec, out);
    jt_buf_put(out, row->secret_mac, sizeof row->secret_mac);
    jt_buf_u8(out, row->state);
    jt_buf_u64(out, row->revision);
    jt_buf_u64(out, row->mac_epoch);
    jt_buf_put(out, row->mac, sizeof row->mac);
}

enum jt_err jt_client_row_decode(struct jt_reader *in, struct jt_client_row *row)
{
    spec_decode(in, &row->spec);
    jt_reader_copy(in, row->secret_mac, sizeof row->secret_mac);
    row->state = jt_reader_u8(in);
    row->revision = jt_reader_u64(in);
    row->mac_epoch = jt_reader_u64(in);
    jt_reader_copy(in, row->mac, sizeof row->mac);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_client_change_encode(const struct jt_client_change *change, struct jt_buf *out)
{
    jt_client_row_encode(&change->row, out);
    jt_set_row_encode(&change->set, out);
}

enum jt_err jt_client_change_decode(struct jt_reader *in, struct jt_client_change *change)
{
    enum jt_err err = jt_client_row_decode(in, &change->row);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, &change->set);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_client_check_encode(const struct jt_client_row *row,
                            const uint8_t secret[static JT_CLIENT_SECRET_LEN], struct jt_buf *out)
{
    jt_client_row_encode(row, out);
    jt_buf_put(out, secret, JT_CLIENT_SECRET_LEN);
}

enum jt_err jt_client_check_decode(struct jt_reader *in, struct jt_client_row *row,
                                   uint8_t secret[static JT_CLIENT_SECRET_LEN])
{
    enum jt_err err = jt_client_row_decode(in, row);
    jt_reader_copy(in, secret, JT_CLIENT_SECRET_LEN);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err != JT_OK) {
        jt_wipe(secret, JT_CLIENT_SECRET_LEN);
    }
    return err;
}
