/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as text: opaque ones, and numeric ones, as the field has them. */
#ifndef JETON_API_TOKEN_TEXT_H
#define JETON_API_TOKEN_TEXT_H

#include "api/problem.h"
#include "model/field.h"
#include "pan/token.h"

#include <jansson.h>

#define JT_ANY_TOKEN_TEXT_LEN JT_TOKEN_TEXT_LEN /* of the longest */

/* TOKEN_MALFORMED, or NONE and the token as it travels inside the service. */
enum jt_problem_type jt_token_take_text(const struct jt_field_spec *field, const char *text,
                                        size_t len, uint8_t token[static JT_TOKEN_LEN]);
enum jt_problem_type jt_token_take(const struct jt_field_spec *field, const json_t *value,
                                   uint8_t token[static JT_TOKEN_LEN]);

/* The text and a NUL. */
void jt_token_text(const struct jt_field_spec *field, const uint8_t token[static JT_TOKEN_LEN],
                   char out[static JT_ANY_TOKEN_TEXT_LEN + 1]);

#endif
