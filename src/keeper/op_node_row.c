/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NODE_ROW and NODE_MARKS: how far each node's ids have come, told by its keeper and remembered by
 * all others (keeper/nodemarks.h).
 */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/nodemarks.h"
#include "keeper/rowmac.h"
#include "wire/frame.h"
#include "wire/node.h"
#include "wire/verdicts.h"

#include <string.h>

static bool same_spec(const struct jt_node_spec *a, const struct jt_node_spec *b)
{
    return strcmp(a->name, b->name) == 0 && a->number == b->number &&
           memcmp(a->incarnation, b->incarnation, sizeof a->incarnation) == 0;
}

enum jt_err jt_op_node_row(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_node_spec spec;
    struct jt_node_row row;
    enum jt_err err = jt_node_spec_decode(in, &spec);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err == JT_OK && !same_spec(&spec, &k->node)) {
        err = JT_ERR_NOT_JOINED;
    }
    if (err == JT_OK) {
        /*
         * The mark is kept ahead even while nothing is minted, so that the row in the database is
         * never behind an id: the front stores it long before the mark is reached.
         */
        err = jt_idmint_ahead(&k->mint, jt_keeper_now_ms());
    }
    if (err == JT_OK) {
        err = jt_keeper_node_row(k, &row);
    }
    if (err == JT_OK) {
        jt_node_row_encode(&row, out);
    }
    return err;
}

enum jt_err jt_op_node_marks(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_node_row rows[JT_WIRE_MAX_VERDICTS];
    enum jt_err verdicts[JT_WIRE_MAX_VERDICTS];
    struct jt_keeper_state next = k->state;
    bool news = false;
    size_t n;
    enum jt_err err = jt_node_marks_decode(in, rows, &n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        verdicts[i] = jt_rowmac_node_check(k->root, &rows[i]);
        if (verdicts[i] == JT_OK) {
            bool rose = jt_nodemarks_note(&next, rows[i].spec.number, rows[i].id_mark);
            news = news || rose;
        } else if (verdicts[i] != JT_ERR_FORGED) {
            err = verdicts[i]; /* libcrypto, memory: nothing of the row */
        }
    }
    if (err == JT_OK && news) {
        err = jt_keeper_save(k, &next);
    }
    if (err == JT_OK) {
        if (k->state.id_mark > k->mint.mark_ms) { /* somebody else minted under this number */
            jt_idmint_pass(&k->mint, k->state.id_mark);
        }
        jt_verdicts_encode(verdicts, n, out);
    }
    return err;
}
