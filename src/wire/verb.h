/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper can be asked: the numbers and names of wire/verbs.def. */
#ifndef JETON_WIRE_VERB_H
#define JETON_WIRE_VERB_H

#include <stdint.h>

enum jt_verb {
#define JT_VERB(number, id, name, needs, payload, request, reply) JT_VERB_##id = (number),
#include "wire/verbs.def"
#undef JT_VERB
};

/* "RING_ACCEPT", or "an unknown verb": static storage, never NULL. */
const char *jt_verb_name(uint8_t verb);

#endif
