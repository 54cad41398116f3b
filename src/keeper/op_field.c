/* FIELD_MAKE and FIELD_CHECK: field definitions as rows that only a keeper can make. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/rowmac.h"
#include "wire/field.h"
#include "wire/frame.h"

enum jt_err jt_op_field_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_field_row row = { .mac_epoch = k->ring.epoch };
    enum jt_err err = jt_field_spec_decode(in, &row.spec);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err != JT_OK) {
        return err;
    }
    if (row.spec.id == 0 || !jt_field_name_valid(row.spec.name) || row.spec.kind != JT_FIELD_PAN) {
        return JT_ERR_INVALID;
    }
    err = jt_rowmac_field(k->root, &row, row.mac);
    if (err == JT_OK) {
        jt_field_row_encode(&row, out);
    }
    return err;
}

enum jt_err jt_op_field_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_field_row row;
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_field_row_decode(in, &row);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err == JT_OK) {
        err = jt_rowmac_field(k->root, &row, mac);
    }
    if (err == JT_OK && !jt_equal_ct(mac, row.mac, sizeof mac)) {
        err = JT_ERR_DENIED;
    }
    return err;
}
