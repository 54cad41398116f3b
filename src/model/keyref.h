/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation as seen from stored data: its number and the key id byte that names it there; and
 * sets of key ids, a bit each.
 */
#ifndef JETON_MODEL_KEYREF_H
#define JETON_MODEL_KEYREF_H

#include <stdbool.h>
#include <stdint.h>

struct jt_keyref {
    uint64_t generation;
    uint8_t key_id;
};

/* A set of key ids: bit i % 8 of byte i / 8 is key id i. */
#define JT_KEY_ID_SET_LEN 32

static inline bool jt_key_id_set_has(const uint8_t set[static JT_KEY_ID_SET_LEN], uint8_t key_id)
{
    return (set[key_id / 8] >> key_id % 8 & 1) != 0;
}

static inline void jt_key_id_set_add(uint8_t set[static JT_KEY_ID_SET_LEN], uint8_t key_id)
{
    set[key_id / 8] |= (uint8_t)(1u << key_id % 8);
}

static inline void jt_key_id_set_remove(uint8_t set[static JT_KEY_ID_SET_LEN], uint8_t key_id)
{
    set[key_id / 8] &= (uint8_t) ~(1u << key_id % 8);
}

#endif
