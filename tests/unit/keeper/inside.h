/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper inside the test's own process: its directory is real, its requests go straight to the
 * dispatcher. For what a real process cannot be made to do: envelopes with ids of any time, rings
 * with wrong contents, a kill at a moment that the test chooses.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_INSIDE_H
#define JETON_TESTS_UNIT_KEEPER_INSIDE_H

#include "keeper/dispatch.h"
#include "keeper/keeper.h"
#include "keeper/rowmac.h"
#include "keeper_process.h"
#include "wire/node.h"

#define FIELD        3
#define FIELD_LINKED 1 /* the only one without dedup: its cards' fingerprints go by their ids */
#define NODE         9
#define N_NAMED      300 /* fields 1 to so many are named to the keeper */

struct inside {
    struct keeper files; /* only its directory */
    struct jt_keeper *k;
    struct jt_session session;
    struct jt_buf payload, reply;
    struct jt_ring_row ring;
};

/* A stored row. */
struct row {
    uint32_t field;
    uint64_t id;
    uint8_t pan[8];
    uint8_t fingerprint[16];
    uint8_t envelope[25];
    uint8_t token[16];
};

/*
 * For cmocka: *state becomes a struct inside with a master key and nothing else, or with one active
 * generation as well.
 */
int inside_setup_bare(void **state);
int inside_setup(void **state);
int inside_teardown(void **state);

/* A second keeper of the same installation: with the master key of the first, and nothing else. */
struct inside *inside_beside(const struct inside *first);

/* Loads it again; after a clean end, or as if it had been killed. Not joined. */
void inside_restart(struct inside *in, bool clean);

/* Asks with in->payload, which is empty afterwards; the reply's payload and its status. */
enum jt_err inside_ask(struct inside *in, uint8_t verb, struct jt_reader *out);

/* A new future generation; `db_highest` as the database would know it. */
struct jt_generation_row inside_create(struct inside *in, uint64_t db_highest);

/* A new generation becomes active; its number. The one before drains. */
uint64_t inside_roll(struct inside *in);

/* The row of a generation that the ring lists. */
struct jt_generation_row inside_row(struct inside *in, uint64_t number);

/* Accepts the ring of another keeper. */
enum jt_err inside_accept(struct inside *in, const struct jt_ring_row *ring);

/* A draining generation retires. */
void inside_retire(struct inside *in, uint64_t number);

/* NODE_JOIN with these rows. */
enum jt_err inside_join(struct inside *in, uint8_t number, const struct row *rows, size_t n,
                        bool accept_ahead, struct jt_node_joined *out);

/* Seals `n` cards (PANs from `first` on), of FIELD or of FIELD_LINKED, into rows. */
void inside_seal(struct inside *in, size_t first, bool dedup, struct row *rows, size_t n);

/* A row as a keeper of these keys would have made it at that time. */
struct row inside_forge(struct inside *in, uint64_t generation, uint64_t id);

#define IN_A_KEEPER(test) cmocka_unit_test_setup_teardown(test, inside_setup, inside_teardown)
#define IN_A_BARE_KEEPER(test) \
    cmocka_unit_test_setup_teardown(test, inside_setup_bare, inside_teardown)

#endif
