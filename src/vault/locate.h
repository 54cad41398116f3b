/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tokens to rows: the first steps of every verb that is given tokens.
 *
 * The keeper turns tokens into ids (and knows those that were made up), and the rows are read under
 * every live key id. "Not found" counts only where the ring had not moved between the keeper's
 * answer and the read, and after a look under all other key ids: a row that stands there was hid,
 * and whoever asks for it must not hear that there is none.
 *
 * The items of such a verb begin with a struct jt_located. The steps settle those that end here;
 * the verb goes on with the others, whose rows it is handed.
 */
#ifndef JETON_VAULT_LOCATE_H
#define JETON_VAULT_LOCATE_H

#include "store/cards.h"
#include "pan/token.h"
#include "vault/lane.h"

struct jt_located {
    uint8_t token[JT_TOKEN_LEN]; /* a numeric one as in pan/numeric.h */
    uint64_t id;                 /* the lane's own */
    /*
     * JT_OK; JT_ERR_NO_TOKEN; JT_ERR_DECRYPT: the row does not open, or there are two;
     * JT_ERR_STRANDED: it stands under a key id of no live generation; JT_ERR_WRITTEN_OFF: it is in
     * quarantine, and nowhere else; what may pass;
     * JT_ERR_DB_FAULT and its like: the database does not give rows or does not record what is done
     * with them, and that does not pass by itself.
     */
    enum jt_err err;
};

struct jt_locator {
    struct jt_lane *lane;
    uint64_t epoch; /* of the keeper's ring when it named the live key ids */
    uint8_t live[JT_RING_MAX_LIVE];
    uint8_t n_live;
    /* of the `n` items that were found: rows[i] is that of entries[sent[i]] */
    size_t n;
    size_t n_asked; /* items of this round */
    bool by_id;     /* which have their ids already */
    /*
     * The verb's own: entries whose cards are in quarantine are not settled, but left to it, in
     * lost[] of this round.
     */
    bool takes_lost;
    size_t n_lost;
    uint32_t lost[JT_LANE_BATCH_MAX];
    struct jt_card_row rows[JT_LANE_BATCH_MAX];
    struct jt_identify_item identify[JT_LANE_BATCH_MAX];
    uint64_t ids[JT_LANE_BATCH_MAX];
    bool numeric[JT_LANE_BATCH_MAX]; /* of what is read: its token is */
    struct jt_tok_wanted toks[JT_LANE_BATCH_MAX];
    void (*found)(struct jt_lane *lane); /* the verb's next step; `n` may be 0 */
};

/* Notes how an item ends; another round leaves it alone, and it ends with the batch. */
void jt_locate_settle(struct jt_lane_entry *entry, enum jt_err err);

/* Settles all items that are not, with `err`. */
void jt_locate_settle_rest(struct jt_lane *lane, enum jt_err err);

/* A round: locates the items that are open. l->found is set; the rest is this file's. */
void jt_locate(struct jt_locator *l, struct jt_lane *lane);

/* The same for items whose ids are known: the keeper only names the live key ids. */
void jt_locate_ids(struct jt_locator *l, struct jt_lane *lane);

#endif
