/* SPDX-License-Identifier: Apache-2.0 */
/* COLUMN_COUNT and COLUMN_CHECK: counts of envelopes in columns of applications. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/rowmac.h"
#include "wire/appcolumn.h"

#include <string.h>

static enum jt_err mac_of(const struct jt_keeper *k, const struct jt_column_count *count,
                          uint8_t mac[static JT_ROW_MAC_LEN])
{
    struct jt_buf body;
    jt_buf_init(&body, 4 + 1 + JT_APP_COLUMN_MAX + 3 * 8);
    jt_column_count_body(count, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        err = jt_rowmac_column_count(k->root, body.data, body.len, mac);
    }
    jt_buf_clear(&body);
    return err;
}

/*
 * What is counted must not grow any more: by the keeper's own ring the generation seals nothing,
 * and has sealed nothing since that epoch.
 */
static enum jt_err may_be_counted(const struct jt_keeper *k,
                                  const struct jt_column_counted *counted)
{
    const struct jt_ring_entry *entry = jt_ring_find(&k->ring, counted->generation.number);
    if (counted->field.spec.column[0] == '\0') {
        return JT_ERR_FIELD_NO_COLUMN;
    }
    if (counted->epoch != k->ring.epoch) {
        return JT_ERR_COUNT_EPOCH;
    }
    bool still = entry != NULL &&
                 (entry->state == JT_GENERATION_DRAINING || entry->state == JT_GENERATION_RETIRED);
    return still ? JT_OK : JT_ERR_WRONG_STATE;
}

enum jt_err jt_op_column_count(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_column_counted counted;
    enum jt_err err = jt_column_counted_decode(in, &counted);
    if (err == JT_OK) {
        err = jt_rowmac_field_check(k->root, &counted.field);
    }
    if (err == JT_OK) {
        err = jt_rowmac_generation_check(k->root, &counted.generation);
    }
    if (err == JT_OK) {
        err = may_be_counted(k, &counted);
    }
    if (err != JT_OK) {
        return err;
    }
    struct jt_column_count count = { .field = counted.field.spec.id,
                                     .generation = counted.generation.number,
                                     .envelopes = counted.envelopes,
                                     .epoch = counted.epoch };
    memcpy(count.column, counted.field.spec.column, sizeof count.column);
    err = mac_of(k, &count, count.mac);
    if (err == JT_OK) {
        jt_column_count_encode(&count, out);
    }
    return err;
}

enum jt_err jt_op_column_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_column_count count;
    uint8_t right[JT_ROW_MAC_LEN];
    (void)out;
    enum jt_err err = jt_column_count_decode(in, &count);
    if (err == JT_OK) {
        err = mac_of(k, &count, right);
    }
    bool same = err == JT_OK && jt_equal_ct(right, count.mac, sizeof right);
    return err == JT_OK && !same ? JT_ERR_FORGED : err;
}
