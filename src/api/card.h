/* SPDX-License-Identifier: Apache-2.0 */
/* Card numbers in bodies, for all operations that take them. */
#ifndef JETON_API_CARD_H
#define JETON_API_CARD_H

#include "api/problem.h"
#include "model/field.h"

#include <jansson.h>

/*
 * JT_OK when the vault stores what the field protects, else JT_ERR_NOT_VAULTED, with which the
 * request is to be answered (jt_request_answer_fault).
 */
enum jt_err jt_card_vaulted(enum jt_err looked_up, const struct jt_field_spec *field) JT_CHECKED;

/* Takes a member `pan` by the rules of its field; NONE when it is good. Else `pan` is wiped. */
enum jt_problem_type jt_card_take(json_t *value, const struct jt_field_spec *field,
                                  struct jt_pan *pan);

#endif
