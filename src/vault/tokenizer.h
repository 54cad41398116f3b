/* SPDX-License-Identifier: Apache-2.0 */
/* Private to vault/tokenize.c and vault/tokenize_guess.c: the lane that stores cards. */
#ifndef JETON_VAULT_TOKENIZER_H
#define JETON_VAULT_TOKENIZER_H

#include "base/container.h"
#include "store/cards.h"
#include "vault/expiring.h"
#include "vault/guessing.h"
#include "vault/tokenize.h"

struct jt_tokenizer {
    struct jt_lane lane;
    /* the batch under way has its audit rows; a repeat for items that lost a race writes none */
    bool audited;
    size_t n_audit;          /* rows that go with this round */
    bool contradiction_told; /* in this batch */
    uint64_t sealed_epoch;
    /* key ids of the last sealing's retired generations */
    uint8_t retired[JT_KEY_ID_SET_LEN];
    size_t n_taken;   /* items of this round whose numeric token was taken */
    int taken_rounds; /* of this batch: repeats because numeric tokens were taken */
    size_t n_known;   /* entries whose card has a row, which the keeper is matching */
    uint32_t known[JT_LANE_BATCH_MAX];
    struct jt_guessing guessing;
    size_t n_held; /* entries that a brake holds: settled, and ended once the others are stored */
    bool held_now; /* found in this round: what was sealed is not stored */
    uint32_t try_of[JT_LANE_BATCH_MAX]; /* by entry */
    struct jt_guess_try written[JT_LANE_BATCH_MAX];
    uint8_t tokens[JT_LANE_BATCH_MAX][JT_TOKEN_LEN]; /* of the ids that the keeper minted */
    struct jt_claim_mark marks[JT_LANE_BATCH_MAX];
    struct jt_seal_item seal[JT_LANE_BATCH_MAX];
    struct jt_card_new cards[JT_LANE_BATCH_MAX];
    struct jt_card_probe probes[JT_LANE_BATCH_MAX * JT_WIRE_MAX_PROBED];
    struct jt_card_probe digit_probes[JT_LANE_BATCH_MAX * JT_RING_MAX_LIVE];
    struct jt_match_item match[JT_LANE_BATCH_MAX];
    uint8_t lengthen[JT_LANE_BATCH_MAX]; /* key id of a known card's row that is to live longer; 0:
                                            it is not */
    struct jt_expiring expiring;
};

static inline const struct jt_tokenize_request *
jt_tokenize_request_of(const struct jt_lane_entry *e)
{
    return jt_container_of(e->request, struct jt_tokenize_request, lane);
}

/* --- guess brakes --- */

/* In the first round, before the `n` entries that are open are sealed: asks for their tries. */
void jt_tokenizer_ask_brakes(struct jt_tokenizer *t, size_t n);

/* When they are sealed and some are held: ends the round. */
void jt_tokenizer_leave_held(struct jt_tokenizer *t);

/* Counts what was stored. */
void jt_tokenizer_count_written(struct jt_tokenizer *t, const struct jt_tokenize_result *result);

#endif
