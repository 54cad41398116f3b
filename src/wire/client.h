/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs CLIENT_MAKE, CLIENT_CHANGE and CLIENT_CHECK, and the row of a client in them. */
#ifndef JETON_WIRE_CLIENT_H
#define JETON_WIRE_CLIENT_H

#include "base/buf.h"
#include "model/client.h"
#include "wire/set_row.h"

/* What a client shall be: of a new one, or of one that changes. */
struct jt_client_order {
    uint32_t permissions;         /* enum jt_permission bits */
    struct jt_client_terms terms; /* its members of the secret before are the keeper's: zeroes */
    bool fresh;                   /* gets `secret`; the one before is good for overlap_s still */
    bool replaces; /* with fresh: takes the place of the newest; the one before that stays */
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    uint32_t overlap_s; /* at most JT_CLIENT_OVERLAP_MAX_S; of a new client 0 */
};

/* A change of the client `was`, of the set `set`, to what is ordered and to `state`. */
struct jt_client_edit {
    struct jt_client_row was;
    struct jt_set_row set;
    uint8_t state; /* enum jt_standing */
    struct jt_client_order order;
};

/* The reply of CLIENT_CHECK: for how long the answer holds at most; 0: no end is in sight. */
struct jt_client_checked {
    uint64_t good_ms;
};

/* Both hold a secret: wiped by whoever decoded them. */
void jt_client_order_encode(const struct jt_client_order *order, struct jt_buf *out);
void jt_client_make_encode(const char *id, const struct jt_client_order *order,
                           const struct jt_set_row *set, struct jt_buf *out);
enum jt_err jt_client_make_decode(struct jt_reader *in, char id[static JT_CLIENT_ID_MAX + 1],
                                  struct jt_client_order *order, struct jt_set_row *set) JT_CHECKED;
void jt_client_edit_encode(const struct jt_client_edit *edit, struct jt_buf *out);
enum jt_err jt_client_edit_decode(struct jt_reader *in, struct jt_client_edit *edit) JT_CHECKED;

/* The reply of CLIENT_MAKE and CLIENT_CHANGE: a whole message. */
void jt_client_change_encode(const struct jt_client_change *change, struct jt_buf *out);
enum jt_err jt_client_change_decode(struct jt_reader *in,
                                    struct jt_client_change *change) JT_CHECKED;

void jt_client_row_encode(const struct jt_client_row *row, struct jt_buf *out);
/*
 * The row as its set's digest covers it (wire/set.h): without terms the very bytes of before there
 * were terms, so that sets of that time stay what they are.
 */
void jt_client_member_encode(const struct jt_client_row *row, struct jt_buf *out);
/* leaves what follows unread */
enum jt_err jt_client_row_decode(struct jt_reader *in, struct jt_client_row *row) JT_CHECKED;
void jt_client_check_encode(const struct jt_client_row *row,
                            const uint8_t secret[static JT_CLIENT_SECRET_LEN], struct jt_buf *out);
enum jt_err jt_client_check_decode(struct jt_reader *in, struct jt_client_row *row,
                                   uint8_t secret[static JT_CLIENT_SECRET_LEN]) JT_CHECKED;

void jt_client_checked_encode(const struct jt_client_checked *checked, struct jt_buf *out);
/* leaves what follows unread, as jt_keyclient_call wants it */
enum jt_err jt_client_checked_decode(struct jt_reader *in,
                                     struct jt_client_checked *checked) JT_CHECKED;

#endif
