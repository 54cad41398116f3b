/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the values of fixed-form records are: what was asked for, resolved once, and for each
 * record the bytes that follow from it.
 */
#ifndef JETON_BATCH_PLAN_H
#define JETON_BATCH_PLAN_H

#include "batch/datum.h"
#include "batch/format.h"

#define JT_RDW_LEN       4
#define JT_VB_MAX_LENGTH 32760 /* what the RDW of an unspanned record may say */

/* A value's bytes; of variable-length records counted behind the RDW. */
struct jt_spot {
    uint32_t at;
    uint8_t place;
    const struct jt_datum *datum;
};

struct jt_record_plan {
    enum jt_recfm recfm;
    uint32_t lrecl; /* of VB the most that an RDW may say */
    struct jt_codepage codepage;
    size_t n_places;
    struct jt_datum data[JT_RECORD_MAX_VALUES]; /* one a place */
    /* where the same bytes hold the values of every record: */
    size_t n_spots;
    struct jt_spot spots[JT_RECORD_MAX_VALUES]; /* ascending by `at` */
};

/* JT_ERR_INVALID with *trouble; JT_ERR_NOMEM. */
enum jt_err jt_plan_open(const struct jt_format_spec *spec, struct jt_record_plan **out,
                         struct jt_trouble *trouble) JT_CHECKED;
void jt_plan_free(struct jt_record_plan *plan);

/* Writes "bytes 10 to 25, zoned" and so on. */
void jt_plan_describe(const struct jt_record_plan *plan, size_t place, char *out, size_t size);

#endif
