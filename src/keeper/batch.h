/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The working space of the batch verbs (seal, open, reseal, match, identify, and the rows of a
 * join) and the steps that they share.
 *
 * Items of a batch are worked in chunks that fit the processor's caches; inside a chunk, items of
 * one (generation, field) are gathered and go through the many-record calls of crypto/ together.
 * All memory is allocated once, at start: an item costs none. The space lies in secret memory,
 * because opened PANs pass through it, and is wiped after each batch.
 *
 * Order of calls for a chunk: jt_batch_group for each item (or leave it out), then
 * jt_batch_next_group until it gives 0; for each group fill `cards` and call the steps. jt_walk
 * (keeper/walk.h) does the first half of it.
 */
#ifndef JETON_KEEPER_BATCH_H
#define JETON_KEEPER_BATCH_H

#include "crypto/fieldkey.h"
#include "crypto/tokenkey.h"
#include "keeper/numeric.h"
#include "keeper/order.h"
#include "pan/pan.h"
#include "wire/audit.h"
#include "wire/fingerprint.h"
#include "wire/guess.h"
#include "wire/held.h"
#include "wire/identify.h"
#include "wire/match.h"
#include "wire/mend.h"
#include "wire/name.h"
#include "wire/once.h"
#include "wire/open.h"
#include "wire/open_masked.h"
#include "wire/reseal.h"
#include "wire/seal.h"
#include "wire/set.h"
#include "wire/writeoff.h"

#define JT_BATCH_CHUNK 1024

/* keeper/op_guess.c */
#define JT_GUESS_MESSAGE_MAX (1 + 1 + 4 + 1 + JT_CLIENT_ID_MAX + 1 + 6 + 4)

/* One card on its way through a step. */
struct jt_batch_card {
    size_t at;                      /* its place in the whole batch */
    const uint8_t *fingerprint;     /* as stored: what jt_batch_open binds the envelope to */
    const struct jt_digits *digits; /* the same of a numeric token; NULL: there is none */
    struct jt_value value;
    bool dedup;
};

struct jt_batch {
    /* the whole batch */
    union {
        struct jt_seal_item seal[JT_WIRE_MAX_ITEMS];
        struct jt_open_item open[JT_WIRE_MAX_ITEMS];
        struct jt_match_item match[JT_WIRE_MAX_ITEMS];
        struct jt_identify_item identify[JT_WIRE_MAX_ITEMS];
        struct jt_held_item held[JT_WIRE_MAX_HELD];
        struct jt_once_item once[JT_WIRE_MAX_ITEMS];
        struct jt_guess_item guess[JT_WIRE_MAX_ITEMS];
        struct jt_name_item name[JT_WIRE_MAX_ITEMS];
        struct jt_writeoff_item writeoff[JT_WRITEOFF_CARDS_MAX];
    } items;
    union {
        struct jt_seal_result seal[JT_WIRE_MAX_ITEMS];
        struct jt_open_result open[JT_WIRE_MAX_ITEMS];
        struct jt_open_masked_result open_masked[JT_WIRE_MAX_ITEMS];
        struct jt_reseal_result reseal[JT_WIRE_MAX_ITEMS];
        struct jt_match_result match[JT_WIRE_MAX_ITEMS];
        struct jt_identify_result identify[JT_WIRE_MAX_ITEMS];
        struct jt_fingerprint_result fingerprint[JT_WIRE_MAX_ITEMS];
        struct jt_held_result held[JT_WIRE_MAX_HELD];
        struct jt_once_result once[JT_WIRE_MAX_ITEMS];
        struct jt_guess_result guess[JT_WIRE_MAX_ITEMS];
        struct jt_mend_result mend[JT_WIRE_MAX_ITEMS];
        struct jt_name_result name[JT_WIRE_MAX_ITEMS];
    } results;
    uint8_t pans[JT_WIRE_MAX_ITEMS][JT_PAN_MAX_PACKED];
    char masked[JT_WIRE_MAX_ITEMS][JT_PAN_MAX_DIGITS + 1];
    uint8_t held_values[JT_WIRE_MAX_HELD][JT_PLAINTEXT_MAX];
    uint8_t held_envelopes[JT_WIRE_MAX_HELD][JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX];
    uint8_t held_tags[JT_WIRE_MAX_HELD][JT_HELD_TAG_LEN];
    uint8_t envelopes[JT_WIRE_MAX_ITEMS][JT_PAN_ENVELOPE_MAX];
    uint8_t fingerprints[JT_WIRE_MAX_ITEMS][JT_FINGERPRINT_LEN];
    uint8_t probes[JT_WIRE_MAX_ITEMS][JT_WIRE_MAX_PROBED * JT_FINGERPRINT_LEN];
    uint8_t row_ids[JT_WIRE_MAX_ITEMS][JT_ROW_ID_LEN];
    uint8_t tokens[JT_WIRE_MAX_ITEMS][JT_TOKEN_LEN];
    struct jt_digits digits[JT_WIRE_MAX_ITEMS]; /* fresh ones of numeric tokens */
    uint8_t value_toks[JT_WIRE_MAX_ITEMS][JT_TOK_LEN];
    uint8_t digit_fps[JT_WIRE_MAX_ITEMS][JT_RING_MAX_LIVE * JT_FINGERPRINT_LEN];
    bool dedup[JT_WIRE_MAX_ITEMS]; /* of new cards: whether their field links equal ones */
    struct jt_set_change set_changes[JT_WIRE_MAX_SET_ROWS];
    struct jt_audit_end audit_ends[JT_AUDIT_ENDS_MAX];
    struct jt_audit_claim audit_claims[JT_WIRE_MAX_AUDIT];
    bool audit_good[JT_WIRE_MAX_AUDIT];
    uint64_t ids[JT_WIRE_MAX_ITEMS]; /* fresh ones, in the order in which they were minted */
    struct jt_order order;

    /* one chunk */
    size_t first; /* place of the chunk's first item in the batch */
    size_t n_chunk;
    size_t cursor; /* items before it have been given out */
    uint64_t group[JT_BATCH_CHUNK];
    /* a group: `at` is filled by jt_batch_next_group, the rest by the verb */
    struct jt_batch_card cards[JT_BATCH_CHUNK];
    struct jt_siv_record siv[JT_BATCH_CHUNK];
    struct jt_cmac_record cmac[JT_BATCH_CHUNK];
    uint64_t group_ids[JT_BATCH_CHUNK]; /* of a group's cards, side by side for the token key */
    uint8_t group_tokens[JT_BATCH_CHUNK][JT_TOKEN_LEN];
    struct jt_numeric_message numeric[JT_BATCH_CHUNK]; /* what toks are computed over */
    struct jt_numeric_source source;                   /* of digits */
    /* PAN followed by row-id: fingerprints without dedup */
    uint8_t linked[JT_BATCH_CHUNK][JT_PAN_MAX_PACKED + JT_ROW_ID_LEN];
    uint8_t guesses[JT_BATCH_CHUNK][JT_GUESS_MESSAGE_MAX];
};

enum jt_err jt_batch_new(struct jt_batch **out) JT_CHECKED;
void jt_batch_free(struct jt_batch *b);

/* Wipes what a batch of `n` items left of PANs. */
void jt_batch_wipe(struct jt_batch *b, size_t n);

/* Starts the chunk that begins at item `first` of `n`; returns how many items it has. */
size_t jt_batch_chunk(struct jt_batch *b, size_t first, size_t n);

/*
 * Puts item `i` of the chunk into a group, named by key id (0 where the verb has only one) and
 * field.
 */
void jt_batch_group(struct jt_batch *b, size_t i, uint8_t key_id, uint32_t field);

/*
 * Gathers the items of the next group into cards[].at; returns their number, 0 when there is none
 * left.
 */
size_t jt_batch_next_group(struct jt_batch *b, uint8_t *key_id, uint32_t *field);

/* Sets row_ids[at]. */
void jt_batch_set_id(struct jt_batch *b, size_t at, uint64_t id);

/* Whether it is a value that the vault stores: a PAN, packed BCD. */
bool jt_batch_value_good(const struct jt_value *value);

/* Seals the first `n` cards into envelopes[at], bound to row_ids[at] and fingerprints[at]. */
enum jt_err jt_batch_seal(struct jt_batch *b, struct jt_fieldkey *fk, size_t n) JT_CHECKED;

/* Fingerprints of the first `n` cards, written to out + at * stride. */
enum jt_err jt_batch_fingerprint(struct jt_batch *b, struct jt_fieldkey *fk, size_t n, uint8_t *out,
                                 size_t stride) JT_CHECKED;

/*
 * Opens the envelopes of the first `n` cards, as bound to row_ids[at] and the card's fingerprint,
 * into pans[at] and checks that each is a PAN: siv[i].err is JT_OK or JT_ERR_DECRYPT, whatever was
 * wrong, and then the PAN is wiped. The verb has set siv[i].in and in_len.
 */
enum jt_err jt_batch_open(struct jt_batch *b, struct jt_fieldkey *fk, size_t n) JT_CHECKED;

/* What jt_batch_open left of the envelope at `at`: a PAN, as all values are so far. */
struct jt_value jt_batch_opened(const struct jt_batch *b, size_t at, size_t envelope_len);

/* The tokens of the first `n` cards, tokens[at] of row_ids[at]. */
enum jt_err jt_batch_token(struct jt_batch *b, struct jt_tokenkey *tk, size_t n) JT_CHECKED;

/* Whether an envelope has the length of a PAN's: all others are refused without a look. */
bool jt_batch_envelope_len_good(size_t len);

#endif
