/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric tokens in the database: what a tokenize has more because of them
 * (store/cards_tokenize.c), and the mark.
 *
 * Where a token could be a card of its field, whoever stores card X and whoever issues token X must
 * not both succeed. Neither sees what the other has not committed; so both first take the lock of
 * X's stripe, one of JT_NUMERIC_STRIPES, by the fingerprint of X under the active generation, which
 * is the same for all writers of one epoch. Stripes, and not a lock for each number, because a
 * large batch must not fill the server's table of locks.
 */
#ifndef JETON_STORE_NUMERIC_H
#define JETON_STORE_NUMERIC_H

#include "model/numeric_mark.h"
#include "store/cards.h"
#include "store/db.h"

struct jt_params;
struct jt_txn;

#define JT_NUMERIC_STRIPES 32

/*
 * The cards of a transaction in the database's order: sorted by field, then fingerprint, each once.
 */
struct jt_numeric_batch {
    const struct jt_tokenize_txn *in;
    const uint32_t *cards; /* the caller's index of each */
    size_t n;
};

/* Whether any card has a numeric token. */
bool jt_numeric_any(const struct jt_tokenize_txn *in);

/* Appends the locks, where there are any to take: behind the ring lock, before anything is read. */
void jt_numeric_lock(const struct jt_numeric_batch *b, struct jt_txn *txn);

/* Appends digits, toks, toks of the values, and the mark. */
void jt_numeric_params(const struct jt_numeric_batch *b, struct jt_params *p);

/* Appends a count of the tokens that keep what this one keeps. */
void jt_numeric_count(uint32_t field, const uint8_t tok[static JT_TOK_LEN], struct jt_txn *txn);

/* The mark as it stands. JT_ERR_DB_FAULT: there is none. */
enum jt_err jt_numeric_mark_read(struct jt_db *db, struct jt_numeric_mark *out) JT_CHECKED;

/* Raises it by one, where it is `at_least` that; where it is not, nothing is done. */
enum jt_err jt_numeric_mark_raise(struct jt_db *db, uint64_t at_least) JT_CHECKED;

/* The id of a numeric token's card, which may be gone. JT_ERR_NO_TOKEN: it was never issued. */
enum jt_err jt_numeric_find(struct jt_db *db, uint32_t field, const uint8_t tok[static JT_TOK_LEN],
                            uint64_t *id) JT_CHECKED;

#endif
