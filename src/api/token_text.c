/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token_text.h"

#include "pan/numeric.h"

enum jt_problem_type jt_token_take_text(const struct jt_field_spec *field, const char *text,
                                        size_t len, uint8_t token[static JT_TOKEN_LEN])
{
    enum jt_err err = field->token_form != 0 ? jt_numeric_token_parse(text, len, token)
                                             : jt_token_parse(text, len, token);
    return err == JT_OK ? JT_PROBLEM_NONE : JT_PROBLEM_TOKEN_MALFORMED;
}

enum jt_problem_type jt_token_take(const struct jt_field_spec *field, const json_t *value,
                                   uint8_t token[static JT_TOKEN_LEN])
{
    return json_is_string(value) ? jt_token_take_text(field, json_string_value(value),
                                                      json_string_length(value), token)
                                 : JT_PROBLEM_TOKEN_MALFORMED;
}

void jt_token_text(const struct jt_field_spec *field, const uint8_t token[static JT_TOKEN_LEN],
                   char out[static JT_ANY_TOKEN_TEXT_LEN + 1])
{
    if (field->token_form != 0) {
        jt_numeric_token_format(token, out);
    } else {
        jt_token_format(token, out);
    }
}
