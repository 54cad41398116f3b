/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token_members.h"

#include "api/json.h"
#include "pan/numeric.h"

#include <string.h>

/* Each sees the whole: it notes that it was said, too. */
#define WHOLE .offset = 0, .size = sizeof(struct jt_token_said)

static bool take_format(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_token_said *out = at;
    const char *text = jt_json_text(value);
    out->said = true;
    out->numeric = text != NULL && strcmp(text, "numeric") == 0;
    return out->numeric || (text != NULL && strcmp(text, "opaque") == 0);
}

static bool take_leading(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_token_said *out = at;
    json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
    out->any = out->leading_said = true;
    out->leading = (uint8_t)n;
    return n == 0 || n == 6 || n == 8;
}

static bool take_last(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_token_said *out = at;
    json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
    out->any = out->last_said = true;
    out->last = (uint8_t)n;
    return n == 0 || n == 4;
}

static bool take_luhn(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_token_said *out = at;
    const char *text = jt_json_text(value);
    out->any = true;
    out->luhn_valid = text != NULL && strcmp(text, "valid") == 0;
    return out->luhn_valid || (text != NULL && strcmp(text, "failing") == 0);
}

static const struct jt_member_kind format = { "string", take_format },
                                   leading = { "integer", take_leading },
                                   last = { "integer", take_last }, luhn = { "string", take_luhn };

static const struct jt_member members[] = {
    { "format", &format, WHOLE, .required = true, .must = "opaque or numeric" },
    { "leading", &leading, WHOLE, .must = "0, 6 or 8" },
    { "last", &last, WHOLE, .must = "0 or 4" },
    { "luhn", &luhn, WHOLE, .must = "failing or valid" },
};

const struct jt_members jt_token_members = JT_MEMBERS(members);

enum jt_err jt_token_form_of(const struct jt_token_said *said, uint8_t *form)
{
    *form = 0;
    if (!said->numeric) {
        return said->any ? JT_ERR_NUMERIC_ONLY : JT_OK;
    }
    const struct jt_numeric_form numeric = { .leading = said->leading_said ? said->leading : 6,
                                             .last = said->last_said ? said->last : 4,
                                             .luhn_valid = said->luhn_valid };
    *form = jt_numeric_form_encode(&numeric);
    return JT_OK;
}

json_t *jt_token_json(const struct jt_field_spec *field)
{
    struct jt_numeric_form form;
    if (field->token_form == 0) {
        return json_pack("{ss}", "format", "opaque");
    }
    if (!jt_numeric_form_decode(field->token_form, &form)) {
        return json_null();
    }
    return json_pack("{ss,si,si,ss}", "format", "numeric", "leading", (int)form.leading, "last",
                     (int)form.last, "luhn", form.luhn_valid ? "valid" : "failing");
}
