/* SPDX-License-Identifier: Apache-2.0 */
/* The part of seeds_wire.c that is about columns of applications. */
#include "seeds.h"

#include "wire/appcolumn.h"

/* As fuzz_wire numbers them. */
enum { FIELD_SPEC = 0x42, COLUMN_COUNTED = 0x43, COLUMN_COUNT = 0x44 };

#define COLUMN "shop public.customer id pan pan_envelope"

void seeds_of_columns(struct jt_buf *message, seeds_store_fn *store)
{
    struct jt_column_counted counted = {
        .field = { .spec = { .id = 9, .name = "p", .kind = JT_FIELD_PAN, .column = COLUMN },
                   .state = JT_ROW_ACTIVE,
                   .revision = 2 },
        .generation = { 4, 7, JT_GENERATION_DRAINING, { 4 }, 9, { 5 } },
        .epoch = 9,
        .envelopes = 17,
    };
    jt_field_spec_encode(&counted.field.spec, message);
    store(FIELD_SPEC, 0);
    jt_column_counted_encode(&counted, message);
    store(COLUMN_COUNTED, 0);
    const struct jt_column_count count = { 9, COLUMN, 4, 17, 9, { 1 } };
    jt_column_count_encode(&count, message);
    store(COLUMN_COUNT, 0);
}
