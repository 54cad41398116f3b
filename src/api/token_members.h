/* SPDX-License-Identifier: Apache-2.0 */
/* How the tokens of a field look, as member `token` of its body. */
#ifndef JETON_API_TOKEN_MEMBERS_H
#define JETON_API_TOKEN_MEMBERS_H

#include "api/members.h"
#include "base/err.h"
#include "model/field.h"

/* What is said of it. */
struct jt_token_said {
    bool said;    /* the member is there */
    bool numeric; /* "format" */
    bool leading_said, last_said;
    uint8_t leading, last;
    bool any; /* one of what only numeric tokens have was said */
    bool luhn_valid;
};

#define JT_TOKEN_MUST "an object with format and, if that is numeric, leading, last and luhn"
extern const struct jt_members jt_token_members;

/* The byte for the field's row. JT_ERR_NUMERIC_ONLY: these do not go together. */
enum jt_err jt_token_form_of(const struct jt_token_said *said, uint8_t *form) JT_CHECKED;

/* NULL when there is no memory; null where the form is none of this version. */
json_t *jt_token_json(const struct jt_field_spec *field);

#endif
