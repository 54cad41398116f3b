/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the values of fixed-form records are: what was asked for, resolved once, and for each
 * record the bytes that follow from it.
 */
#ifndef JETON_BATCH_PLAN_H
#define JETON_BATCH_PLAN_H

#include "batch/datum.h"
#include "batch/format.h"
#include "batch/layout.h"

#define JT_RDW_LEN       4
#define JT_VB_MAX_LENGTH 32760 /* what the RDW of an unspanned record may say */

/* A value's bytes; of variable-length records counted behind the RDW. */
struct jt_spot {
    uint32_t at;
    uint8_t place;
    const struct jt_datum *datum;
};

/* A place, or what a condition looks at: bytes by their offset, or an item of the copybook. */
struct jt_plan_place {
    struct jt_datum datum;
    uint32_t at;            /* without an item */
    struct jt_item_ref ref; /* item JT_NO_ITEM: by offset */
    int record;             /* of the item */
};

struct jt_plan_condition {
    struct jt_plan_place place;
    int record;  /* the record whose places it chooses; JT_NO_ITEM: all */
    bool negate; /* none of the values */
    char *values;
    size_t n_values; /* in `values` one behind another, each with its NUL */
};

struct jt_record_plan {
    enum jt_recfm recfm;
    uint32_t lrecl; /* of VB the most that an RDW may say */
    struct jt_codepage codepage;
    struct jt_copybook *copybook; /* NULL: none */
    size_t n_places;
    struct jt_plan_place places[JT_RECORD_MAX_VALUES];
    size_t n_conditions;
    struct jt_plan_condition *conditions;
    /* as large as tables can be, and where `varies` is not set, in every record: */
    bool varies;
    size_t n_spots;
    struct jt_spot spots[JT_RECORD_MAX_VALUES]; /* ascending by `at` */
};

/* JT_ERR_INVALID with *trouble; JT_ERR_NOMEM. */
enum jt_err jt_plan_open(const struct jt_format_spec *spec, struct jt_record_plan **out,
                         struct jt_trouble *trouble) JT_CHECKED;
void jt_plan_free(struct jt_record_plan *plan);

/*
 * Finds what a name or "OFFSET:LENGTH:TYPE" means; `within` as jt_copyname_find has it.
 * JT_ERR_INVALID with *trouble.
 */
enum jt_err jt_plan_place_find(const struct jt_record_plan *plan, const char *where, int within,
                               struct jt_plan_place *out, struct jt_trouble *trouble) JT_CHECKED;

/*
 * The spots of a record of `len` bytes, without its RDW; ascending. *chosen: whether conditions
 * leave any place to replace. Not JT_MSG_NONE: the record is faulty.
 */
enum jt_message jt_plan_spots(const struct jt_record_plan *plan, const uint8_t *data, size_t len,
                              struct jt_spot spots[static JT_RECORD_MAX_VALUES], size_t *n,
                              bool *chosen) JT_CHECKED;

/* Writes "bytes 10 to 25, zoned" and so on. */
void jt_plan_describe(const struct jt_record_plan *plan, size_t place, const char *where, char *out,
                      size_t size);

#endif
