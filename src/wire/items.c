/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/items.h"

bool jt_wire_n_encode(size_t n, size_t max, struct jt_buf *out)
{
    if (n > max) {
        out->err = JT_ERR_LIMIT;
        return false;
    }
    jt_buf_u16(out, (uint16_t)n);
    return true;
}

enum jt_err jt_wire_item_reason(struct jt_reader *in, const enum jt_err *reasons)
{
    uint8_t number = jt_reader_u8(in);
    if (number == JT_OK) { /* as nearly all are */
        return JT_OK;
    }
    enum jt_err err = jt_err_known(number) ? (enum jt_err)number : JT_ERR_PROTOCOL;
    bool expected = jt_err_known(number) && jt_err_class(err) == JT_CLASS_REFRESH;
    for (; *reasons != JT_OK; reasons++) {
        expected = expected || err == *reasons;
    }
    if (!expected) {
        in->bad = true;
    }
    return err;
}
