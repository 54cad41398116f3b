/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/verb.h"

const char *jt_verb_name(uint8_t verb)
{
    switch (verb) {
#define JT_VERB(number, id, name, needs, payload, request, reply) \
    case JT_VERB_##id:                                            \
        return #id;
#include "wire/verbs.def"
#undef JT_VERB
    }
    return "an unknown verb";
}
