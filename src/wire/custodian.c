/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/custodian.h"

#include "model/ring.h"
#include "wire/frame.h"
#include "wire/text.h"

#include <string.h>

#define BODY_FORMAT 1

static void all_encode(const struct jt_custodian_set *set, struct jt_buf *out)
{
    jt_buf_u8(out, set->n);
    for (size_t i = 0; i < set->n; i++) {
        jt_wire_text_encode(set->all[i].name, JT_CUSTODIAN_NAME_MAX, out);
        jt_buf_put(out, set->all[i].key, sizeof set->all[i].key);
    }
}

static void all_decode(struct jt_reader *in, struct jt_custodian_set *set)
{
    set->n = jt_reader_u8(in);
    if (set->n > JT_CUSTODIANS_MAX) {
        in->bad = true;
        set->n = 0;
    }
    for (size_t i = 0; i < set->n; i++) {
        jt_wire_text_decode(in, JT_CUSTODIAN_NAME_MAX, set->all[i].name);
        jt_reader_copy(in, set->all[i].key, sizeof set->all[i].key);
    }
}

void jt_approvals_encode(const struct jt_approvals *approvals, struct jt_buf *out)
{
    jt_buf_u8(out, approvals->n);
    for (size_t i = 0; i < approvals->n; i++) {
        jt_wire_text_encode(approvals->all[i].custodian, JT_CUSTODIAN_NAME_MAX, out);
        jt_buf_put(out, approvals->all[i].signature, JT_CUSTODIAN_SIGNATURE_LEN);
    }
}

enum jt_err jt_approvals_decode(struct jt_reader *in, struct jt_approvals *approvals)
{
    approvals->n = jt_reader_u8(in);
    if (approvals->n > JT_CUSTODIANS_MAX) {
        in->bad = true;
        approvals->n = 0;
    }
    for (size_t i = 0; i < approvals->n; i++) {
        jt_wire_text_decode(in, JT_CUSTODIAN_NAME_MAX, approvals->all[i].custodian);
        jt_reader_copy(in, approvals->all[i].signature, JT_CUSTODIAN_SIGNATURE_LEN);
    }
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_custodian_body_encode(const struct jt_custodian_set *set,
                              const struct jt_approvals *approvals, struct jt_buf *out)
{
    jt_buf_u8(out, BODY_FORMAT);
    jt_buf_u8(out, set->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u64(out, set->version);
    jt_buf_put(out, set->root_check_value, sizeof set->root_check_value);
    all_encode(set, out);
    jt_approvals_encode(approvals, out);
}

enum jt_err jt_custodian_body_decode(const struct jt_custodian_row *row,
                                     struct jt_custodian_set *set, struct jt_approvals *approvals)
{
    *set = (struct jt_custodian_set){ .version = 0 };
    *approvals = (struct jt_approvals){ .n = 0 };
    struct jt_reader in = jt_reader_init(row->body, row->body_len);
    uint8_t format = jt_reader_u8(&in), environment = jt_reader_u8(&in);
    set->development = environment == JT_ENVIRONMENT_DEVELOPMENT;
    set->version = jt_reader_u64(&in);
    jt_reader_copy(&in, set->root_check_value, sizeof set->root_check_value);
    all_decode(&in, set);
    enum jt_err err = jt_approvals_decode(&in, approvals);
    bool good = err == JT_OK && jt_reader_done(&in) && format == BODY_FORMAT &&
                (set->development || environment == JT_ENVIRONMENT_PRODUCTION) &&
                set->version > 0 && jt_custodian_set_valid(set);
    if (!good) {
        *set = (struct jt_custodian_set){ .version = 0 };
    }
    return good ? JT_OK : JT_ERR_INVALID;
}

void jt_custodian_row_encode(const struct jt_custodian_row *row, struct jt_buf *out)
{
    jt_buf_u16(out, row->body_len);
    if (row->body_len > 0) {
        jt_buf_put(out, row->body, row->body_len);
        jt_buf_put(out, row->mac, sizeof row->mac);
    }
}

enum jt_err jt_custodian_row_decode(struct jt_reader *in, struct jt_custodian_row *row)
{
    *row = (struct jt_custodian_row){ .body_len = jt_reader_u16(in) };
    if (row->body_len > JT_CUSTODIAN_BODY_MAX) {
        in->bad = true;
        row->body_len = 0;
    }
    if (row->body_len > 0) {
        jt_reader_copy(in, row->body, row->body_len);
        jt_reader_copy(in, row->mac, sizeof row->mac);
    }
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_custodians_make_encode(const struct jt_custodians_make *make, struct jt_buf *out)
{
    all_encode(&make->set, out);
    jt_approvals_encode(&make->approvals, out);
}

enum jt_err jt_custodians_make_decode(struct jt_reader *in, struct jt_custodians_make *make)
{
    *make = (struct jt_custodians_make){ .set = { .version = 0 } };
    all_decode(in, &make->set);
    enum jt_err err = jt_approvals_decode(in, &make->approvals);
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_custodians_shown_encode(const struct jt_custodians_shown *shown, struct jt_buf *out)
{
    jt_buf_u8(out, shown->verdict);
    jt_custodian_row_encode(&shown->own, out);
}

enum jt_err jt_custodians_shown_decode(struct jt_reader *in, struct jt_custodians_shown *shown)
{
    shown->verdict = jt_reader_u8(in);
    if (shown->verdict < JT_CUSTODIANS_SAME || shown->verdict > JT_CUSTODIANS_FOREIGN) {
        return JT_ERR_PROTOCOL;
    }
    enum jt_err err = jt_custodian_row_decode(in, &shown->own);
    return err == JT_OK ? jt_wire_end(in) : err;
}
