/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs CUSTODIANS_MAKE and CUSTODIANS_SHOW, and the row of a set of custodians: canonical bytes,
 * MACed by a keeper, in the database (table custodian_set) and in every keeper's directory.
 *
 * Body: u8 format = 1, u8 environment, u64 version, 8 check value of the service root, u8 n, then n
 * times text name, 32 public key; u8 n, then n times text name, 64 signature: the approvals by
 * custodians of the version before; none at version 1.
 */
#ifndef JETON_WIRE_CUSTODIAN_H
#define JETON_WIRE_CUSTODIAN_H

#include "base/buf.h"
#include "model/custodian.h"

#define JT_CUSTODIAN_BODY_MAX                                                 \
    (1 + 1 + 8 + JT_CHECK_VALUE_LEN + 1 + JT_CUSTODIANS_MAX * (33 + 32) + 1 + \
     JT_CUSTODIANS_MAX * (33 + 64))

struct jt_custodian_row {
    uint16_t body_len; /* 0: none */
    uint8_t body[JT_CUSTODIAN_BODY_MAX];
    uint8_t mac[JT_ROW_MAC_LEN];
};

void jt_custodian_body_encode(const struct jt_custodian_set *set,
                              const struct jt_approvals *approvals, struct jt_buf *out);
/* JT_ERR_INVALID unless canonical and valid. */
enum jt_err jt_custodian_body_decode(const struct jt_custodian_row *row,
                                     struct jt_custodian_set *set,
                                     struct jt_approvals *approvals) JT_CHECKED;

/* Decoders of single objects leave what follows unread. */
void jt_custodian_row_encode(const struct jt_custodian_row *row, struct jt_buf *out);
enum jt_err jt_custodian_row_decode(struct jt_reader *in, struct jt_custodian_row *row) JT_CHECKED;
void jt_approvals_encode(const struct jt_approvals *approvals, struct jt_buf *out);
enum jt_err jt_approvals_decode(struct jt_reader *in, struct jt_approvals *approvals) JT_CHECKED;

/* The custodians to be: of `set` only they count. */
struct jt_custodians_make {
    struct jt_custodian_set set;
    struct jt_approvals approvals;
};
void jt_custodians_make_encode(const struct jt_custodians_make *make, struct jt_buf *out);
enum jt_err jt_custodians_make_decode(struct jt_reader *in,
                                      struct jt_custodians_make *make) JT_CHECKED;

enum jt_custodians_verdict {
    JT_CUSTODIANS_SAME = 1,
    JT_CUSTODIANS_NEWER,   /* taken */
    JT_CUSTODIANS_OLDER,   /* or none */
    JT_CUSTODIANS_FOREIGN, /* not authentic, not approved, or not what follows */
};

struct jt_custodians_shown {
    uint8_t verdict;
    struct jt_custodian_row own; /* after it */
};
void jt_custodians_shown_encode(const struct jt_custodians_shown *shown, struct jt_buf *out);
enum jt_err jt_custodians_shown_decode(struct jt_reader *in,
                                       struct jt_custodians_shown *shown) JT_CHECKED;

#endif
