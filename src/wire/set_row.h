/* SPDX-License-Identifier: Apache-2.0 */
/* The set row: version and digest of all rows of clients, or of fields (wire/set.h). */
#ifndef JETON_WIRE_SET_ROW_H
#define JETON_WIRE_SET_ROW_H

#include "base/buf.h"
#include "wire/limits.h"

#define JT_SET_NONCE_LEN   16
#define JT_SET_DIGEST_LEN  16
#define JT_SET_MAX_CLIENTS 16384 /* rows, revoked ones too */
#define JT_SET_MAX_FIELDS  512

enum jt_set_kind { JT_SET_CLIENTS = 1, JT_SET_FIELDS = 2 };

/* What a row of a client or field is. */
enum jt_standing { JT_ROW_ACTIVE = 1, JT_ROW_REVOKED = 2 /* of a field: removed */ };

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

/* Everything but the MAC: what it is computed over. */
void jt_set_row_body_encode(const struct jt_set_row *row, struct jt_buf *out);
void jt_set_row_encode(const struct jt_set_row *row, struct jt_buf *out);
/* leaves what follows unread */
enum jt_err jt_set_row_decode(struct jt_reader *in, struct jt_set_row *row) JT_CHECKED;

/* The empty set of a kind. */
static inline struct jt_set_row jt_set_row_empty(enum jt_set_kind kind)
{
    return (struct jt_set_row){ .kind = (uint8_t)kind };
}

/* Whether both are the very same row. */
bool jt_set_row_same(const struct jt_set_row *a, const struct jt_set_row *b);

#endif
