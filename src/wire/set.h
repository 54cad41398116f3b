/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs SET_SUM, SET_VERIFY and SET_ACCEPT: whether the rows of clients, or of fields, are the ones
 * that stand now. What a set row is: model/set.h.
 *
 * The digest is the sum, modulo 2^128, of a keyed function F of each row, so that changing one of
 * 10,000 rows costs one row: the old one's F is taken away and the new one's is added. A sum of 128
 * bits by itself would not do. Whoever writes to the database has many old rows, and if he knew
 * their F he could look for a choice of old and new ones with the same sum: with some hundred rows
 * and their old versions there are many, and Wagner's generalised birthday attack (2002) finds one
 * in far fewer than 2^64 steps. So nobody outside the keeper knows any F, nor any sum: what is
 * stored is the sum plus a keyed function G of a nonce that is fresh for each set row
 * (MSet-Add-Hash of Clarke, Devadas, van Dijk, Gassend, Suh: Incremental Multiset Hash Functions,
 * ASIACRYPT 2003, theorem 2). To him every stored digest is 128 random bits, so are the differences
 * of two, and the one thing that he can do is to try a choice of rows, one at a time, before a
 * keeper: each is right with a chance of 2^-128. F and G are CMACs with first bytes of their own;
 * the set row itself carries a MAC as well.
 *
 * The keeper computes every digest: of a change from the old row, the new row and the old set row;
 * of a whole set from its rows, in as many calls of SET_SUM as it takes, which hand on a partial
 * sum (again under a fresh nonce, with a MAC). A caller that has verified a set goes on from its
 * sum with the rows that have changed since.
 */
#ifndef JETON_WIRE_SET_H
#define JETON_WIRE_SET_H

#include "base/buf.h"
#include "wire/client.h"
#include "wire/field.h"
#include "wire/set_row.h"

#define JT_WIRE_MAX_SET_ROWS 512 /* in one SET_SUM */

/* The digest of some rows on its way to the next call. */
struct jt_set_sum {
    uint8_t kind; /* enum jt_set_kind */
    uint32_t n;
    uint8_t nonce[JT_SET_NONCE_LEN];
    uint8_t digest[JT_SET_DIGEST_LEN];
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* A row that is new, or takes the place of another. */
struct jt_set_change {
    bool replaces; /* `old` counts */
    union {
        struct jt_client_row client;
        struct jt_field_row field;
    } old, now;
};

struct jt_set_sum_request {
    uint8_t kind;
    bool goes_on; /* from `from`; else from the empty set */
    struct jt_set_sum from;
    size_t n;
    struct jt_set_change *changes;
};

/*
 * An operator's word that older sets shall be believed; the operator proves to be in the set of
 * clients.
 */
struct jt_set_accept {
    struct jt_set_sum others; /* all rows of clients but the operator's */
    struct jt_client_row who; /* gives the word */
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    struct jt_set_row clients;
    struct jt_set_sum field_rows;
    struct jt_set_row fields;
};

void jt_set_sum_encode(const struct jt_set_sum *sum, struct jt_buf *out);
/* leaves what follows unread */
enum jt_err jt_set_sum_decode(struct jt_reader *in, struct jt_set_sum *sum) JT_CHECKED;

void jt_set_sum_request_encode(const struct jt_set_sum_request *request, struct jt_buf *out);
/* `changes` holds JT_WIRE_MAX_SET_ROWS. JT_ERR_LIMIT beyond. */
enum jt_err jt_set_sum_request_decode(struct jt_reader *in, struct jt_set_change *changes,
                                      struct jt_set_sum_request *request) JT_CHECKED;

void jt_set_verify_encode(const struct jt_set_sum *sum, const struct jt_set_row *row,
                          struct jt_buf *out);
enum jt_err jt_set_verify_decode(struct jt_reader *in, struct jt_set_sum *sum,
                                 struct jt_set_row *row) JT_CHECKED;

/* Holds a secret: wiped by whoever decoded it. */
void jt_set_accept_encode(const struct jt_set_accept *accept, struct jt_buf *out);
enum jt_err jt_set_accept_decode(struct jt_reader *in, struct jt_set_accept *accept) JT_CHECKED;

#endif
