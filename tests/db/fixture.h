/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of tests/db share: a fresh schema in the database of JETON_TEST_CONNINFO,
 * made-up keys and cards, and a pipe that runs in a loop of its own thread, so that a test can call
 * it as if it blocked.
 *
 * No cryptography here: a "fingerprint" is a number of card and generation written out, an envelope
 * is the key id and filler.
 */
#ifndef JETON_TESTS_DB_FIXTURE_H
#define JETON_TESTS_DB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/cards.h"
#include "store/chain.h"
#include "store/generations.h"
#include "model/keyref.h"

#include <libpq-fe.h>

/* The connection string; exits with 77 (skipped) when there is none. */
const char *fx_conninfo(void);

/* --- the database --- */

struct fx {
    struct jt_db *db;         /* under test */
    PGconn *plain;            /* the test's own */
    struct jt_node_spec node; /* registered by fx_setup_vault, in plain SQL */
    uint64_t epoch;
};

/*
 * cmocka set-up: drops the schema; `fx_setup_vault` also migrates it and stands up a ring of epoch
 * 1 without generations.
 */
int fx_setup_empty(void **state);
int fx_setup_vault(void **state);
int fx_teardown(void **state);
#define fx_empty_test(test) cmocka_unit_test_setup_teardown(test, fx_setup_empty, fx_teardown)
#define fx_vault_test(test) cmocka_unit_test_setup_teardown(test, fx_setup_vault, fx_teardown)

/*
 * The audit trail: fx_setup_vault makes this start, of node-1. fx->db has a chain of it, and any
 * other connection gets one by fx_chain. A head is what comes first of the digest.
 */
#define FX_START 77
void fx_chain(struct jt_db *db);
void fx_head(const struct jt_audit_link *link, uint8_t head[static JT_ROW_MAC_LEN]);

PGconn *fx_connect(void);
void fx_exec(PGconn *conn, const char *sql);
/* The one number that a query gives. */
int64_t fx_number(PGconn *conn, const char *sql);

/*
 * Asks again until the query gives a number other than 0: for what only the server's views tell.
 * Aborts after a while.
 */
void fx_await(PGconn *conn, const char *sql);
/* Until `n` server processes of the application wait for a lock. */
void fx_await_waiting(struct fx *fx, const char *application, int n);

/* A row as it is, in a transaction of its own. */
enum jt_err fx_insert_generation(struct jt_db *db, const struct jt_generation_row *row,
                                 const struct jt_act *act, char created_at[static JT_TIME_LEN]);

/*
 * Adds a future generation, and makes it active (the active one drains) in the next epoch. The key
 * id is the number.
 */
void fx_create_generation(struct fx *fx, uint64_t number);
void fx_activate(struct fx *fx, uint64_t number);
struct jt_keyref fx_key(uint64_t number);

/*
 * A change of the ring by the store's own verb, all parts filled in; `draining` 0: none. For
 * retirement see fx_retire.
 */
extern const struct jt_act fx_act; /* of "tester", on "node-1" */
enum jt_err fx_try_activate(struct fx *fx, struct jt_db *db, uint64_t number, uint64_t draining,
                            bool *busy);
enum jt_err fx_try_retire(struct fx *fx, uint64_t number, struct jt_retirement_facts *facts,
                          bool *busy);

/* --- cards --- */

struct fx_card {
    uint32_t field;
    uint64_t number; /* which card: equal numbers are equal cards */
    uint64_t id;     /* ascending in the order in which cards are made */
    uint8_t fingerprint[16], envelope[25];
    uint64_t expires_us; /* 0: never */
    /*
     * Its numeric token, as the card that has the same digits; 0: it is opaque. Guarded: no card
     * may be a token of its field.
     */
    uint64_t token;
    bool guarded;
};

/* Digits and tok of a token; all that are equal up to the last 4 digits share what is counted. */
struct jt_digits fx_digits(uint64_t token);
void fx_tok(uint32_t field, uint64_t token, uint8_t out[static JT_TOK_LEN]);

void fx_fingerprint(uint64_t number, uint64_t generation, uint8_t out[static 16]);
/* A row as the database has it, for moves. */
struct jt_card_row fx_row(const struct fx_card *card);
struct fx_card fx_card(uint32_t field, uint64_t number, uint64_t generation);

/* --- a pipe in a thread --- */

struct fx_lane;

/* Connecting has begun; see fx_lane_wait_up. */
struct fx_lane *fx_lane_new(const char *conninfo, const struct jt_node_spec *node, int timeout_ms);
void fx_lane_free(struct fx_lane *lane);

struct fx_result {
    enum jt_err err;
    struct jt_ring_check check;
    size_t n;
    uint64_t ids[JT_STORE_MAX_CARDS]; /* tokenize: of the row that was written or found */
    bool found[JT_STORE_MAX_CARDS];   /* tokenize: not lost */
    bool written[JT_STORE_MAX_CARDS]; /* tokenize */
    bool expired[JT_STORE_MAX_CARDS]; /* tokenize: the row that was found is over */
    bool lives[JT_STORE_MAX_CARDS];   /* lengthen */
    int why[JT_STORE_MAX_CARDS];      /* tokenize: of lost ones */
    uint64_t n_taken[JT_STORE_MAX_CARDS];
    bool numeric_behind;
    struct jt_card_found cards[JT_STORE_MAX_CARDS]; /* read */
    uint64_t epoch;                                 /* read */
    uint16_t stranded[JT_STORE_MAX_CARDS];          /* strays */
    size_t n_moved;
    bool all_there; /* delete */
    size_t n_deleted;
};

/*
 * Runs one tokenize transaction of cards with probes under each of `draining`; fails the test when
 * the pipe refuses it at once.
 */
void fx_tokenize(struct fx_lane *lane, uint64_t epoch, uint64_t active, const uint64_t *draining,
                 size_t n_draining, const struct fx_card *cards, size_t n, struct fx_result *out);
/* The same in two halves, for a transaction that stands in the middle of something. */
void fx_tokenize_start(struct fx_lane *lane, uint64_t epoch, uint64_t active,
                       const uint64_t *draining, size_t n_draining, const struct fx_card *cards,
                       size_t n);
void fx_wait(struct fx_lane *lane, struct fx_result *out);

void fx_read(struct fx_lane *lane, const uint64_t *ids, size_t n, const uint8_t *live,
             size_t n_live, struct fx_result *out);
/* The mark that the lane's transactions need from here on (0). */
void fx_lane_need_mark(struct fx_lane *lane, uint64_t mark);
/* The same by numeric tokens of a field; ids are not asked for. */
void fx_read_toks(struct fx_lane *lane, uint32_t field, const uint64_t *tokens, size_t n,
                  const uint8_t *live, size_t n_live, struct fx_result *out);
void fx_strays(struct fx_lane *lane, const uint64_t *ids, size_t n, struct fx_result *out);
void fx_audit(struct fx_lane *lane, const struct jt_audit_row *rows, size_t n,
              struct fx_result *out);
void fx_move(struct fx_lane *lane, const struct jt_move_txn *txn, struct fx_result *out);
/* Deletes these cards, each under its key id, with an audit row of as many items. */
void fx_delete(struct fx_lane *lane, uint64_t epoch, const struct jt_card_doomed *cards, size_t n,
               struct fx_result *out);
void fx_delete_start(struct fx_lane *lane, uint64_t epoch, const struct jt_card_doomed *cards,
                     size_t n);
/* The same of cards whose date is over. */
void fx_delete_expired(struct fx_lane *lane, uint64_t epoch, const struct jt_card_doomed *cards,
                       size_t n, struct fx_result *out);
void fx_lengthen(struct fx_lane *lane, uint64_t epoch, const struct jt_card_longer *cards, size_t n,
                 struct fx_result *out);
void fx_lengthen_start(struct fx_lane *lane, uint64_t epoch, const struct jt_card_longer *cards,
                       size_t n);
void fx_move_start(struct fx_lane *lane, const struct jt_move_txn *txn);

/*
 * The pipe's state, asked in its thread. fx_lane_wait_up waits until it came up since it was last
 * asked.
 */
bool fx_lane_ready(struct fx_lane *lane);
void fx_lane_wait_up(struct fx_lane *lane);
void fx_lane_wait_ready(struct fx_lane *lane);
/*
 * Whether the lane's guard says no to new connections from now on (store/pipe.h); and waits until
 * it was asked so many times more, with the course that it was told last.
 */
struct jt_course;
void fx_lane_guard(struct fx_lane *lane, bool refuses);
void fx_lane_wait_asked(struct fx_lane *lane, int n, struct jt_course *told);
/* From here on tokenize may be refused at once, which is its answer then. */
void fx_lane_may_refuse(struct fx_lane *lane);
/* Whether a verb is refused at once. */
bool fx_lane_refuses(struct fx_lane *lane);
/* Frees the lane while a transaction is under way; what that was answered. */
enum jt_err fx_lane_free_busy(struct fx_lane *lane);
void fx_lane_message(struct fx_lane *lane, char *out, size_t size);

/* The server process behind a lane or a blocking connection, by application name. */
int fx_backend_of(struct fx *fx, const char *application);

#endif
