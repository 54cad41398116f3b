/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an id of a card is made of: milliseconds since 2020-01-01T00:00:00Z, the number of the node
 * whose keeper minted it, and a count (docs/data-format.md).
 */
#ifndef JETON_MODEL_CARD_ID_H
#define JETON_MODEL_CARD_ID_H

#include <stdint.h>

#define JT_CARD_ID_NODE_BITS  8
#define JT_CARD_ID_COUNT_BITS 14
#define JT_CARD_ID_EPOCH_S    1577836800 /* 2020-01-01T00:00:00Z */

/* Milliseconds since then. */
static inline uint64_t jt_card_id_ms(uint64_t id)
{
    return id >> (JT_CARD_ID_NODE_BITS + JT_CARD_ID_COUNT_BITS);
}

/* The number of the node. */
static inline uint8_t jt_card_id_node(uint64_t id)
{
    return (uint8_t)(id >> JT_CARD_ID_COUNT_BITS);
}

#endif
