/* SPDX-License-Identifier: Apache-2.0 */
#include "api/card.h"

#include "pan/numeric.h"

enum jt_problem_type jt_card_take(json_t *value, const struct jt_card_terms *terms,
                                  struct jt_pan *pan)
{
    if (!json_is_string(value)) {
        return JT_PROBLEM_PAN_NOT_A_STRING;
    }
    return jt_problem_of_pan(jt_pan_take(json_string_value(value), json_string_length(value),
                                         &terms->rules, terms->require_luhn, pan));
}

enum jt_err jt_card_terms_of(const struct jt_field_spec *field, struct jt_card_terms *terms)
{
    terms->require_luhn = !field->allow_bad_luhn;
    return jt_card_rules_decode(field->rules, field->rules_len, &terms->rules);
}

enum jt_err jt_card_vaulted(enum jt_err looked_up, const struct jt_field_spec *field)
{
    struct jt_numeric_form ignored;
    if (looked_up != JT_OK) {
        return looked_up;
    }
    bool known = field->token_form == 0 || jt_numeric_form_decode(field->token_form, &ignored);
    return field->kind != JT_FIELD_PAN ? JT_ERR_NOT_VAULTED : known ? JT_OK : JT_ERR_FIELD_RULES;
}
