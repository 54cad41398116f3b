/* SPDX-License-Identifier: Apache-2.0 */
/* A value of a field in the clear, in somebody else's memory: whoever owns that wipes it. */
#ifndef JETON_MODEL_VALUE_H
#define JETON_MODEL_VALUE_H

#include "model/field.h"

#include <stddef.h>

struct jt_value {
    const uint8_t *bytes; /* of JT_FIELD_PAN: packed BCD */
    uint16_t len;         /* at most JT_PLAINTEXT_MAX */
    uint8_t kind;         /* enum jt_field_kind: the field's, never the caller's choice */
};

/* Whether a value of that kind may be so long; what the bytes are is not looked at. */
bool jt_value_len_valid(uint8_t kind, size_t len);

#endif
