/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/plan.h"

#include "batch/placespec.h"
#include "batch/trouble.h"

#include <stdio.h>
#include <stdlib.h>

static enum jt_err take_length(const struct jt_format_spec *spec, struct jt_record_plan *plan,
                               struct jt_trouble *trouble)
{
    bool vb = spec->recfm == JT_RECFM_VB;
    uint32_t least = vb ? JT_RDW_LEN + 1 : 1, most = vb ? JT_VB_MAX_LENGTH : JT_RECORD_MAX;
    plan->recfm = spec->recfm;
    plan->lrecl = spec->lrecl == 0 && vb ? JT_VB_MAX_LENGTH : spec->lrecl;
    if (plan->lrecl == 0) {
        return jt_trouble_set(trouble, JT_MSG_LRECL_MISSING, 0, 0,
                              "records of fixed length need LRECL, or a copybook");
    }
    if (plan->lrecl < least || plan->lrecl > most) {
        return jt_trouble_set(trouble, JT_MSG_LRECL_BAD, 0, 0, "%u to %u bytes", least, most);
    }
    return JT_OK;
}

/* Puts a place into the ascending list. */
static enum jt_err add_spot(struct jt_record_plan *plan, uint32_t at, size_t place,
                            struct jt_trouble *trouble)
{
    const struct jt_datum *datum = &plan->data[place];
    uint32_t room = plan->lrecl - (plan->recfm == JT_RECFM_VB ? JT_RDW_LEN : 0);
    if (datum->len > room || at > room - datum->len) {
        return jt_trouble_set(trouble, JT_MSG_PLACE_OUTSIDE, 0, 0,
                              "bytes %u to %u, of a record of %u", at, at + datum->len - 1, room);
    }
    size_t i = plan->n_spots;
    for (; i > 0 && plan->spots[i - 1].at > at; i--) {
        plan->spots[i] = plan->spots[i - 1];
    }
    plan->spots[i] = (struct jt_spot){ .at = at, .place = (uint8_t)place, .datum = datum };
    plan->n_spots++;
    const struct jt_spot *before = i > 0 ? &plan->spots[i - 1] : NULL;
    const struct jt_spot *after = i + 1 < plan->n_spots ? &plan->spots[i + 1] : NULL;
    if ((before != NULL && before->at + before->datum->len > at) ||
        (after != NULL && at + datum->len > after->at)) {
        return jt_trouble_set(trouble, JT_MSG_PLACES_OVERLAP, 0, 0, "at byte %u", at);
    }
    return JT_OK;
}

static enum jt_err take_places(const struct jt_format_spec *spec, struct jt_record_plan *plan,
                               struct jt_trouble *trouble)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; err == JT_OK && i < spec->n_places; i++) {
        uint32_t at = 0;
        err = jt_placespec_parse(spec->places[i].where, &at, &plan->data[i], trouble);
        if (err == JT_OK) {
            err = add_spot(plan, at, i, trouble);
        }
    }
    plan->n_places = spec->n_places;
    return err;
}

enum jt_err jt_plan_open(const struct jt_format_spec *spec, struct jt_record_plan **out,
                         struct jt_trouble *trouble)
{
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
        err = take_length(spec, plan, trouble);
    }
    if (err == JT_OK) {
        err = take_places(spec, plan, trouble);
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
    free(plan);
}

void jt_plan_describe(const struct jt_record_plan *plan, size_t place, char *out, size_t size)
{
    for (size_t i = 0; i < plan->n_spots; i++) {
        const struct jt_spot *spot = &plan->spots[i];
        if (spot->place == place) {
            (void)snprintf(out, size, "bytes %u to %u, %s", spot->at,
                           spot->at + spot->datum->len - 1, jt_placespec_type(spot->datum->kind));
            return;
        }
    }
}
