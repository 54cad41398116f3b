/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An escrow file: all keys of one keeper in one sealed piece, to be kept where a lost directory
 * does not reach (docs/key-files.md). It is bytes for everybody but keepers. In front of what is
 * sealed stands in the clear which generations are in it.
 */
#ifndef JETON_MODEL_ESCROW_H
#define JETON_MODEL_ESCROW_H

#include "base/err.h"
#include "model/ring.h"

/* The longest: with as many keys and node marks as there can be. */
#define JT_ESCROW_MAX_KEYS  JT_RING_MAX
#define JT_ESCROW_HEAD_LEN  (8 + 1 + 1 + 2 + 8 + JT_CHECK_VALUE_LEN + JT_CHECK_VALUE_LEN + 8)
#define JT_ESCROW_ENTRY_LEN (8 + 1 + 1 + JT_CHECK_VALUE_LEN)
#define JT_ESCROW_MAX                                                                             \
    (JT_ESCROW_HEAD_LEN + JT_ESCROW_MAX_KEYS * (JT_ESCROW_ENTRY_LEN + 8 + 32) + 16 + 8 + 32 + 8 + \
     2 * (8 + JT_ROW_MAC_LEN) + 8 + 8 + 8 + 4 + 1 + 255 * (1 + 8))

struct jt_escrow_file {
    size_t len;
    uint8_t bytes[JT_ESCROW_MAX];
};

/* One generation in a file that was checked. */
struct jt_escrow_key {
    uint64_t number;
    uint8_t key_id;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    /* JT_OK: the keeper holds the same; JT_ERR_KEY_MISSING: none; JT_ERR_KEY_WRONG: another one */
    enum jt_err verdict;
};

struct jt_escrow_report {
    uint64_t created_s; /* when the file was made, since 1970 */
    uint64_t epoch;     /* of the ring then; 0: none */
    uint16_t n_absent;  /* generations that the keeper holds and the file does not */
    size_t n;
    struct jt_escrow_key keys[JT_ESCROW_MAX_KEYS]; /* ascending by number */
};

#endif
