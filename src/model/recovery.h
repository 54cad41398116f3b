/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovering a database that went back: what keepers tell each other while they refuse it, the
 * database as it is found, what would become of each generation, the request that custodians sign,
 * and the word of the keeper that carried it out (docs/keeper-protocol.md, docs/data-format.md).
 */
#ifndef JETON_MODEL_RECOVERY_H
#define JETON_MODEL_RECOVERY_H

#include "model/course.h"
#include "model/node.h"
#include "model/ring.h"

#include <stddef.h>

#define JT_RECOVERY_DIGEST      32
#define JT_RECOVERY_TEXT_MAX    60000
#define JT_RECOVERY_VIEWS_MAX   255 /* nodes */
#define JT_RECOVERY_FOUND_MAX   320 /* generations of the database that are not destroyed */
#define JT_RECOVERY_CHANGES_MAX (JT_RING_MAX + JT_RECOVERY_FOUND_MAX)

/*
 * So far the epoch of a recovery lies above the highest that is known: a keeper that was away and
 * has seen some steps more follows it all the same.
 */
#define JT_RECOVERY_STEP 1000

/* The floor of ids lies at most so far ahead of the keeper's clock. */
#define JT_RECOVERY_FLOOR_AHEAD_MS (UINT64_C(24) * 3600 * 1000)

/* What the keeper of a node remembers. */
struct jt_keeper_view {
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t incarnation[JT_INCARNATION_LEN];
    uint64_t epoch;              /* the highest */
    uint64_t highest_generation; /* that it has seen */
    uint64_t system_identifier;
    uint32_t timeline;
    uint64_t lsn, renewals;             /* of all numbers together */
    uint8_t key_ids[JT_KEY_ID_SET_LEN]; /* of the keys that it holds */
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* A generation of the database that is not destroyed, and how many cards it counts under it. */
struct jt_recovery_found {
    struct jt_generation_row row;
    uint64_t n_cards;
};

/* Large: on the heap. */
struct jt_recovery_database {
    struct jt_course course;
    struct jt_ring_row ring;
    size_t n_found, n_views;
    struct jt_recovery_found found[JT_RECOVERY_FOUND_MAX];
    struct jt_keeper_view views[JT_RECOVERY_VIEWS_MAX];
};

/* What becomes of a generation. A state of 0: that side does not know it. */
struct jt_recovery_change {
    uint64_t number;
    uint8_t key_id;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint8_t keeper_state, database_state, after; /* enum jt_generation_state */
    bool compromised;
    bool held;  /* this keeper has the key */
    bool posts; /* its row is written anew */
    uint64_t n_cards;
    bool lost; /* the cards: nobody has the key any more */
};

/* Large: on the heap. */
struct jt_recovery_plan {
    size_t n;
    struct jt_recovery_change all[JT_RECOVERY_CHANGES_MAX];
};

struct jt_recovery_request {
    char node[JT_NODE_NAME_MAX + 1]; /* whose keeper made it, and carries it out */
    uint64_t epoch;                  /* of the ring that it posts */
    uint64_t floor_ms;               /* since 2020: no id of a time up to it is minted afterwards */
    uint8_t keeper[JT_RECOVERY_DIGEST];   /* what that keeper remembered, */
    uint8_t database[JT_RECOVERY_DIGEST]; /* what the database was, */
    uint8_t plan[JT_RECOVERY_DIGEST];     /* and what would come of it */
    size_t text_len;
    char text[JT_RECOVERY_TEXT_MAX + 1]; /* what custodians sign */
    uint8_t mac[JT_ROW_MAC_LEN];
};
#define JT_RECOVERY_BODY_MAX \
    (1 + JT_NODE_NAME_MAX + 8 + 8 + 3 * JT_RECOVERY_DIGEST + 4 + JT_RECOVERY_TEXT_MAX)

/* By it every other keeper follows. */
struct jt_recovery_word {
    uint64_t epoch;
    uint8_t ring[JT_RECOVERY_DIGEST]; /* of the body of the ring of that epoch */
    struct jt_course base;            /* the database's course when it was carried out */
    uint64_t floor_ms;
    uint64_t highest_generation;
    uint8_t request[JT_RECOVERY_DIGEST]; /* of its body */
    uint8_t mac[JT_ROW_MAC_LEN];
};
#define JT_RECOVERY_WORD_MAX (8 + 32 + 8 + 4 + 8 + 1 + 255 * 9 + 8 + 8 + 32)

/* How the keeper that made a request sees it. */
enum jt_recovery_standing {
    JT_RECOVERY_WAITING = 1, /* for a second custodian */
    JT_RECOVERY_DUE = 2,
    JT_RECOVERY_STALE = 3, /* database or keeper are others by now */
};

#endif
