/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/plan.h"

#include "batch/placespec.h"
#include "batch/planwhen.h"
#include "batch/trouble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copybook says how long records are; what was said beside it must agree. */
static enum jt_err take_copybook(const struct jt_format_spec *spec, struct jt_record_plan *plan,
                                 uint32_t *lrecl, struct jt_trouble *trouble)
{
    if (spec->copybook == NULL) {
        return JT_OK;
    }
    enum jt_err err = jt_copybook_read(spec->copybook, &plan->copybook, trouble);
    if (err != JT_OK) {
        return err;
    }
    bool vb = spec->recfm == JT_RECFM_VB;
    uint32_t longest = jt_copybook_longest(plan->copybook) + (vb ? JT_RDW_LEN : 0);
    if (*lrecl != 0 && (vb ? *lrecl < longest : *lrecl != longest)) {
        return jt_trouble_set(trouble, JT_MSG_LRECL_DIFFERS, 0, 0,
                              "LRECL is %u, the copybook's longest record has %u%s", *lrecl,
                              longest, vb ? " with its RDW" : "");
    }
    *lrecl = *lrecl == 0 && !vb ? longest : *lrecl;
    return JT_OK;
}

static enum jt_err take_length(const struct jt_format_spec *spec, struct jt_record_plan *plan,
                               uint32_t lrecl, struct jt_trouble *trouble)
{
    bool vb = spec->recfm == JT_RECFM_VB;
    uint32_t least = vb ? JT_RDW_LEN + 1 : 1, most = vb ? JT_VB_MAX_LENGTH : JT_RECORD_MAX;
    plan->recfm = spec->recfm;
    plan->lrecl = lrecl == 0 && vb ? JT_VB_MAX_LENGTH : lrecl;
    if (plan->lrecl == 0) {
        return jt_trouble_set(trouble, JT_MSG_LRECL_MISSING, 0, 0,
                              "records of fixed length need LRECL, or a copybook");
    }
    if (plan->lrecl < least || plan->lrecl > most) {
        return jt_trouble_set(trouble, JT_MSG_LRECL_BAD, 0, 0, "%u to %u bytes", least, most);
    }
    return JT_OK;
}

/* The bytes of a record that an RDW does not take. */
static uint32_t room_of(const struct jt_record_plan *plan)
{
    return plan->lrecl - (plan->recfm == JT_RECFM_VB ? JT_RDW_LEN : 0);
}

enum jt_err jt_plan_place_find(const struct jt_record_plan *plan, const char *where, int within,
                               struct jt_plan_place *out, struct jt_trouble *trouble)
{
    *out = (struct jt_plan_place){ .ref = { .item = JT_NO_ITEM }, .record = JT_NO_ITEM };
    if (jt_placespec_is(where) || plan->copybook == NULL) {
        enum jt_err err = jt_placespec_parse(where, &out->at, &out->datum, trouble);
        uint32_t room = room_of(plan);
        if (err == JT_OK && (out->datum.len > room || out->at > room - out->datum.len)) {
            err = jt_trouble_set(trouble, JT_MSG_PLACE_OUTSIDE, 0, 0,
                                 "bytes %u to %u, of a record of %u", out->at,
                                 out->at + out->datum.len - 1, room);
        }
        return err;
    }
    enum jt_err err = jt_copyname_find(plan->copybook, where, within, &out->ref, trouble);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_item *item = &plan->copybook->items[out->ref.item];
    const char *why = jt_layout_datum(plan->copybook, out->ref.item, &plan->codepage, &out->datum);
    out->record = jt_copybook_record_of(plan->copybook, out->ref.item);
    return why == NULL ? JT_OK
                       : jt_trouble_set(trouble, JT_MSG_ITEM_UNFIT, item->line, item->column,
                                        "%s: %s", item->name, why);
}

/* Puts a spot into the ascending list. */
static void add_spot(struct jt_spot *spots, size_t *n, struct jt_spot spot)
{
    size_t i = (*n)++;
    for (; i > 0 && spots[i - 1].at > spot.at; i--) {
        spots[i] = spots[i - 1];
    }
    spots[i] = spot;
}

/* Adds all spots of a place. False: there are too many. */
static bool add_place(const struct jt_record_plan *plan, struct jt_layout *layout, size_t place,
                      struct jt_spot *spots, size_t *n)
{
    const struct jt_plan_place *p = &plan->places[place];
    uint32_t at[JT_RECORD_MAX_VALUES] = { p->at };
    size_t n_at = 1;
    if (p->ref.item != JT_NO_ITEM &&
        !jt_layout_find(layout, &p->ref, at, JT_RECORD_MAX_VALUES, &n_at)) {
        return false;
    }
    for (size_t i = 0; i < n_at; i++) {
        if (*n == JT_RECORD_MAX_VALUES) {
            return false;
        }
        add_spot(spots, n,
                 (struct jt_spot){ .at = at[i], .place = (uint8_t)place, .datum = &p->datum });
    }
    return true;
}

/* Two spots that can be values of one record share bytes. */
static bool overlap(const struct jt_record_plan *plan, const struct jt_spot *spots, size_t n,
                    bool of_one_record)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n && spots[j].at < spots[i].at + spots[i].datum->len; j++) {
            int a = plan->places[spots[i].place].record, b = plan->places[spots[j].place].record;
            if (!of_one_record || a == b || a == JT_NO_ITEM || b == JT_NO_ITEM) {
                return true;
            }
        }
    }
    return false;
}

static enum jt_err take_places(const struct jt_format_spec *spec, struct jt_record_plan *plan,
                               struct jt_trouble *trouble)
{
    struct jt_layout layout;
    jt_layout_start(&layout, plan->copybook, &plan->codepage, NULL, 0);
    for (size_t i = 0; i < spec->n_places; i++) {
        struct jt_plan_place *place = &plan->places[plan->n_places++];
        enum jt_err err =
            jt_plan_place_find(plan, spec->places[i].where, JT_NO_ITEM, place, trouble);
        if (err != JT_OK) {
            return err;
        }
        bool varies =
            place->ref.item != JT_NO_ITEM && jt_layout_varies(plan->copybook, place->ref.item);
        plan->varies |= varies;
        /* Where tables can be larger, each record is seen by itself. */
        if (!add_place(plan, &layout, i, plan->spots, &plan->n_spots) && !varies) {
            return jt_trouble_set(trouble, JT_MSG_PLACES_MANY, 0, 0,
                                  "all places together have %d at most", JT_RECORD_MAX_VALUES);
        }
    }
    return overlap(plan, plan->spots, plan->n_spots, true)
               ? jt_trouble_set(trouble, JT_MSG_PLACES_OVERLAP, 0, 0, "%s", "")
               : JT_OK;
}

enum jt_err jt_plan_open(const struct jt_format_spec *spec, struct jt_record_plan **out,
                         struct jt_trouble *trouble)
{
    uint32_t lrecl = spec->lrecl;
    *out = NULL;
    if (spec->codepage == NULL) {
        return jt_trouble_set(trouble, JT_MSG_CODEPAGE_MISSING, 0, 0,
                              "such as IBM037 or IBM1047; ASCII where they were made on a PC");
    }
    struct jt_record_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_codepage_open(spec->codepage, &plan->codepage, trouble);
    if (err == JT_OK) {
        err = take_copybook(spec, plan, &lrecl, trouble);
    }
    if (err == JT_OK) {
        err = take_length(spec, plan, lrecl, trouble);
    }
    if (err == JT_OK) {
        err = take_places(spec, plan, trouble);
    }
    if (err == JT_OK) {
        err = jt_planwhen_take(plan, spec, trouble);
    }
    if (err != JT_OK) {
        jt_plan_free(plan);
        return err;
    }
    *out = plan;
    return JT_OK;
}

void jt_plan_free(struct jt_record_plan *plan)
{
    if (plan != NULL) {
        jt_planwhen_clear(plan);
        jt_copybook_free(plan->copybook);
        free(plan);
    }
}

/* All that are chosen, as they are in this record. */
static enum jt_message find_spots(const struct jt_record_plan *plan, const uint8_t *data,
                                  size_t len, const bool *chosen, struct jt_spot *spots, size_t *n)
{
    struct jt_layout layout;
    jt_layout_start(&layout, plan->copybook, &plan->codepage, data, len);
    for (size_t i = 0; i < plan->n_places; i++) {
        if (chosen[i] && !add_place(plan, &layout, i, spots, n)) {
            return JT_MSG_VALUES_MANY;
        }
    }
    return layout.fault;
}

enum jt_message jt_plan_spots(const struct jt_record_plan *plan, const uint8_t *data, size_t len,
                              struct jt_spot spots[static JT_RECORD_MAX_VALUES], size_t *n,
                              bool *chosen)
{
    bool wanted[JT_RECORD_MAX_VALUES];
    enum jt_message fault = JT_MSG_NONE;
    *n = 0;
    *chosen = false;
    for (size_t i = 0; i < plan->n_places; i++) {
        wanted[i] = jt_planwhen_holds(plan, i, data, len);
        *chosen |= wanted[i];
    }
    if (plan->varies) {
        fault = find_spots(plan, data, len, wanted, spots, n);
    } else {
        for (size_t i = 0; i < plan->n_spots; i++) {
            spots[*n] = plan->spots[i];
            *n += wanted[plan->spots[i].place];
        }
    }
    return fault == JT_MSG_NONE && overlap(plan, spots, *n, false) ? JT_MSG_VALUES_MEET : fault;
}

void jt_plan_describe(const struct jt_record_plan *plan, size_t place, const char *where, char *out,
                      size_t size)
{
    const struct jt_plan_place *p = &plan->places[place];
    const char *type = jt_placespec_type(p->datum.kind);
    size_t n = 0;
    uint32_t at = 0;
    for (size_t i = 0; i < plan->n_spots; i++) {
        at = plan->spots[i].place == place && n++ == 0 ? plan->spots[i].at : at;
    }
    char name[JT_SHOWN_LEN + 2] = "";
    if (p->ref.item != JT_NO_ITEM) {
        jt_trouble_show(where, strlen(where), name);
        strncat(name, ", ", 3);
    }
    if (n == 1 && !plan->varies) {
        (void)snprintf(out, size, "%sbytes %u to %u, %s", name, at, at + p->datum.len - 1, type);
    } else {
        (void)snprintf(out, size, "%s%u bytes, %s%s", name, p->datum.len, type,
                       n > 1 ? ", each occurrence" : "");
    }
}
