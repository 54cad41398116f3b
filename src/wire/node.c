/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/node.h"

#include "wire/items.h"
#include "wire/text.h"

enum { ACCEPT_AHEAD = 1 << 0, RENUMBERED = 1 << 1 };

void jt_node_spec_encode(const struct jt_node_spec *spec, struct jt_buf *out)
{
    jt_wire_text_encode(spec->name, JT_NODE_NAME_MAX, out);
    jt_buf_u8(out, spec->number);
    jt_buf_put(out, spec->incarnation, sizeof spec->incarnation);
}

enum jt_err jt_node_spec_decode(struct jt_reader *in, struct jt_node_spec *spec)
{
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, spec->name);
    spec->number = jt_reader_u8(in);
    jt_reader_copy(in, spec->incarnation, sizeof spec->incarnation);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_node_row_encode(const struct jt_node_row *row, struct jt_buf *out)
{
    jt_node_spec_encode(&row->spec, out);
    jt_buf_put(out, row->keeper, sizeof row->keeper);
    jt_buf_u64(out, row->id_mark);
    jt_buf_u64(out, row->mac_epoch);
    jt_buf_put(out, row->mac, sizeof row->mac);
}

enum jt_err jt_node_row_decode(struct jt_reader *in, struct jt_node_row *row)
{
    *row = (struct jt_node_row){ 0 };
    enum jt_err err = jt_node_spec_decode(in, &row->spec);
    jt_reader_copy(in, row->keeper, sizeof row->keeper);
    row->id_mark = jt_reader_u64(in);
    row->mac_epoch = jt_reader_u64(in);
    jt_reader_copy(in, row->mac, sizeof row->mac);
    return in->bad ? JT_ERR_PROTOCOL : err;
}

void jt_node_join_encode(const struct jt_node_join *join, struct jt_buf *out)
{
    jt_node_spec_encode(&join->spec, out);
    jt_buf_u8(out, (uint8_t)((join->accept_ahead ? ACCEPT_AHEAD : 0) |
                             (join->renumbered ? RENUMBERED : 0)));
    bool good = jt_wire_n_encode(join->n, JT_WIRE_MAX_JOIN_ROWS, out);
    for (size_t i = 0; i < join->n && good; i++) {
        jt_open_item_encode(&join->newest[i], out);
    }
}

enum jt_err jt_node_join_decode(struct jt_reader *in, struct jt_open_item *items,
                                struct jt_node_join *join)
{
    const struct jt_wire_list list = { items, sizeof items[0], jt_open_item_decode, NULL };
    *join = (struct jt_node_join){ .newest = items };
    enum jt_err err = jt_node_spec_decode(in, &join->spec);
    uint8_t flags = jt_wire_flags_decode(in, ACCEPT_AHEAD | RENUMBERED);
    join->accept_ahead = (flags & ACCEPT_AHEAD) != 0;
    join->renumbered = (flags & RENUMBERED) != 0;
    return err != JT_OK ? err : jt_wire_items_decode(in, &list, JT_WIRE_MAX_JOIN_ROWS, &join->n);
}

void jt_node_joined_encode(const struct jt_node_joined *joined, struct jt_buf *out)
{
    jt_node_row_encode(&joined->row, out);
    jt_buf_u64(out, joined->newest_ms);
}

enum jt_err jt_node_joined_decode(struct jt_reader *in, struct jt_node_joined *joined)
{
    *joined = (struct jt_node_joined){ 0 };
    enum jt_err err = jt_node_row_decode(in, &joined->row);
    joined->newest_ms = jt_reader_u64(in);
    return err == JT_OK ? jt_wire_end(in) : err;
}
