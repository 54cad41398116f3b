/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FIELD_MAKE and FIELD_CHANGE: which definitions a keeper makes rows of, what of a row never
 * changes, and which numeric tokens are guarded from being cards.
 */
#include "inside.h"
#include "rehearsal.h"

#include "pan/numeric.h"
#include "pan/rules.h"
#include "wire/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COLUMN       "shop public.customer id pan pan_envelope"
#define OTHER_COLUMN "shop public.customer id pan other_envelope"

static struct jt_field_change made;

static struct jt_field_spec pans(void)
{
    return (
        struct jt_field_spec){ .id = 7, .name = "cards.pan", .kind = JT_FIELD_PAN, .dedup = true };
}

static uint8_t form(bool luhn_valid, bool guarded)
{
    const struct jt_numeric_form f = { 6, 4, luhn_valid, guarded };
    return jt_numeric_form_encode(&f);
}

static enum jt_err make(struct inside *in, const struct jt_field_spec *spec)
{
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_reader reply;
    jt_field_make_encode(spec, &none, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_FIELD_MAKE, &reply);
    return err == JT_OK ? jt_field_change_decode(&reply, &made) : err;
}

static enum jt_err change(struct inside *in, const struct jt_field_change *was,
                          const struct jt_field_spec *spec, uint8_t standing,
                          struct jt_field_change *out)
{
    const struct jt_field_alter alter = { .was = *was, .spec = *spec, .state = standing };
    struct jt_reader reply;
    jt_field_alter_encode(&alter, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_FIELD_CHANGE, &reply);
    return err == JT_OK ? jt_field_change_decode(&reply, out) : err;
}

static bool is_guarded(const struct jt_field_change *c)
{
    struct jt_numeric_form f;
    assert_true(jt_numeric_form_decode(c->row.spec.token_form, &f));
    return f.guarded;
}

static void what_is_no_field_gets_no_row(void **state)
{
    struct inside *in = *state;
    struct jt_field_spec spec = pans();
    assert_int_equal(make(in, &spec), JT_OK);
    spec.id = 0;
    assert_int_equal(make(in, &spec), JT_ERR_INVALID);
    spec = pans();
    spec.name[0] = 'A';
    assert_int_equal(make(in, &spec), JT_ERR_INVALID);
    spec = pans();
    spec.token_form = 0xff; /* no form of this version */
    assert_int_equal(make(in, &spec), JT_ERR_INVALID);
    spec = pans();
    spec.rules_len = 1;
    spec.rules[0] = 0xff; /* nor such rules */
    assert_int_equal(make(in, &spec), JT_ERR_INVALID);
    spec = pans();
    (void)snprintf(spec.column, sizeof spec.column, "nowhere");
    assert_int_equal(make(in, &spec), JT_ERR_INVALID);
    (void)snprintf(spec.column, sizeof spec.column, COLUMN);
    assert_int_equal(make(in, &spec), JT_OK);
    assert_string_equal(made.row.spec.column, COLUMN);
}

/* What is only of card numbers, one after the other. */
static void bytes_have_nothing_of_cards(void **state)
{
    struct inside *in = *state;
    struct jt_field_spec spec[] = { [0 ... 6] = {
                                        .id = 7, .name = "secret", .kind = JT_FIELD_BYTES } };
    assert_int_equal(make(in, &spec[0]), JT_OK);
    spec[0].dedup = true;
    spec[1].allow_bad_luhn = true;
    spec[2].mask_eight = true;
    spec[3].rules_len = 1;
    spec[4].token_form = form(false, false);
    (void)snprintf(spec[5].column, sizeof spec[5].column, COLUMN);
    spec[6].kind = 9;
    for (size_t i = 0; i < sizeof spec / sizeof spec[0]; i++) {
        enum jt_err err = make(in, &spec[i]);
        assert_true(err == JT_ERR_INVALID || (i == 6 && err == JT_ERR_PROTOCOL));
    }
}

/* A token that could be a card is looked for among cards, which takes their fingerprints. */
static void tokens_that_could_be_cards_are_guarded_and_need_dedup(void **state)
{
    struct inside *in = *state;
    struct jt_field_spec spec = pans();
    spec.token_form = form(false, false);
    assert_int_equal(make(in, &spec), JT_OK);
    assert_false(is_guarded(&made));
    spec.dedup = false;
    assert_int_equal(make(in, &spec), JT_OK);
    assert_false(is_guarded(&made));
    spec.allow_bad_luhn = true;
    assert_int_equal(make(in, &spec), JT_ERR_INVALID);
    spec.dedup = true;
    assert_int_equal(make(in, &spec), JT_OK);
    assert_true(is_guarded(&made));
    spec = pans();
    spec.token_form = form(true, false);
    assert_int_equal(make(in, &spec), JT_OK);
    assert_true(is_guarded(&made));
    spec.dedup = false;
    assert_int_equal(make(in, &spec), JT_ERR_INVALID);
}

static void a_guard_stays_when_the_rules_are_changed_back(void **state)
{
    struct inside *in = *state;
    struct jt_field_spec spec = pans();
    spec.token_form = form(false, false);
    assert_int_equal(make(in, &spec), JT_OK);
    spec = made.row.spec;
    spec.allow_bad_luhn = true;
    struct jt_field_change loose, strict;
    assert_int_equal(change(in, &made, &spec, JT_ROW_ACTIVE, &loose), JT_OK);
    assert_true(is_guarded(&loose));
    spec = loose.row.spec;
    spec.allow_bad_luhn = false;
    assert_int_equal(change(in, &loose, &spec, JT_ROW_ACTIVE, &strict), JT_OK);
    assert_true(is_guarded(&strict));
}

static void what_cards_rely_on_never_changes(void **state)
{
    struct inside *in = *state;
    const struct jt_field_spec spec = pans();
    struct jt_field_change out;
    assert_int_equal(make(in, &spec), JT_OK);
    struct jt_field_spec next[5] = { spec, spec, spec, spec, spec };
    next[0].id++;
    next[1].name[0] = 'b';
    next[2].kind = JT_FIELD_BYTES;
    next[3].dedup = false;
    next[4].token_form = form(false, false);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(change(in, &made, &next[i], JT_ROW_ACTIVE, &out), JT_ERR_INVALID);
    }
    next[0] = spec;
    next[0].mask_eight = true;
    assert_int_equal(change(in, &made, &next[0], JT_ROW_ACTIVE, &out), JT_OK);
    assert_int_equal(change(in, &made, &next[0], JT_ROW_REVOKED, &out), JT_OK);
    struct jt_field_change forged = made;
    forged.row.spec.id++;
    assert_int_equal(change(in, &forged, &forged.row.spec, JT_ROW_ACTIVE, &out), JT_ERR_FORGED);
}

/* One is taken away before another comes: what was counted in the one is not of the other. */
static void a_column_gives_way_to_none_first(void **state)
{
    struct inside *in = *state;
    struct jt_field_spec spec = pans();
    struct jt_field_change with, out;
    assert_int_equal(make(in, &spec), JT_OK);
    (void)snprintf(spec.column, sizeof spec.column, "nowhere");
    assert_int_equal(change(in, &made, &spec, JT_ROW_ACTIVE, &out), JT_ERR_INVALID);
    (void)snprintf(spec.column, sizeof spec.column, COLUMN);
    assert_int_equal(change(in, &made, &spec, JT_ROW_ACTIVE, &with), JT_OK);
    assert_int_equal(change(in, &with, &spec, JT_ROW_REVOKED, &out), JT_OK);
    (void)snprintf(spec.column, sizeof spec.column, OTHER_COLUMN);
    assert_int_equal(change(in, &with, &spec, JT_ROW_ACTIVE, &out), JT_ERR_INVALID);
    spec.column[0] = '\0';
    assert_int_equal(change(in, &with, &spec, JT_ROW_ACTIVE, &out), JT_OK);
}

/* As a keeper of a later version has made it. */
static struct jt_field_change of_a_later_version(struct inside *in)
{
    struct jt_field_spec spec = pans();
    assert_int_equal(make(in, &spec), JT_OK);
    struct jt_field_change later = made;
    later.row.spec.rules_len = 2;
    later.row.spec.rules[0] = 0xfe;
    later.row.spec.rules[1] = 0xfe;
    assert_int_equal(jt_rowmac_field(in->k->root, &later.row, later.row.mac), JT_OK);
    return later;
}

/* Rules that this version does not know stay as they are, or go. */
static void a_field_of_a_later_version_can_be_disabled(void **state)
{
    struct inside *in = *state;
    const struct jt_field_change later = of_a_later_version(in);
    struct jt_field_change out;
    struct jt_field_spec next[5];
    assert_int_equal(change(in, &later, &later.row.spec, JT_ROW_REVOKED, &out), JT_OK);
    for (size_t i = 0; i < 5; i++) {
        next[i] = later.row.spec;
    }
    next[0].allow_bad_luhn = true;
    next[1].mask_eight = true;
    next[2].rules_len = 1;
    next[3].rules[1] ^= 1;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(change(in, &later, &next[i], JT_ROW_REVOKED, &out), JT_ERR_INVALID);
    }
    next[4].rules_len = 0;
    assert_int_equal(change(in, &later, &next[4], JT_ROW_ACTIVE, &out), JT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(what_is_no_field_gets_no_row),
        IN_A_KEEPER(bytes_have_nothing_of_cards),
        IN_A_KEEPER(tokens_that_could_be_cards_are_guarded_and_need_dedup),
        IN_A_KEEPER(a_guard_stays_when_the_rules_are_changed_back),
        IN_A_KEEPER(what_cards_rely_on_never_changes),
        IN_A_KEEPER(a_column_gives_way_to_none_first),
        IN_A_KEEPER(a_field_of_a_later_version_can_be_disabled),
    };
    return cmocka_run_group_tests_name("keeper/op_field", tests, NULL, NULL);
}
