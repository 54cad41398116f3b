/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's whole state: what was loaded at start, the ring it works under, and counters. One
 * thread.
 */
#ifndef JETON_KEEPER_KEEPER_H
#define JETON_KEEPER_KEEPER_H

#include "keeper/batch.h"
#include "keeper/challenges.h"
#include "keeper/custodians.h"
#include "keeper/destructions.h"
#include "keeper/fieldtable.h"
#include "keeper/honey.h"
#include "keeper/idmint.h"
#include "keeper/keyring.h"
#include "keeper/master.h"
#include "keeper/pending.h"
#include "base/fault.h"
#include "keeper/root.h"
#include "keeper/state.h"
#include "keeper/unsealing.h"
#include "model/node.h"
#include "wire/ring.h"

struct jt_keeper {
    bool development;
    bool sealed;     /* holds no keys, and refuses what needs any: keeper/unsealing.h */
    bool local;      /* started for one command, on a socket that it inherited: set by main */
    bool locked;     /* memory is locked: set by main, told by STATUS */
    int dir_fd;      /* holds the directory's lock */
    char *directory; /* its path */
    bool dir_good;   /* as of keeper/dirwatch.h at dir_checked_ms */
    int64_t dir_checked_ms;
    bool state_unsure; /* the last save failed: the file may have what it tried to write, or not */
    uint8_t incarnation[JT_INCARNATION_LEN];
    struct jt_master *master;
    struct jt_unsealing *unsealing; /* NULL: the master key lies in the clear, for development */
    struct jt_ceremony *ceremony;   /* NULL: no master key is being shared or sealed anew */
    bool rotating;        /* not every file of the last rotation is in its place: keeper/rewrap.h */
    struct jt_root *root; /* NULL: none made yet; then there are no generations either */
    struct jt_keyring *keyring;
    struct jt_keeper_state state;          /* as it stands in the state file, but the course */
    struct jt_ring ring;                   /* state.ring decoded; epoch 0: none accepted yet */
    const struct jt_ring_entry *live[256]; /* openable generations of the ring by key id */
    struct jt_batch *batch;
    struct jt_fieldtable fields; /* named since the start */
    bool ring_shown;             /* the database's ring was shown and taken since the start */
    bool joined;                 /* NODE_JOIN was done since the start: ids may be minted */
    uint64_t asking;             /* the connection whose request is handled: keeper/dispatch.h */
    enum jt_err course_why;      /* the database's course is refused: keeper/course.h */
    bool course_moved;           /* it has since state.course was saved */
    struct jt_node_spec node;    /* as joined */
    struct jt_idmint mint;
    struct jt_challenges challenges;
    struct jt_pending *pending; /* keys that were asked for */
    bool numeric_open;          /* numeric tokens may be made: keeper/op_numeric_mark.c */
    struct jt_ceiling ceiling;
    struct jt_sealcount sealcount;
    struct jt_honey honey;
    struct jt_custodians custodians;
    struct jt_destructions destructions;
    uint32_t warned_day;  /* the log was told that the day's ceiling is near */
    uint64_t n_held_back; /* not opened, because of a ceiling */
    uint64_t n_sealed, n_opened, n_resealed, n_refused, n_matched, n_mismatched, n_identified;
};

/*
 * Makes the directory and the master key file in it: under the passphrase, or, without one and for
 * development only, in the clear. JT_ERR_FILE_EXISTS when there is a master key, or keys that a
 * lost one has wrapped; JT_ERR_INVALID for a passphrase of a length that none has.
 */
enum jt_err jt_keeper_init(const char *directory, bool development, const char *phrase,
                           struct jt_fault *fault) JT_CHECKED;

/* What a keeper is loaded with. */
struct jt_keeper_source {
    const char *directory;
    bool development;
    const char *phrase; /* NULL: where the master key is sealed, the keeper is sealed as well */
    bool ceremony;      /* a directory without a master key is taken as well */
};

/*
 * Opens and locks the directory, loads and checks everything in it, unless the master key is sealed
 * and nothing is there that opens it: then the keeper is sealed. A directory with nothing but a
 * master key gives a keeper without a service root. A state file may lie beside that master key:
 * the making of a service root was cut off, and the file is not looked at. On failure `fault` says
 * what is wrong. The caller ends with jt_keeper_free, which wipes every key and gives the lock
 * back; it accepts NULL.
 */
enum jt_err jt_keeper_load(const struct jt_keeper_source *source, struct jt_keeper **out,
                           struct jt_fault *fault) JT_CHECKED;
void jt_keeper_free(struct jt_keeper *k);

/*
 * A sealed keeper goes on with this master key, which is the one that its file has sealed: it loads
 * and checks everything. On failure it is as sealed as before, and `fault` says what is wrong.
 */
enum jt_err jt_keeper_unseal(struct jt_keeper *k, const uint8_t key[static JT_MASTER_KEY_LEN],
                             struct jt_fault *fault) JT_CHECKED;

/* Wipes every key and what hangs on any. What was to be made durable before was. */
void jt_keeper_drop(struct jt_keeper *k);

/* Makes `next` durable and goes on with it. */
enum jt_err jt_keeper_save(struct jt_keeper *k, const struct jt_keeper_state *next) JT_CHECKED;
/*
 * What a save that failed may have left in the file gives way to what this keeper goes by. As long
 * as that fails, state_unsure stays.
 */
void jt_keeper_save_again(struct jt_keeper *k);

/*
 * Makes `row`, which is authentic and decodes to `ring`, durable and works under it. The policy has
 * been asked already.
 */
enum jt_err jt_keeper_adopt(struct jt_keeper *k, const struct jt_ring_row *row,
                            const struct jt_ring *ring) JT_CHECKED;
/* The same with another state beside, in one write. */
enum jt_err jt_keeper_adopt_with(struct jt_keeper *k, const struct jt_keeper_state *state,
                                 const struct jt_ring_row *row,
                                 const struct jt_ring *ring) JT_CHECKED;

/*
 * Makes the service root of a keeper that has none. An empty state file under it is written first,
 * and then its own file. So a crash leaves either no service root, or a whole one with its state.
 */
enum jt_err jt_keeper_make_root(struct jt_keeper *k) JT_CHECKED;

/*
 * The same with a root that another keeper has made, and what is to be remembered from the start.
 * It becomes the keeper's when this succeeds.
 */
enum jt_err jt_keeper_take_root(struct jt_keeper *k, struct jt_root *root,
                                const struct jt_keeper_state *state) JT_CHECKED;

/*
 * Makes it durable that this keeper mints ids for `node`, and that ids up to the time `newest_ms`
 * exist. From here on it may mint, above all that is known of the node's number.
 */
enum jt_err jt_keeper_join(struct jt_keeper *k, const struct jt_node_spec *node,
                           uint64_t newest_ms) JT_CHECKED;

/* The row of a ring, with its MAC. */
enum jt_err jt_keeper_ring_row(const struct jt_keeper *k, const struct jt_ring *ring,
                               struct jt_ring_row *row) JT_CHECKED;

/* The row of the node that has joined, as it is now. */
enum jt_err jt_keeper_node_row(const struct jt_keeper *k, struct jt_node_row *row) JT_CHECKED;

/* The wall clock in milliseconds since 2020-01-01T00:00:00Z; 0 before that. */
uint64_t jt_keeper_now_ms(void);

/*
 * The clean end. The mark in the state file lies ahead of the ids, and the count of opened cards
 * ahead of what was opened; both are set back. No id may be minted and no card opened after that. A
 * failure only makes the next ids begin up to a minute ahead of the clock, and the count too high.
 */
enum jt_err jt_keeper_settle(struct jt_keeper *k) JT_CHECKED;

/* Makes it durable that all numbers of generations up to `number` were used. */
enum jt_err jt_keeper_saw_generation(struct jt_keeper *k, uint64_t number) JT_CHECKED;

#endif
