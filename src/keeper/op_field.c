/* SPDX-License-Identifier: Apache-2.0 */
/* FIELD_MAKE and FIELD_CHANGE: field definitions as rows that only a keeper can make. */
#include "keeper/op.h"

#include "keeper/rowmac.h"
#include "keeper/setdigest.h"
#include "keeper/setrule.h"
#include "model/appcolumn.h"
#include "pan/numeric.h"
#include "pan/rules.h"
#include "wire/field.h"

#include <string.h>

/*
 * Whether a token could be a card of the field. One whose check digit is wrong is none of a field
 * that takes right ones only.
 */
static bool could_be_card(const struct jt_field_spec *spec, const struct jt_numeric_form *form)
{
    struct jt_card_rules rules;
    return form->luhn_valid || spec->allow_bad_luhn ||
           jt_card_rules_decode(spec->rules, spec->rules_len, &rules) != JT_OK ||
           rules.n_exempt > 0;
}

/* Cards and tokens are looked for among each other by fingerprint: without dedup there is none. */
static bool form_good(const struct jt_field_spec *spec)
{
    struct jt_numeric_form form;
    return spec->token_form == 0 || (jt_numeric_form_decode(spec->token_form, &form) &&
                                     (spec->dedup || !could_be_card(spec, &form)));
}

/*
 * The form with the keeper's own bit. It stays when the rules are changed back: what was let in
 * meanwhile is there still.
 */
static uint8_t guard(const struct jt_field_spec *spec)
{
    struct jt_numeric_form form;
    if (spec->token_form == 0 || !jt_numeric_form_decode(spec->token_form, &form)) {
        return spec->token_form;
    }
    form.guarded = form.guarded || could_be_card(spec, &form);
    return jt_numeric_form_encode(&form);
}

/* A column is one of card numbers: what the commands that look after it know. */
static bool column_good(const struct jt_field_spec *spec)
{
    struct jt_appcolumn column;
    return spec->column[0] == '\0' ||
           (spec->kind == JT_FIELD_PAN && jt_appcolumn_parse(spec->column, &column));
}

/* Whether they are for fields of this kind, and card rules some that this version knows. */
static bool rules_good(const struct jt_field_spec *spec)
{
    struct jt_card_rules rules;
    if (spec->kind == JT_FIELD_PAN) {
        return jt_card_rules_decode(spec->rules, spec->rules_len, &rules) == JT_OK &&
               form_good(spec);
    }
    return spec->kind == JT_FIELD_BYTES && !spec->dedup && !spec->allow_bad_luhn &&
           !spec->mask_eight && spec->rules_len == 0 && spec->token_form == 0;
}

enum jt_err jt_op_field_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_field_change change = { .row = { .state = JT_ROW_ACTIVE,
                                               .mac_epoch = k->ring.epoch } };
    struct jt_set_row now;
    struct jt_setdigest d;
    enum jt_err err = jt_field_make_decode(in, &change.row.spec, &now);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_field_spec *spec = &change.row.spec;
    if (spec->id == 0 || !jt_field_name_valid(spec->name) || !rules_good(spec) ||
        !column_good(spec)) {
        return JT_ERR_INVALID;
    }
    change.row.spec.token_form = guard(spec);
    err = jt_setrule_next(k, &now, JT_SET_FIELDS, true, &d, &change.set);
    if (err == JT_OK) {
        change.row.revision = change.set.version;
        err = jt_rowmac_field(k->root, &change.row, change.row.mac);
    }
    if (err == JT_OK) {
        err = jt_setdigest_add_field(k->root, &d, &change.row);
    }
    if (err == JT_OK) {
        err = jt_setdigest_close_row(k->root, &d, &change.set);
    }
    if (err == JT_OK) {
        jt_field_change_encode(&change, out);
    }
    return err;
}

/* A field can be disabled whose rules a later version made. */
static bool same_rules(const struct jt_field_spec *was, const struct jt_field_spec *next)
{
    return was->allow_bad_luhn == next->allow_bad_luhn && was->mask_eight == next->mask_eight &&
           was->rules_len == next->rules_len &&
           memcmp(was->rules, next->rules, was->rules_len) == 0;
}

/* One is taken away before another comes: what was counted in the one is not of the other. */
static bool changes_column_well(const struct jt_field_spec *was, const struct jt_field_spec *next)
{
    return strcmp(was->column, next->column) == 0 || next->column[0] == '\0' ||
           (was->column[0] == '\0' && column_good(next));
}

/* What never changes: whoever holds the row may trust it for as long as there are cards. */
static bool changes_only_rules(const struct jt_field_spec *was, const struct jt_field_spec *next)
{
    return was->id == next->id && strcmp(was->name, next->name) == 0 && was->kind == next->kind &&
           was->dedup == next->dedup && was->token_form == next->token_form &&
           (rules_good(next) || same_rules(was, next)) && changes_column_well(was, next);
}

/* Takes the old row out of the set and brings the next one in. */
static enum jt_err replace_row(struct jt_keeper *k, const struct jt_field_change *was,
                               struct jt_field_change *change)
{
    struct jt_setdigest d;
    enum jt_err err = jt_setrule_next(k, &was->set, JT_SET_FIELDS, false, &d, &change->set);
    if (err == JT_OK) {
        change->row.revision = change->set.version;
        err = jt_rowmac_field(k->root, &change->row, change->row.mac);
    }
    if (err == JT_OK) {
        err = jt_setdigest_take_field(k->root, &d, &was->row);
    }
    if (err == JT_OK) {
        err = jt_setdigest_add_field(k->root, &d, &change->row);
    }
    return err == JT_OK ? jt_setdigest_close_row(k->root, &d, &change->set) : err;
}

enum jt_err jt_op_field_change(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_field_alter alter;
    enum jt_err err = jt_field_alter_decode(in, &alter);
    if (err != JT_OK) {
        return err;
    }
    err = jt_rowmac_field_check(k->root, &alter.was.row);
    bool good = changes_only_rules(&alter.was.row.spec, &alter.spec) &&
                (alter.state == JT_ROW_ACTIVE || alter.state == JT_ROW_REVOKED);
    if (err == JT_OK && !good) {
        err = JT_ERR_INVALID;
    }
    struct jt_field_change change = {
        .row = { .spec = alter.spec, .state = alter.state, .mac_epoch = k->ring.epoch }
    };
    change.row.spec.token_form = guard(&alter.spec);
    if (err == JT_OK) {
        err = replace_row(k, &alter.was, &change);
    }
    if (err == JT_OK) {
        jt_field_change_encode(&change, out);
    }
    return err;
}
