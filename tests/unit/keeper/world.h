/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting of the tests that go through the life of generations: a real keeper with an empty
 * ring accepted and its node joined, a client of each kind, the ring as the database would have it,
 * and cards.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_WORLD_H
#define JETON_TESTS_UNIT_KEEPER_WORLD_H

#include "keeper_process.h"
#include "keyclient/keyclient.h"

#define N_CARDS    3000 /* more than two chunks of the keeper's */
#define FIELD_A    1    /* with dedup */
#define FIELD_B    2    /* without */
#define WORLD_NODE 7    /* the number of the only one */

struct card {
    uint64_t id;
    uint8_t token[16];
    uint8_t pan[8];
    uint8_t envelope[32];
    uint16_t envelope_len;
    uint8_t fingerprint[16];
};

struct world {
    uint64_t db_highest; /* the highest number that the test's database knows */
    struct keeper k;
    struct jt_keyclient *kc;
    int fd; /* a greeted connection, for the batch verbs */
    struct jt_buf payload, reply;
    /* FIELD_A and FIELD_B, as the database would have them, and their set */
    struct jt_field_row fields[2];
    struct jt_set_row field_set;
    struct jt_ring_row ring; /* as the database would have it */
    struct card cards[N_CARDS];
    struct jt_seal_result sealed[N_CARDS];
    struct jt_open_result opened[N_CARDS];
    struct jt_reseal_result resealed[N_CARDS];
};

/* For cmocka: *state becomes a struct world. */
int world_setup(void **state);
int world_teardown(void **state);

/* Names the fields to a keeper that has started. */
void world_name_fields(struct world *w);

void world_connect(struct world *w);
void world_disconnect(struct world *w);

/* Ends the keeper with a signal, starts it again and connects. */
void world_restart(struct world *w, int signal);

/* The ring, without a look at whether the node has joined. */
enum jt_err world_accept(struct world *w, const struct jt_ring_row *row);

/* Joins, with no rows to show. Due again after each restart. */
void world_join(struct world *w);

/* A new future generation. */
extern const uint8_t world_no_key_ids[JT_KEY_ID_SET_LEN];
struct jt_generation_row world_create(struct world *w);

/* Proposes and accepts; rows[0] replaces *g, rows[1] goes to *other if there is one. */
void world_step(struct world *w, struct jt_generation_row *g, enum jt_generation_state target,
                struct jt_generation_row *other);

/*
 * Seals all cards: every third one in field B. The results are in w->sealed until the next call;
 * keeping them stores them in the cards.
 */
struct jt_seal_reply world_seal(struct world *w);
struct jt_seal_reply world_seal_probing(struct world *w,
                                        uint8_t retired); /* a key id to ask for, or 0 */
void world_keep_sealed(struct world *w, const struct jt_seal_reply *reply);

/*
 * Opens all cards' envelopes, into w->opened; checks that all open to their PANs, or that none
 * does, for this reason.
 */
void world_open(struct world *w);
void world_all_open(struct world *w, bool draining);
void world_none_opens(struct world *w, enum jt_err why);

/* Reseals the first `n` cards. */
struct jt_reseal_reply world_reseal(struct world *w, size_t n);

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

#endif
