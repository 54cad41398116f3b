/* SPDX-License-Identifier: Apache-2.0 */
/* Table custodian_set: every version of the set of custodians. MACs are the keeper's business. */
#ifndef JETON_STORE_CUSTODIANS_H
#define JETON_STORE_CUSTODIANS_H

#include "store/audit.h"

#include <stdbool.h>

/* The columns of a row, as bytes that a keeper knows. */
struct jt_custodian_stored {
    uint64_t version;
    size_t body_len; /* 0: no row */
    uint8_t body[4000];
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* The newest version; the one that follows `version`. No row is success, with body_len 0. */
enum jt_err jt_custodians_newest(struct jt_db *db, struct jt_custodian_stored *out) JT_CHECKED;
enum jt_err jt_custodians_after(struct jt_db *db, uint64_t version,
                                struct jt_custodian_stored *out) JT_CHECKED;

/* Puts back what a keeper knows, in the place of whatever stands under its version. */
enum jt_err jt_custodians_put_back(struct jt_db *db, const struct jt_custodian_stored *row,
                                   const char *node) JT_CHECKED;

/*
 * A new version, with its audit row. JT_ERR_CUSTODIANS_MOVED: there is one of this number already.
 */
enum jt_err jt_custodians_add(struct jt_db *db, const struct jt_custodian_stored *row,
                              const struct jt_act *act) JT_CHECKED;

#endif
