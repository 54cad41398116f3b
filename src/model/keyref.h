/* SPDX-License-Identifier: Apache-2.0 */
/* A generation as seen from stored data: its number and the key id byte that names it there. */
#ifndef JETON_MODEL_KEYREF_H
#define JETON_MODEL_KEYREF_H

#include <stdint.h>

struct jt_keyref {
    uint64_t generation;
    uint8_t key_id;
};

#endif
