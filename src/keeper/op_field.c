/* SPDX-License-Identifier: Apache-2.0 */
/* FIELD_MAKE: field definitions as rows that only a keeper can make. */
#include "keeper/op.h"

#include "keeper/rowmac.h"
#include "keeper/setdigest.h"
#include "keeper/setrule.h"
#include "wire/field.h"

enum jt_err jt_op_field_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_field_change change = { .row = { .state = JT_ROW_ACTIVE,
                                               .mac_epoch = k->ring.epoch } };
    struct jt_set_row now;
    struct jt_setdigest d;
    enum jt_err err = jt_field_make_decode(in, &change.row.spec, &now);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_field_spec *spec = &change.row.spec;
    if (spec->id == 0 || !jt_field_name_valid(spec->name) || spec->kind != JT_FIELD_PAN) {
        return JT_ERR_INVALID;
    }
    err = jt_setrule_next(k, &now, JT_SET_FIELDS, true, &d, &change.set);
    if (err == JT_OK) {
        change.row.revision = change.set.version;
        err = jt_rowmac_field(k->root, &change.row, change.row.mac);
    }
    if (err == JT_OK) {
        err = jt_setdigest_add_field(k->root, &d, &change.row);
    }
    if (err == JT_OK) {
        err = jt_setdigest_close_row(k->root, &d, &change.set);
    }
    if (err == JT_OK) {
        jt_field_change_encode(&change, out);
    }
    return err;
}
