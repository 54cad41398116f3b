/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/registry.h"

#include "base/secmem.h"
#include "model/client.h"
#include "pan/numeric.h"
#include "store/fields.h"
#include "vault/sets.h"

#include <string.h>

#define TRIES 5

/* Whether a change may have been made that ended so. */
static bool may_stand(enum jt_err err)
{
    return err == JT_OK || err == JT_ERR_IN_DOUBT || jt_err_class(err) == JT_CLASS_REPEAT;
}

/*
 * What a change came to, once the database has been read back (vault/client_change.c tells why).
 * Reading it back names the field to the keeper, too.
 */
static enum jt_err settle_field(struct jt_work_ctx *ctx, enum jt_err err,
                                const struct jt_field_row *made)
{
    if (!may_stand(err)) {
        return err;
    }
    if (jt_sets_refresh(ctx, JT_SET_FIELDS, false) != JT_OK) {
        return err == JT_OK ? JT_ERR_SETS_UNVERIFIED : err;
    }
    struct jt_field_row row;
    enum jt_err found = jt_sets_field(ctx, made->spec.name, &row);
    bool ours = found == JT_OK && jt_equal_ct(row.mac, made->mac, sizeof row.mac);
    return ours ? JT_OK : err == JT_OK ? JT_ERR_SET_OLD : err;
}

static enum jt_err add_field(struct jt_work_ctx *ctx, struct jt_field_spec *spec,
                             const struct jt_act *act)
{
    struct jt_field_row row;
    struct jt_set_row set;
    struct jt_field_change change;
    enum jt_err err = jt_sets_row(ctx, JT_SET_FIELDS, &set, &spec->id);
    if (err == JT_OK) {
        err = jt_sets_field(ctx, spec->name, &row);
        err = err == JT_OK ? JT_ERR_FIELD_EXISTS : err == JT_ERR_NO_FIELD ? JT_OK : err;
    }
    if (err == JT_OK && jt_name_is_cardlike(spec->name)) {
        err = JT_ERR_CARDLIKE;
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_field_make(ctx->keeper, spec, &set, &change);
    }
    return err == JT_OK ? settle_field(ctx, jt_field_insert(ctx->db, &change, act), &change.row)
                        : err;
}

/* Where all is said, it does not matter what was. */
static enum jt_err apply_rules(const struct jt_card_rules_patch *patch, struct jt_field_spec *spec)
{
    struct jt_card_rules r;
    if (patch->said == 0) {
        return JT_OK;
    }
    enum jt_err err = jt_card_rules_decode(spec->rules, spec->rules_len, &r);
    if (err != JT_OK && patch->said != JT_RULES_ALL) {
        return err;
    }
    if ((patch->said & JT_RULE_LUHN_EXEMPT) != 0) {
        r.n_exempt = patch->rules.n_exempt;
        memcpy(r.exempt, patch->rules.exempt, sizeof r.exempt);
    }
    r.lengths = (patch->said & JT_RULE_LENGTHS) != 0 ? patch->rules.lengths : r.lengths;
    r.zeros = (patch->said & JT_RULE_LEADING_ZEROS) != 0 ? patch->rules.zeros : r.zeros;
    r.refuse_all_zeros =
        (patch->said & JT_RULE_ALL_ZEROS) != 0 ? patch->rules.refuse_all_zeros : r.refuse_all_zeros;
    r.refuse_test_cards = (patch->said & JT_RULE_TEST_CARDS) != 0 ? patch->rules.refuse_test_cards
                                                                  : r.refuse_test_cards;
    r.normalise = (patch->said & JT_RULE_NORMALISE) != 0 ? patch->rules.normalise : r.normalise;
    r.max_lifetime_s =
        (patch->said & JT_RULE_MAX_LIFETIME) != 0 ? patch->rules.max_lifetime_s : r.max_lifetime_s;
    spec->rules_len = (uint8_t)jt_card_rules_encode(&r, spec->rules);
    return JT_OK;
}

/* The keeper would refuse it, but not say why. */
static enum jt_err check_kind(const struct jt_field_spec *spec)
{
    struct jt_numeric_form form;
    struct jt_card_rules rules;
    bool of_cards =
        spec->allow_bad_luhn || spec->mask_eight || spec->rules_len > 0 || spec->token_form != 0;
    if (spec->kind != JT_FIELD_PAN && (of_cards || spec->column[0] != '\0')) {
        return JT_ERR_NOT_OF_CARDS;
    }
    /* Where a token could be a card, each is looked for by fingerprints that equal cards share. */
    bool could_be_card =
        spec->token_form != 0 &&
        (!jt_numeric_form_decode(spec->token_form, &form) || form.luhn_valid ||
         spec->allow_bad_luhn ||
         jt_card_rules_decode(spec->rules, spec->rules_len, &rules) != JT_OK || rules.n_exempt > 0);
    return could_be_card && !spec->dedup ? JT_ERR_NUMERIC_UNLINKED : JT_OK;
}

enum jt_err jt_registry_add_field(struct jt_work_ctx *ctx, struct jt_field_spec *spec,
                                  const struct jt_card_rules_patch *rules, const char *actor)
{
    struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    spec->rules_len = 0;
    enum jt_err err = apply_rules(rules, spec);
    if (err == JT_OK) {
        err = check_kind(spec);
    }
    if (err != JT_OK) {
        return err;
    }
    err = JT_ERR_SET_OLD;
    for (int i = 0; i < TRIES && err == JT_ERR_SET_OLD; i++) {
        err = add_field(ctx, spec, &act);
    }
    return err;
}

static bool patched(bool was, enum jt_patch_flag patch)
{
    return patch == JT_PATCH_KEEP ? was : patch == JT_PATCH_SET;
}

static enum jt_err apply_column(const struct jt_field_patch *patch, const struct jt_field_spec *was,
                                struct jt_field_spec *next)
{
    bool has = was->column[0] != '\0';
    if (patch->column == JT_PATCH_CLEAR && !has) {
        return JT_ERR_FIELD_NO_COLUMN;
    }
    if (patch->column == JT_PATCH_SET && has && strcmp(was->column, patch->app_column) != 0) {
        return JT_ERR_FIELD_HAS_COLUMN;
    }
    if (patch->column != JT_PATCH_KEEP) {
        memcpy(next->column, patch->app_column, sizeof next->column);
    }
    return JT_OK;
}

/* What the row shall become; *same: it is that already. */
static enum jt_err apply(const struct jt_field_patch *patch, struct jt_field_alter *alter,
                         bool *same)
{
    const struct jt_field_row *row = &alter->was.row;
    struct jt_field_spec *next = &alter->spec;
    *next = row->spec;
    next->allow_bad_luhn = patched(row->spec.allow_bad_luhn, patch->allow_bad_luhn);
    next->mask_eight = patched(row->spec.mask_eight, patch->mask_eight);
    bool disabled = patched(row->state != JT_ROW_ACTIVE, patch->disabled);
    alter->state = disabled ? JT_ROW_REVOKED : JT_ROW_ACTIVE;
    enum jt_err err = apply_rules(&patch->rules, next);
    if (err == JT_OK) {
        err = apply_column(patch, &row->spec, next);
    }
    *same = alter->state == row->state && next->mask_eight == row->spec.mask_eight &&
            next->allow_bad_luhn == row->spec.allow_bad_luhn &&
            next->rules_len == row->spec.rules_len && strcmp(next->column, row->spec.column) == 0 &&
            memcmp(next->rules, row->spec.rules, next->rules_len) == 0;
    return err == JT_OK ? check_kind(next) : err;
}

static enum jt_audit_action action_of(const struct jt_field_patch *patch)
{
    return patch->column == JT_PATCH_SET     ? JT_AUDIT_COLUMN_ADD
           : patch->column == JT_PATCH_CLEAR ? JT_AUDIT_COLUMN_REMOVE
                                             : JT_AUDIT_FIELD_CHANGE;
}

static enum jt_err change_field(struct jt_work_ctx *ctx, const char *name,
                                const struct jt_field_patch *patch, const struct jt_act *act,
                                struct jt_field_row *out)
{
    struct jt_field_alter alter;
    struct jt_field_change change;
    enum jt_err err = jt_sets_row(ctx, JT_SET_FIELDS, &alter.was.set, NULL);
    if (err == JT_OK) {
        err = jt_sets_field(ctx, name, &alter.was.row);
    }
    if (err != JT_OK) {
        return err;
    }
    *out = alter.was.row;
    bool same;
    err = apply(patch, &alter, &same);
    if (err != JT_OK || same) {
        return err;
    }
    err = jt_keyclient_wait_field_change(ctx->keeper, &alter, &change);
    if (err == JT_OK) {
        err = settle_field(ctx, jt_field_update(ctx->db, &change, action_of(patch), act),
                           &change.row);
    }
    if (err == JT_OK) {
        *out = change.row;
    }
    return err;
}

enum jt_err jt_registry_change_field(struct jt_work_ctx *ctx, const char *name,
                                     const struct jt_field_patch *patch, const char *actor,
                                     struct jt_field_row *out)
{
    struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    enum jt_err err = JT_ERR_SET_OLD;
    for (int i = 0; i < TRIES && err == JT_ERR_SET_OLD; i++) {
        err = change_field(ctx, name, patch, &act, out);
    }
    return err;
}

enum jt_err jt_registry_get_field_row(struct jt_work_ctx *ctx, const char *name,
                                      struct jt_field_row *out)
{
    return jt_field_name_valid(name) ? jt_sets_field(ctx, name, out) : JT_ERR_NO_FIELD;
}

enum jt_err jt_registry_get_field(struct jt_work_ctx *ctx, const char *name,
                                  struct jt_field_spec *out)
{
    struct jt_field_row row;
    enum jt_err err = jt_sets_field(ctx, name, &row);
    if (err == JT_OK && row.state != JT_ROW_ACTIVE) {
        err = JT_ERR_NO_FIELD;
    }
    if (err == JT_OK) {
        *out = row.spec;
    }
    return err;
}
