/* SPDX-License-Identifier: Apache-2.0 */
#include "api/field_json.h"

#include "api/rules_members.h"
#include "api/token_members.h"

#include <string.h>

json_t *jt_field_json(const struct jt_field_row *row)
{
    const struct jt_field_spec *f = &row->spec;
    json_t *rules = f->kind == JT_FIELD_PAN ? jt_rules_json(f) : NULL;
    return json_pack("{ss,si,ss,sb,sb,si,ss,so*,so*,ss*}", "name", f->name, "id", (int)f->id,
                     "kind", jt_field_kind_name(f->kind), "dedup", (int)f->dedup, "allow_bad_luhn",
                     (int)f->allow_bad_luhn, "mask_digits", f->mask_eight ? 8 : 6, "state",
                     row->state == JT_ROW_ACTIVE ? "active" : "disabled", "rules", rules, "token",
                     f->kind == JT_FIELD_PAN ? jt_token_json(f) : NULL, "column",
                     f->column[0] == '\0' ? NULL : f->column);
}

bool jt_field_state_parse(const char *text, enum jt_patch_flag *disabled)
{
    bool on = text != NULL && strcmp(text, "active") == 0;
    bool off = text != NULL && strcmp(text, "disabled") == 0;
    *disabled = off ? JT_PATCH_SET : JT_PATCH_CLEAR;
    return on || off;
}
