/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards: the vault's rows. Every transaction that writes one follows the ring rule
 * (docs/architecture.md, "The ring rule"):
 *
 *   1. BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE
 *   2. the shared advisory lock `ring`, as a statement of its own, first, at top level
 *   3. one statement that checks the epoch of the ring and whether this node's row and incarnation
 *      stand, writes only where both do, and answers what it found
 *   4. COMMIT
 *
 * The verbs on a struct jt_pipe return at once and call back later; memory that a request points to
 * may be freed once the call returns. The verbs on a struct jt_db block and are for workers and
 * background duties.
 *
 * Errors common to all verbs on a pipe. At once, and then `done` is not called: JT_ERR_DB_AWAY
 * (the pipe is not ready, or broke), JT_ERR_NOMEM, JT_ERR_LIMIT (more than JT_STORE_MAX_CARDS, or a
 * number beyond SQL's range), JT_ERR_INVALID (an envelope that does not begin with the key id that
 * the transaction names: the caller's mistake). To `done`: the class REPEAT (may pass; the
 * outcome is unknown, repeat), JT_ERR_RING_CONTRADICTED or JT_ERR_DB_DUPLICATE (an alarm: the
 * generation rows contradict the ring, or two cards claim one fingerprint or id; nothing was
 * written), JT_ERR_DB_FAULT, JT_ERR_DB_REFUSED and JT_ERR_DB_UNTRUE (the server is not as the
 * program expects, or did not do what it was told; for the operator).
 */
#ifndef JETON_STORE_CARDS_H
#define JETON_STORE_CARDS_H

#include "store/audit.h"
#include "store/claims.h"
#include "store/pipe.h"
#include "model/digits.h"
#include "model/keyref.h"
#include "model/ring.h"
#include "model/sizes.h"

/*
 * In one transaction: cards, moves, ids to read, audit rows; probes for each probed generation
 * beside them.
 */
#define JT_STORE_MAX_CARDS  8192
#define JT_STORE_MAX_PROBED 16 /* generations beside the active one */

/* What the check after the lock found; the transaction wrote nothing unless both agree. */
struct jt_ring_check {
    uint64_t epoch; /* the database's, now */
    bool node_stands;
};

/* A row as it is stored. Its key id is the envelope's first byte. */
struct jt_card_row {
    uint32_t field;
    uint64_t id;
    uint8_t fingerprint[JT_FINGERPRINT_LEN];
    uint16_t envelope_len;
    uint8_t envelope[JT_CARD_ENVELOPE_MAX];
    uint64_t expires_us; /* model/lifetime.h */
    bool expired;        /* by the server's clock; only tokenizing and the walks see such rows */
    struct jt_digits digits; /* of its numeric token; none: the token is opaque */
    uint16_t bucket;         /* only the walks tell it; 0 for every card of Jeton's */
};

/* --- tokenize --- */

struct jt_card_new {
    uint32_t field;
    uint64_t id;                /* under which it was sealed */
    const uint8_t *fingerprint; /* under the active generation */
    const uint8_t *envelope;
    size_t envelope_len;
    uint64_t expires_us; /* model/lifetime.h; of equal cards the latest counts */
    /* of a numeric token; otherwise none, and NULL */
    struct jt_digits digits;
    const uint8_t *tok; /* JT_TOK_LEN */
    /* the value's own, where no card of the field may be a token of it; NULL: not looked for */
    const uint8_t *value_tok;
};

/* The fingerprint of an item under a generation that it may have been stored under before. */
struct jt_card_probe {
    uint32_t card; /* index into `cards` */
    uint8_t key_id;
    const uint8_t *fingerprint;
};

struct jt_tokenize_txn {
    uint64_t epoch;      /* under which the keeper sealed */
    uint64_t generation; /* the active one, for the tally */
    uint8_t key_id;
    uint32_t writer; /* the caller's row of the tally: one a connection, so that no two contend */
    const struct jt_card_new *cards; /* any order; the store sorts by (field, fingerprint) */
    size_t n_cards;
    const struct jt_card_probe *probes;
    size_t n_probes;
    /*
     * For cards with a value_tok: the fingerprints of their digits, under the active generation and
     * each draining one. Where a row has one, the token is a card of the field, and is not used
     */
    const struct jt_card_probe *digit_probes;
    size_t n_digit_probes;
    uint64_t numeric_mark; /* numeric tokens are issued only where the database's is no lower */
    bool count_taken;      /* of cards whose token was taken: how many of their kind are */
    /* key ids of draining generations: no card of theirs may have a new card's id */
    const uint8_t *draining;
    size_t n_draining;
    /* of these cards, what is remembered of those that are written: any of them, by their ids */
    const struct jt_claim_mark *marks;
    size_t n_marks;
    struct jt_audit audit;
};

/* What became of one card. */
struct jt_card_outcome {
    enum {
        /* neither written nor found: it lost a race, or its id is taken. Seal it again */
        JT_CARD_LOST,
        JT_CARD_WRITTEN,
        /* a row has its fingerprint: nothing is proved until a keeper has matched it */
        JT_CARD_KNOWN,
    } kind;
    /* WRITTEN: which of the batch's equal cards was stored, with its id: the first of them */
    uint32_t written;
    const struct jt_card_row *row; /* KNOWN */
    /* LOST: why */
    enum {
        JT_CARD_RACED = 0,
        JT_CARD_TOKEN_TAKEN, /* the token was issued before, or is a card of the field */
        JT_CARD_IS_TOKEN,    /* the value was issued as a token of the field */
    } why;
    /* TOKEN_TAKEN: tokens issued that agree with it in what they keep; 0: they were not counted */
    uint64_t n_taken;
};

/*
 * Valid during the callback. With a check that does not agree nothing was written, and all are
 * LOST.
 */
struct jt_tokenize_result {
    struct jt_ring_check check;
    bool numeric_behind; /* the database's mark is lower: cards with numeric tokens are LOST */
    size_t n;
    const struct jt_card_outcome *cards; /* in the caller's order */
};
typedef void jt_tokenize_fn(void *arg, enum jt_err err, const struct jt_tokenize_result *result);

enum jt_err jt_cards_tokenize(struct jt_pipe *pipe, const struct jt_tokenize_txn *in,
                              jt_tokenize_fn *done, void *arg) JT_CHECKED;

/* --- detokenize --- */

struct jt_card_found {
    /*
     * Rows under live key ids that have this id: 0, or 1, which is `row`. Two are somebody's
     * tampering: neither is given.
     */
    unsigned n_rows;
    struct jt_card_row row;
    uint64_t id; /* where a tok was asked for: its card's, which may be gone; 0: never issued */
};

struct jt_read_result {
    /*
     * of the ring in the same snapshot: "not found" counts only where it is the one that was used
     *
     */
    uint64_t epoch;
    size_t n;
    const struct jt_card_found *cards; /* in the order of the ids; valid during the callback */
};
typedef void jt_cards_read_fn(void *arg, enum jt_err err, const struct jt_read_result *result);

/* Reads by id under each of the live key ids, all in one snapshot. Repeated ids are allowed. */
enum jt_err jt_cards_read(struct jt_pipe *pipe, const uint64_t *ids, size_t n, const uint8_t *live,
                          size_t n_live, jt_cards_read_fn *done, void *arg) JT_CHECKED;

/* A numeric token whose card is asked for. */
struct jt_tok_wanted {
    uint32_t place; /* among the ids, counted from 0; the id there is 0 */
    uint32_t field;
    const uint8_t *tok; /* JT_TOK_LEN */
};

/* The same, and by numeric tokens, in one snapshot. */
enum jt_err jt_cards_read_toks(struct jt_pipe *pipe, const uint64_t *ids, size_t n,
                               const uint8_t *live, size_t n_live, const struct jt_tok_wanted *toks,
                               size_t n_toks, jt_cards_read_fn *done, void *arg) JT_CHECKED;

/* --- lookup --- */

/* A place where the row of a card may stand. */
struct jt_card_wanted {
    uint32_t place; /* which card, counted from 0 */
    uint32_t field;
    uint8_t key_id;
    const uint8_t *fingerprint;
};

/*
 * The rows of `n_cards` cards, each wanted in any number of places, all in one snapshot: the result
 * is by place. At most JT_STORE_MAX_PROBED places for each card.
 */
enum jt_err jt_cards_find(struct jt_pipe *pipe, const struct jt_card_wanted *wanted,
                          size_t n_wanted, size_t n_cards, jt_cards_read_fn *done,
                          void *arg) JT_CHECKED;

/*
 * Which of the ids stand under any key id at all, asked after jt_cards_read has not found them: a
 * row under a key id that is not live is a planted, restored or replayed one. `stranded[i]` is its
 * key id, JT_STRAY_QUARANTINED where there is none and the id is in quarantine, else 0.
 */
#define JT_STRAY_QUARANTINED 256
typedef void jt_cards_strays_fn(void *arg, enum jt_err err, const uint16_t *stranded, size_t n);
enum jt_err jt_cards_strays(struct jt_pipe *pipe, const uint64_t *ids, size_t n,
                            jt_cards_strays_fn *done, void *arg) JT_CHECKED;

typedef void jt_pipe_done_fn(void *arg, enum jt_err err);

/* Commits audit rows on the primary: before any PAN they speak of leaves. */
enum jt_err jt_cards_audit(struct jt_pipe *pipe, const struct jt_audit *audit,
                           jt_pipe_done_fn *done, void *arg) JT_CHECKED;

/* --- re-encryption --- */

struct jt_card_move {
    /* compare-and-swap on its envelope: a row that is no longer this is left alone */
    const struct jt_card_row *old;
    const uint8_t *envelope;
    uint16_t envelope_len;
    const uint8_t *fingerprint;
};

/*
 * All moves of one transaction go from the same generation `from` to `to`, which must be draining
 * and active. In ascending order of id they cost least: that is the order of the heap.
 */
struct jt_move_txn {
    uint64_t epoch;
    struct jt_keyref from, to;
    uint32_t writer;
    const struct jt_card_move *moves;
    size_t n;
};

/*
 * Rows moved; the others had been moved, deleted or locked by somebody else, which is success too.
 */
struct jt_move_result {
    struct jt_ring_check check;
    size_t n_moved;
};
typedef void jt_move_fn(void *arg, enum jt_err err, const struct jt_move_result *result);

/*
 * JT_ERR_DB_DUPLICATE to the callback: a fingerprint or an id exists already under `to`. That is an
 * alarm: tokenizing finds a card under every live generation and never makes it a second row.
 */
enum jt_err jt_cards_move(struct jt_pipe *pipe, const struct jt_move_txn *in, jt_move_fn *done,
                          void *arg) JT_CHECKED;

/* The same, blocking. `node` as in the pipe. */
enum jt_err jt_cards_move_wait(struct jt_db *db, const struct jt_node_spec *node,
                               const struct jt_move_txn *in,
                               struct jt_move_result *result) JT_CHECKED;

/* --- mending --- */

/*
 * Gives a row whose fingerprint or bucket is damaged those that it must have, with its audit row.
 * JT_ERR_NO_CHANGE: it is not as it was seen, or somebody has locked it; JT_ERR_RING_MOVED: not
 * under the ring of `epoch`; JT_ERR_DB_DUPLICATE: another row has that fingerprint or place.
 * Blocks.
 */
enum jt_err jt_card_mend(struct jt_db *db, const struct jt_node_spec *node, uint64_t epoch,
                         const struct jt_card_row *seen, const uint8_t *fingerprint,
                         const struct jt_audit_row *audit) JT_CHECKED;

/* --- deletion --- */

/* A row that is to be deleted, as it was seen. */
struct jt_card_doomed {
    uint64_t id;
    uint8_t key_id;
};

/*
 * `cards` ascend by id, none twice. Their generations must be live. With `expired`, a row whose
 * date is not over by the server's clock counts as one that is not there.
 */
struct jt_delete_txn {
    bool expired;
    uint64_t epoch;
    uint32_t writer;
    const struct jt_card_doomed *cards;
    size_t n;
    const uint64_t *lost; /* ids of cards in quarantine, which go along with the cards */
    size_t n_lost;
    const struct jt_claim_mark
        *marks; /* of these cards, what is remembered when they are deleted */
    size_t n_marks;
    struct jt_audit audit;
};

struct jt_delete_result {
    struct jt_ring_check check;
    /*
     * Whether each row was where it had been seen. If not, or if the check does not agree, nothing
     * was written, no audit row either: some were moved to another generation or deleted meanwhile.
     */
    bool all_there;
    size_t n_deleted;
};
typedef void jt_delete_fn(void *arg, enum jt_err err, const struct jt_delete_result *result);

enum jt_err jt_cards_delete(struct jt_pipe *pipe, const struct jt_delete_txn *in,
                            jt_delete_fn *done, void *arg) JT_CHECKED;

/* --- lifetimes --- */

/* A card that shall live until then, as it was seen. */
struct jt_card_longer {
    uint64_t id;
    uint8_t key_id;
    uint64_t expires_us;
};

/* `cards` ascend by id, none twice. Their generations must be live. */
struct jt_lengthen_txn {
    uint64_t epoch;
    const struct jt_card_longer *cards;
    size_t n;
};

/*
 * Of each card whether it lives until then at least. Those that do not were moved, deleted, given
 * another date or over meanwhile: they are to be looked for again. Valid during the callback.
 */
struct jt_lengthen_result {
    struct jt_ring_check check;
    size_t n;
    const bool *lives;
};
typedef void jt_lengthen_fn(void *arg, enum jt_err err, const struct jt_lengthen_result *result);

enum jt_err jt_cards_lengthen(struct jt_pipe *pipe, const struct jt_lengthen_txn *in,
                              jt_lengthen_fn *done, void *arg) JT_CHECKED;

/* The server's clock, by which dates are over: microseconds since 1970. */
enum jt_err jt_cards_clock(struct jt_db *db, uint64_t *now_us) JT_CHECKED;

/* A card whose date is over. */
struct jt_card_expired {
    struct jt_card_doomed card;
    uint32_t field;
    uint64_t since_us; /* for so long */
};

/*
 * At most `max` cards under live key ids whose date has been over for `grace_s` seconds or longer,
 * oldest first but for the first `skip`, by the index and without a scan.
 */
enum jt_err jt_cards_expired(struct jt_db *db, uint64_t grace_s, size_t skip,
                             struct jt_card_expired *cards, size_t max, size_t *n) JT_CHECKED;

/*
 * Removes such cards, all or none, with audit rows of the connection's chain; in->audit has the
 * rows, and its link is this verb's. It waits for no card: JT_ERR_NO_CHANGE where one of them is
 * locked, or is not where it was seen; JT_ERR_RING_MOVED: the ring or the node's row is another.
 */
enum jt_err jt_cards_purge(struct jt_db *db, const struct jt_node_spec *node,
                           const struct jt_delete_txn *in) JT_CHECKED;

/*
 * Where a walk over a generation's cards stands: the index order (bucket, id). Start with all zero.
 */
struct jt_card_cursor {
    uint16_t bucket;
    uint64_t id;
};

/* Behind every card. */
#define JT_CARD_CURSOR_END ((struct jt_card_cursor){ INT16_MAX, INT64_MAX })

/*
 * The next cards under a key id after the cursor, up to and with `to`, by the index and without a
 * scan; at most `max`; advances the cursor. Zero cards: there are no more.
 */
enum jt_err jt_cards_stragglers(struct jt_db *db, uint8_t key_id, struct jt_card_cursor *cursor,
                                struct jt_card_cursor to, struct jt_card_row *rows, size_t max,
                                size_t *n) JT_CHECKED;

/*
 * The place of the `n`th card under a key id after `from`, by the index; JT_CARD_CURSOR_END where
 * there are fewer.
 */
enum jt_err jt_cards_cut(struct jt_db *db, uint8_t key_id, struct jt_card_cursor from, size_t n,
                         struct jt_card_cursor *out) JT_CHECKED;

/*
 * The newest cards under each of the key ids, newest first; at most `max_each` of each, `n_key_ids
 * * max_each` in all.
 */
enum jt_err jt_cards_newest(struct jt_db *db, const uint8_t *key_ids, size_t n_key_ids,
                            size_t max_each, struct jt_card_row *rows, size_t *n) JT_CHECKED;

/*
 * The key ids that any card has (a set of model/keyref.h), by a skip scan: as many steps through
 * the index as there are different ones.
 */
enum jt_err jt_cards_key_ids(struct jt_db *db, uint8_t out[static JT_KEY_ID_SET_LEN]) JT_CHECKED;

#endif
