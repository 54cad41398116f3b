/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/node.h"

#include "wire/items.h"
#include "wire/text.h"

enum { ACCEPT_AHEAD = 1 << 0 };

void jt_node_spec_encode(const struct jt_node_spec *spec, struct jt_buf *out)
{
    jt_wire_text_encode(spec->name, JT_NODE_NAME_MAX, out);
    jt_buf_u8(out, spec->number);
    jt_buf_put(out, spec->incarnation, sizeof spec->incarnation);
}

static void spec_decode(struct jt_reader *in, struct jt_node_spec *spec)
{
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, spec->name);
    spec->number = jt_reader_u8(in);
    jt_reader_copy(in, spec->incarnation, sizeof spec->incarnation);
}

void jt_node_join_encode(const struct jt_node_join *join, struct jt_buf *out)
{
    jt_node_spec_encode(&join->spec, out);
    jt_buf_u8(out, join->accept_ahead ? ACCEPT_AHEAD : 0);
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
    spec_decode(in, &join->spec);
    join->accept_ahead = (jt_wire_flags_decode(in, ACCEPT_AHEAD) & ACCEPT_AHEAD) != 0;
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_JOIN_ROWS, &join->n);
}

void jt_node_joined_encode(const struct jt_node_joined *joined, struct jt_buf *out)
{
    jt_node_spec_encode(&joined->row.spec, out);
    jt_buf_u64(out, joined->row.mac_epoch);
    jt_buf_put(out, joined->row.mac, sizeof joined->row.mac);
    jt_buf_u64(out, joined->newest_ms);
}

enum jt_err jt_node_joined_decode(struct jt_reader *in, struct jt_node_joined *joined)
{
    *joined = (struct jt_node_joined){ 0 };
    spec_decode(in, &joined->row.spec);
    joined->row.mac_epoch = jt_reader_u64(in);
    jt_reader_copy(in, joined->row.mac, sizeof joined->row.mac);
    joined->newest_ms = jt_reader_u64(in);
    return jt_wire_end(in);
}
