/* SPDX-License-Identifier: Apache-2.0 */
#include "model/set.h"

#include "base/secmem.h"

bool jt_set_kind_valid(uint8_t kind)
{
    return kind == JT_SET_CLIENTS || kind == JT_SET_FIELDS;
}

bool jt_set_row_same(const struct jt_set_row *a, const struct jt_set_row *b)
{
    return a->kind == b->kind && a->version == b->version &&
           jt_equal_ct(a->mac, b->mac, sizeof a->mac);
}
