/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which a batch's new cards get their ids: that of (field, fingerprint), which is also
 * the order in which the database inserts them, so that ids ascend there as well.
 *
 * Fingerprints are evenly spread, so sorting by their first two bytes leaves next to nothing to do:
 * a batch costs a few passes over its places, no comparisons to speak of, and no memory but this.
 */
#ifndef JETON_KEEPER_ORDER_H
#define JETON_KEEPER_ORDER_H

#include "wire/seal.h"

struct jt_order {
    size_t n;
    uint16_t at[JT_WIRE_MAX_ITEMS]; /* places in the batch: the first `n`, filled by the caller */
    uint16_t spare[JT_WIRE_MAX_ITEMS];
};

/* Sorts at[0 .. n-1] by (items[at].field, fingerprints[at]). */
void jt_order_sort(struct jt_order *o, const struct jt_seal_item *items,
                   const uint8_t (*fingerprints)[JT_FINGERPRINT_LEN]);

#endif
