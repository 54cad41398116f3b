/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/verdicts.h"

#include "wire/generation.h"
#include "wire/items.h"
#include "wire/node.h"

void jt_node_marks_encode(const struct jt_node_row *rows, size_t n, struct jt_buf *out)
{
    bool good = jt_wire_n_encode(n, JT_WIRE_MAX_VERDICTS, out);
    for (size_t i = 0; i < n && good; i++) {
        jt_node_row_encode(&rows[i], out);
    }
}

void jt_generation_held_encode(const struct jt_generation_row *rows, size_t n, struct jt_buf *out)
{
    bool good = jt_wire_n_encode(n, JT_WIRE_MAX_VERDICTS, out);
    for (size_t i = 0; i < n && good; i++) {
        jt_generation_row_encode(&rows[i], out);
    }
}

static void node_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    in->bad = jt_node_row_decode(in, decoded) != JT_OK;
}

enum jt_err jt_node_marks_decode(struct jt_reader *in, struct jt_node_row *rows, size_t *n)
{
    const struct jt_wire_list list = { rows, sizeof rows[0], node_decode, NULL };
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_VERDICTS, n);
}

static void generation_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    in->bad = jt_generation_row_decode(in, decoded) != JT_OK;
}

enum jt_err jt_generation_held_decode(struct jt_reader *in, struct jt_generation_row *rows,
                                      size_t *n)
{
    const struct jt_wire_list list = { rows, sizeof rows[0], generation_decode, NULL };
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_VERDICTS, n);
}

void jt_verdicts_encode(const enum jt_err *verdicts, size_t n, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        jt_buf_u8(out, (uint8_t)verdicts[i]);
    }
}

static void verdict_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    static const enum jt_err reasons[] = { JT_ERR_FORGED, JT_ERR_KEY_MISSING, JT_ERR_KEY_WRONG,
                                           JT_ERR_WRONG_STATE, JT_OK };
    enum jt_err *verdict = decoded;
    *verdict = jt_wire_item_reason(in, reasons);
}

enum jt_err jt_verdicts_decode(struct jt_reader *in, size_t n, enum jt_err *verdicts)
{
    const struct jt_wire_list list = { verdicts, sizeof verdicts[0], verdict_decode, NULL };
    size_t answered;
    return jt_wire_results_decode(in, &list, n, &answered);
}
