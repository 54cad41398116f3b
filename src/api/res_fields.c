/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/fields: list and add. */
#include "api/field_json.h"
#include "api/operation.h"
#include "api/rules_members.h"
#include "api/token_members.h"
#include "vault/registry.h"

#include <stdlib.h>

/* --- list --- */

struct fields {
    struct jt_field_row *rows;
    size_t n;
};

static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct fields *f = state;
    return jt_sets_fields(ctx, &f->rows, &f->n);
}

static json_t *list_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct fields *f = state;
    json_t *fields = json_array();
    for (size_t i = 0; i < f->n; i++) {
        (void)json_array_append_new(fields, jt_field_json(&f->rows[i]));
    }
    return json_pack("{so}", "fields", fields);
}

static void list_clear(void *state)
{
    free(((struct fields *)state)->rows);
}

const struct jt_operation jt_operation_fields_list = {
    .state_size = sizeof(struct fields),
    .act = list,
    .status = 200,
    .answer = list_answer,
    .clear = list_clear,
};

/* --- add --- */

struct addition {
    struct jt_field_spec spec;
    struct jt_card_rules_patch rules;
    uint8_t state; /* enum jt_standing */
    struct jt_token_said token;
};

static const struct jt_member members[] = {
    { "name", &jt_member_text, JT_MEMBER_AT(struct addition, spec.name), .required = true,
      .valid = jt_field_name_valid, .must = "1 to 64 of a-z 0-9 _ . - and start with a letter" },
    { "kind", &jt_member_field_kind, JT_MEMBER_AT(struct addition, spec.kind),
      .must = "pan or bytes" },
    { "dedup", &jt_member_flag, JT_MEMBER_AT(struct addition, spec.dedup), .fallback = true,
      .must = "true or false" },
    { "allow_bad_luhn", &jt_member_flag, JT_MEMBER_AT(struct addition, spec.allow_bad_luhn),
      .must = "true or false" },
    { "mask_digits", &jt_member_mask_digits, JT_MEMBER_AT(struct addition, spec.mask_eight),
      .must = "6 or 8" },
    { "rules", &jt_member_object, JT_MEMBER_AT(struct addition, rules), .must = JT_RULES_MUST,
      .within = &jt_rules_members },
    { "token", &jt_member_object, JT_MEMBER_AT(struct addition, token), .must = JT_TOKEN_MUST,
      .within = &jt_token_members },
};

static enum jt_err add(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct addition *a = state;
    struct jt_field_spec *spec = &a->spec;
    if (spec->kind == JT_FIELD_BYTES) {
        spec->dedup = false; /* nothing is stored that could be linked */
    } else {
        spec->kind = JT_FIELD_PAN;
    }
    jt_work_about(ctx, "field %s", jt_name_is_cardlike(spec->name) ? "" : spec->name);
    a->state = JT_ROW_ACTIVE;
    enum jt_err err = jt_token_form_of(&a->token, &spec->token_form);
    return err == JT_OK ? jt_registry_add_field(ctx, spec, &a->rules, call->actor) : err;
}

static enum jt_err add_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct addition *a = state;
    struct jt_field_row row;
    (void)call;
    enum jt_err err = jt_token_form_of(&a->token, &a->spec.token_form);
    if (err == JT_OK) {
        err = jt_registry_get_field_row(ctx, a->spec.name, &row);
    }
    if (err != JT_OK) {
        return err;
    }
    bool bytes = a->spec.kind == JT_FIELD_BYTES;
    bool is_it = (row.spec.kind == JT_FIELD_BYTES) == bytes &&
                 row.spec.dedup == (a->spec.dedup && !bytes) &&
                 row.spec.token_form == a->spec.token_form;
    a->spec = row.spec;
    a->state = row.state;
    return is_it ? JT_OK : JT_ERR_FIELD_EXISTS;
}

static json_t *add_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct addition *a = state;
    struct jt_field_row row = { .spec = a->spec, .state = a->state };
    return jt_field_json(&row);
}

const struct jt_operation jt_operation_field_add = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct addition),
    .act = add,
    .status = 201,
    .answer = add_answer,
    .once = JT_ONCE_TAKEN,
    .again = add_again,
};
