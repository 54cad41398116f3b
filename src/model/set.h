/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set row: version and digest of all rows of clients, or of fields.
 *
 * A row's MAC says that a keeper made it, not that it has not been replaced since. So one row, the
 * set row, holds a version and a digest of all rows of its kind. Rows are never deleted; a row that
 * changes gets the version of the change as its revision, and a new set row is written with it, in
 * one transaction that finds the old one still there. A keeper remembers the highest version that
 * it was shown, and takes nothing older. How the digest is made, and why nobody else can:
 * wire/set.h.
 */
#ifndef JETON_MODEL_SET_H
#define JETON_MODEL_SET_H

#include "model/sizes.h"

#include <stdbool.h>
#include <stdint.h>

#define JT_SET_MAX_CLIENTS 16384 /* rows, revoked ones too */
#define JT_SET_MAX_FIELDS  512

#define JT_SET_KIND_CLIENTS 1
#define JT_SET_KIND_FIELDS  2
enum jt_set_kind { JT_SET_CLIENTS = JT_SET_KIND_CLIENTS, JT_SET_FIELDS = JT_SET_KIND_FIELDS };

/* What a row of a client or field is. */
enum jt_standing {
    JT_ROW_ACTIVE = 1,
    JT_ROW_REVOKED =
        2, /* of a client: for good, the row never changes again; of a field: disabled */
    JT_ROW_DISABLED = 3 /* of clients only: until it is enabled again */
};

/* Version 0 and all else zero: the set that is empty because it never had a row. */
struct jt_set_row {
    uint8_t kind; /* enum jt_set_kind */
    uint64_t version;
    uint32_t n;         /* rows */
    uint64_t operators; /* the version at which an operator was revoked last; 0: never */
    uint8_t nonce[JT_SET_NONCE_LEN];
    uint8_t digest[JT_SET_DIGEST_LEN];
    uint64_t mac_epoch;
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* Whether it is one of enum jt_set_kind. */
bool jt_set_kind_valid(uint8_t kind);

/* The empty set of a kind. */
static inline struct jt_set_row jt_set_row_empty(enum jt_set_kind kind)
{
    return (struct jt_set_row){ .kind = (uint8_t)kind };
}

/* Whether both are the very same row. */
bool jt_set_row_same(const struct jt_set_row *a, const struct jt_set_row *b);

#endif
