/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/planwhen.h"

#include "batch/trouble.h"

#include <stdlib.h>
#include <string.h>

void jt_planwhen_clear(struct jt_record_plan *plan)
{
    for (size_t i = 0; i < plan->n_conditions; i++) {
        free(plan->conditions[i].values);
    }
    free(plan->conditions);
}

static enum jt_err bad(struct jt_trouble *trouble, const char *why)
{
    return jt_trouble_set(trouble, JT_MSG_WHEN_BAD, 0, 0, "%s", why);
}

/* Leading zeroes of a number say nothing. */
static const char *normal(const struct jt_datum *datum, const char *value)
{
    while (datum->kind != JT_DATUM_CHAR && *value == '0') {
        value++;
    }
    return value;
}

/* Cuts "A,B" into its values. */
static enum jt_err take_values(struct jt_plan_condition *c, const char *text,
                               struct jt_trouble *trouble)
{
    c->values = strdup(text);
    if (c->values == NULL) {
        return JT_ERR_NOMEM;
    }
    char *value = c->values;
    for (bool more = true; more; c->n_values++) {
        size_t len = strcspn(value, ",");
        more = value[len] == ',';
        value[len] = '\0';
        if (c->place.datum.kind != JT_DATUM_CHAR &&
            (len == 0 || strspn(value, "0123456789") != len)) {
            return bad(trouble, "the item holds a number, and is compared with digits");
        }
        value += len + 1;
    }
    return JT_OK;
}

/* What stands before "=" or "!=", without blanks around it. */
static enum jt_err take_name(const char *text, char **name, bool *negate, const char **values,
                             struct jt_trouble *trouble)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return bad(trouble, "it has no \"=\" behind a name");
    }
    *negate = equals[-1] == '!';
    size_t len = (size_t)(equals - text) - *negate;
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    *values = equals + 1;
    *name = strndup(text, len);
    return *name == NULL ? JT_ERR_NOMEM : JT_OK;
}

static bool has_places(const struct jt_record_plan *plan, int record)
{
    for (size_t i = 0; i < plan->n_places; i++) {
        if (plan->places[i].record == record) {
            return true;
        }
    }
    return false;
}

static enum jt_err add(struct jt_record_plan *plan, const char *name, int within, bool negate,
                       const char *values, struct jt_trouble *trouble)
{
    struct jt_plan_condition *c = &plan->conditions[plan->n_conditions];
    *c = (struct jt_plan_condition){ .negate = negate };
    enum jt_err err = jt_plan_place_find(plan, name, within, &c->place, trouble);
    if (err != JT_OK) {
        return err;
    }
    bool by_item = c->place.ref.item != JT_NO_ITEM;
    if (by_item &&
        c->place.ref.n_subscripts != jt_copyname_dimensions(plan->copybook, c->place.ref.item)) {
        return jt_trouble_set(trouble, JT_MSG_ITEM_SUBSCRIPT, 0, 0,
                              "a condition looks at one occurrence");
    }
    c->record = by_item && has_places(plan, c->place.record) ? c->place.record : JT_NO_ITEM;
    plan->n_conditions++;
    return take_values(c, values, trouble);
}

/* A name of several records is looked for in each that has places. */
static enum jt_err add_to_each(struct jt_record_plan *plan, const char *name, bool negate,
                               const char *values, struct jt_trouble *trouble)
{
    enum jt_err err = JT_OK;
    for (int i = 0; err == JT_OK && i < plan->copybook->n_items; i++) {
        if (plan->copybook->items[i].parent == JT_NO_ITEM && has_places(plan, i)) {
            err = add(plan, name, i, negate, values, trouble);
        }
    }
    return err;
}

static enum jt_err take_one(struct jt_record_plan *plan, const char *text,
                            struct jt_trouble *trouble)
{
    struct jt_plan_place place;
    const char *values = NULL;
    char *name = NULL;
    bool negate = false;
    enum jt_err err = take_name(text, &name, &negate, &values, trouble);
    if (err == JT_OK) {
        err = jt_plan_place_find(plan, name, JT_NO_ITEM, &place, trouble);
        if (err == JT_OK) {
            err = add(plan, name, JT_NO_ITEM, negate, values, trouble);
        } else if (err == JT_ERR_INVALID && trouble->message == JT_MSG_ITEM_AMBIGUOUS) {
            struct jt_trouble inner = { 0 };
            err = add_to_each(plan, name, negate, values, &inner);
            if (inner.message != JT_MSG_ITEM_UNKNOWN && inner.message != JT_MSG_ITEM_AMBIGUOUS) {
                *trouble = inner;
            }
        }
    }
    free(name);
    return err;
}

enum jt_err jt_planwhen_take(struct jt_record_plan *plan, const struct jt_format_spec *spec,
                             struct jt_trouble *trouble)
{
    enum jt_err err = JT_OK;
    if (spec->n_when == 0) {
        return JT_OK;
    }
    /* One a record with places at most, of which there are no more than places. */
    plan->conditions = calloc(spec->n_when * JT_RECORD_MAX_VALUES, sizeof *plan->conditions);
    if (plan->conditions == NULL) {
        return JT_ERR_NOMEM;
    }
    for (size_t i = 0; err == JT_OK && i < spec->n_when; i++) {
        err = take_one(plan, spec->when[i], trouble);
    }
    return err;
}

static bool find_spot(const struct jt_record_plan *plan, const struct jt_plan_place *place,
                      const uint8_t *data, size_t len, uint32_t *at)
{
    struct jt_layout layout;
    size_t n = 1;
    *at = place->at;
    if (place->ref.item != JT_NO_ITEM) {
        jt_layout_start(&layout, plan->copybook, &plan->codepage, data, len);
        if (!jt_layout_find(&layout, &place->ref, at, 1, &n) || layout.fault != JT_MSG_NONE) {
            return false;
        }
    }
    return n == 1 && place->datum.len <= len && *at <= len - place->datum.len;
}

static bool is_one_of(const struct jt_plan_condition *c, const struct jt_buf *text)
{
    const char *value = c->values;
    for (size_t i = 0; i < c->n_values; i++, value += strlen(value) + 1) {
        const char *wanted = normal(&c->place.datum, value);
        if (text->len == strlen(wanted) &&
            (text->len == 0 || memcmp(text->data, wanted, text->len) == 0)) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct jt_record_plan *plan, const struct jt_plan_condition *c,
                  const uint8_t *data, size_t len)
{
    struct jt_buf text;
    uint32_t at;
    if (!find_spot(plan, &c->place, data, len, &at)) {
        return c->negate;
    }
    jt_buf_init(&text, 3 * (size_t)c->place.datum.len + 32);
    bool found = jt_datum_read(&c->place.datum, &plan->codepage, data + at, &text) == JT_MSG_NONE &&
                 jt_buf_status(&text) == JT_OK && is_one_of(c, &text);
    jt_buf_clear(&text);
    return found != c->negate;
}

bool jt_planwhen_holds(const struct jt_record_plan *plan, size_t place, const uint8_t *data,
                       size_t len)
{
    for (size_t i = 0; i < plan->n_conditions; i++) {
        const struct jt_plan_condition *c = &plan->conditions[i];
        if ((c->record == JT_NO_ITEM || c->record == plan->places[place].record) &&
            !holds(plan, c, data, len)) {
            return false;
        }
    }
    return true;
}
