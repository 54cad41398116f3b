/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything of the vault that one event loop owns: its keeper connection and the lanes for
 * tokenize, detokenize and re-encryption, its memory of clients and fields, and the inbox for what
 * workers did for it. Loops share nothing but struct jt_vault.
 */
#ifndef JETON_VAULT_LANES_H
#define JETON_VAULT_LANES_H

#include "vault/delete.h"
#include "vault/detokenize.h"
#include "vault/directory.h"
#include "vault/held.h"
#include "vault/lookup.h"
#include "vault/once.h"
#include "vault/recall.h"
#include "vault/tokenize.h"

enum jt_lanes_state { JT_LANES_STARTING, JT_LANES_UP, JT_LANES_NO_KEEPER, JT_LANES_NO_DATABASE };

/*
 * So many lanes of a kind in one loop: requests of few cards all go through the first, where they
 * gather into batches, and large ones wait for the second. While no small ones come the first helps
 * with the large, so that the database is at work on one batch while the keeper and this loop are
 * on another. While they do come it stands by for them, and batches of large ones are brief.
 */
#define JT_LANES_EACH 2
#define JT_LANES_MAX  (2 * JT_LANES_EACH + 6)

/* So many loops may a front have. */
#define JT_LOOPS_MAX 64

struct jt_lanes {
    int index;
    enum jt_lanes_state state;
    int64_t started_ms;
    struct jt_vault *vault;
    struct jt_loop *loop;
    struct jt_inbox inbox;
    struct jt_keyclient *keeper;
    struct jt_refresher *refresher;
    struct jt_directory *directory;
    struct jt_lane *tokenize[JT_LANES_EACH], *detokenize[JT_LANES_EACH], *lookup, *delete, *held,
        *recall, *once, *reencrypt;
    bool ending; /* lanes go: no request is taken any more by one that may be gone */
    struct jt_lane *all[JT_LANES_MAX]; /* the same, in the order in which they end */
    size_t n;
    uint32_t n_writers;
    struct jt_histogram keeper_us; /* of calls to the keeper; read by any thread */
};

/*
 * `index` counts the loops from 0, JT_LOOPS_MAX at most: it chooses the rows of the tally that this
 * loop adds to. The owner calls jt_inbox_drain on lanes->inbox whenever the loop is woken.
 */
enum jt_err jt_lanes_init(struct jt_lanes *lanes, struct jt_vault *vault, struct jt_loop *loop,
                          int index) JT_CHECKED;

/*
 * Ends every request that is under way with JT_ERR_STOPPING. Call after the workers have been
 * stopped.
 */
void jt_lanes_clear(struct jt_lanes *lanes);

/* Hands a request to a lane. False: its client has its share of a full queue already. */
bool jt_lanes_tokenize(struct jt_lanes *lanes, struct jt_tokenize_request *request);
bool jt_lanes_detokenize(struct jt_lanes *lanes, struct jt_detokenize_request *request);
bool jt_lanes_delete(struct jt_lanes *lanes, struct jt_delete_request *request);
bool jt_lanes_held(struct jt_lanes *lanes, struct jt_held_request *request);
bool jt_lanes_lookup(struct jt_lanes *lanes, struct jt_lookup_request *request);
bool jt_lanes_recall(struct jt_lanes *lanes, struct jt_recall_request *request);
/* False as well when the lanes are going. */
bool jt_lanes_once(struct jt_lanes *lanes, struct jt_once_request *request);

/* Starts what has gathered: call after each round of the loop, once requests have been taken in. */
void jt_lanes_pump(struct jt_lanes *lanes);

/*
 * Whether this front can serve: keeper and database connections of every loop stand, the node is
 * registered and its lease runs, the keeper has the ring and its keys. A fresh installation is
 * ready before its first generation is active, so that whoever must activate one gets through to
 * it.
 */
bool jt_vault_ready(struct jt_vault *vault);

/* Whether the tables are in shape, and the last transactions did what they were told. */
bool jt_vault_database_good(const struct jt_vault *vault);

/* The same in parts, for people: what of it stands. */
struct jt_readiness {
    bool keeper, database; /* connections of this loop */
    bool registered, ring, ids;
    bool lease;     /* it runs: cards are served */
    bool keys;      /* the keeper holds the keys of all live generations */
    bool sets;      /* clients and fields are verified */
    bool directory; /* the keeper's files are there */
    bool numeric;   /* numeric tokens are issued; a node that does not is ready all the same */
    bool history;   /* the database is what the keeper has seen of it */
    bool schema;    /* the tables are in shape, and the database does what it is told */
};
struct jt_readiness jt_lanes_readiness(const struct jt_lanes *lanes);
/* The same of the whole front: `keeper` and `database` are the connections of all loops. */
struct jt_readiness jt_vault_readiness(struct jt_vault *vault);

#endif
