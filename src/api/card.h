/* SPDX-License-Identifier: Apache-2.0 */
/* Card numbers in bodies, for all operations that take them. */
#ifndef JETON_API_CARD_H
#define JETON_API_CARD_H

#include "api/problem.h"
#include "model/field.h"
#include "pan/rules.h"

#include <jansson.h>

/*
 * JT_OK when the vault stores what the field protects, else JT_ERR_NOT_VAULTED, or
 * JT_ERR_FIELD_RULES where its tokens have a form that this version does not know: with these the
 * request is to be answered (jt_request_answer_fault).
 */
enum jt_err jt_card_vaulted(enum jt_err looked_up, const struct jt_field_spec *field) JT_CHECKED;

/* What a field takes as a card number. */
struct jt_card_terms {
    struct jt_card_rules rules;
    bool require_luhn;
};

/* JT_ERR_FIELD_RULES; vault/directory.h gives no such field. */
enum jt_err jt_card_terms_of(const struct jt_field_spec *field,
                             struct jt_card_terms *terms) JT_CHECKED;

/*
 * Takes a member `pan`, for every operation that is given one: so they all know a card as the same.
 * NONE when it is good. Else `pan` is zero, unless it was no string: then it is left alone.
 */
enum jt_problem_type jt_card_take(json_t *value, const struct jt_card_terms *terms,
                                  struct jt_pan *pan);

#endif
