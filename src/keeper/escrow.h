/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escrow file (docs/key-files.md): what a keeper cannot do without, sealed under a key of the
 * master key. That is the service root, every generation's key, and what must not be forgotten: up
 * to where each node number has minted, which sets and which numeric tokens were seen, how far
 * epochs and generations have come. So a node whose directory is lost is set up again from it and
 * the master key, and neither opens less nor mints an id twice.
 *
 * What is not in it: the keeper's own node number (it may be restored beside a keeper that has it),
 * its counts of opened cards and sealed messages, and the ring, which the database has.
 *
 * Bytes and struct only; op_escrow.c says what is put in and what is taken out.
 */
#ifndef JETON_KEEPER_ESCROW_H
#define JETON_KEEPER_ESCROW_H

#include "keeper/genfile.h"
#include "keeper/state.h"
#include "model/escrow.h"

struct jt_escrow_entry {
    struct jt_genfile meta;
    uint8_t key[JT_GENERATION_KEY_LEN];
};

/* In secret memory. */
struct jt_escrow {
    uint64_t created_s;
    uint8_t root_check_value[JT_CHECK_VALUE_LEN];
    uint64_t root_created_s;
    uint8_t root[JT_TOKENKEY_ROOT_LEN];
    uint64_t epoch; /* of the ring; 0: none yet */
    /* of it: highest_generation, node_marks, seen, operators_revoked, numeric */
    struct jt_keeper_state state;
    size_t n;
    struct jt_escrow_entry entries[JT_ESCROW_MAX_KEYS]; /* ascending by number */
};

enum jt_err jt_escrow_seal(const struct jt_master *master, const struct jt_escrow *escrow,
                           struct jt_escrow_file *out) JT_CHECKED;

/*
 * Opens it and looks at every key: its check value must be the one that stands in front.
 * JT_ERR_FILE_ALTERED: malformed, altered, or of another master key; JT_ERR_FILE_FOREIGN: of
 * another environment. `escrow` is wiped on failure.
 */
enum jt_err jt_escrow_open(const struct jt_master *master, bool development,
                           const struct jt_escrow_file *file, struct jt_escrow *escrow) JT_CHECKED;

/* The check value of the master key that sealed it, as it says; NULL when it is too short. */
const uint8_t *jt_escrow_master_check_value(const struct jt_escrow_file *file);

#endif
