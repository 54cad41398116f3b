/* SPDX-License-Identifier: Apache-2.0 */
#include "api/card.h"

#include "base/secmem.h"

enum jt_problem_type jt_card_take(json_t *value, const struct jt_field_spec *field,
                                  struct jt_pan *pan)
{
    if (!json_is_string(value)) {
        return JT_PROBLEM_PAN_NOT_A_STRING;
    }
    enum jt_pan_fault fault = jt_pan_parse(json_string_value(value), json_string_length(value),
                                           !field->allow_bad_luhn, pan);
    if (fault != JT_PAN_GOOD) {
        jt_wipe(pan, sizeof *pan);
    }
    return jt_problem_of_pan(fault);
}

enum jt_err jt_card_vaulted(enum jt_err looked_up, const struct jt_field_spec *field)
{
    return looked_up == JT_OK && field->kind != JT_FIELD_PAN ? JT_ERR_NOT_VAULTED : looked_up;
}
