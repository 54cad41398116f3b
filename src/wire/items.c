/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/items.h"

#include <string.h>

bool jt_wire_n_encode(size_t n, size_t max, struct jt_buf *out)
{
    if (n > max) {
        out->err = JT_ERR_LIMIT;
        return false;
    }
    jt_buf_u16(out, (uint16_t)n);
    return true;
}

static enum jt_err decode(struct jt_reader *in, const struct jt_wire_list *list, size_t count,
                          size_t *n)
{
    uint8_t *item = list->items;
    for (size_t i = 0; i < count; i++, item += list->size) {
        memset(item, 0, list->size);
        list->decode(in, list->arg, item);
        if (in->bad) {
            return JT_ERR_PROTOCOL;
        }
    }
    enum jt_err err = jt_wire_end(in);
    *n = err == JT_OK ? count : 0;
    return err;
}

enum jt_err jt_wire_items_decode(struct jt_reader *in, const struct jt_wire_list *list, size_t max,
                                 size_t *n)
{
    *n = 0;
    size_t count = jt_reader_u16(in);
    return count <= max ? decode(in, list, count, n) : JT_ERR_LIMIT;
}

enum jt_err jt_wire_results_decode(struct jt_reader *in, const struct jt_wire_list *list,
                                   size_t asked, size_t *n)
{
    *n = 0;
    size_t count = jt_reader_u16(in);
    return !in->bad && count == asked ? decode(in, list, count, n) : JT_ERR_PROTOCOL;
}

enum jt_err jt_wire_item_reason(struct jt_reader *in, const enum jt_err *reasons)
{
    enum jt_err err;
    bool known = jt_wire_reason_decode(in, &err) == JT_OK;
    bool expected = err == JT_OK || jt_err_class(err) == JT_CLASS_REFRESH;
    for (; *reasons != JT_OK; reasons++) {
        expected = expected || err == *reasons;
    }
    in->bad = in->bad || !known || !expected;
    return err;
}
