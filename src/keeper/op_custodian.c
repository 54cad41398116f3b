/* SPDX-License-Identifier: Apache-2.0 */
/* CUSTODIANS_MAKE and CUSTODIANS_SHOW. */
#include "keeper/op.h"

#include "keeper/custodians.h"
#include "wire/frame.h"

enum jt_err jt_op_custodians_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_custodians_make make;
    struct jt_custodian_row row;
    enum jt_err err = jt_custodians_make_decode(in, &make);
    if (err == JT_OK) {
        err = jt_custodians_make(k, &make, &row);
    }
    if (err == JT_OK) {
        jt_custodian_row_encode(&row, out);
    }
    return err;
}

enum jt_err jt_op_custodians_show(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_custodian_row row;
    enum jt_custodians_verdict verdict;
    enum jt_err err = jt_custodian_row_decode(in, &row);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err == JT_OK) {
        err = jt_custodians_show(k, &row, &verdict);
    }
    if (err == JT_OK) {
        const struct jt_custodians_shown shown = { .verdict = (uint8_t)verdict,
                                                   .own = k->custodians.row };
        jt_custodians_shown_encode(&shown, out);
    }
    return err;
}
