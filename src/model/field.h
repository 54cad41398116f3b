/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field definitions as MACed rows. Kind, dedup, buckets and id of a field never change.
 */
#ifndef JETON_MODEL_FIELD_H
#define JETON_MODEL_FIELD_H

#include "model/set.h"
#include "model/sizes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Card numbers, which the vault stores or whose envelopes applications keep; or any bytes, of which
 * the vault stores none.
 */
enum jt_field_kind { JT_FIELD_PAN = 1, JT_FIELD_BYTES = 2 };

struct jt_field_spec {
    uint32_t id;                      /* 1 and up */
    char name[JT_FIELD_NAME_MAX + 1]; /* 1 to 64 of a-z 0-9 _ . -, starting with a letter */
    uint8_t kind;                     /* enum jt_field_kind */
    bool dedup;
    bool allow_bad_luhn;
    bool mask_eight;   /* a masked number shows eight leading digits instead of six */
    uint8_t rules_len; /* 0: no rules but those above */
    uint8_t rules[JT_CARD_RULES_MAX]; /* pan/rules.h; whoever goes by them decodes them */
    uint8_t token_form; /* of numeric tokens, pan/numeric.h; 0: tokens are opaque. Never changes */
    /* where an application keeps its envelopes (model/appcolumn.h); empty: no column is known */
    char column[JT_APP_COLUMN_MAX + 1];
};

struct jt_field_row {
    struct jt_field_spec spec;
    uint8_t state; /* enum jt_standing */
    /* the version of the set of fields (model/set.h) that brought it into this state */
    uint64_t revision;
    uint64_t mac_epoch;
    uint8_t mac[JT_ROW_MAC_LEN];
};

/*
 * A row as it becomes, and the set row that becomes with it: they are stored together or not at
 * all.
 */
struct jt_field_change {
    struct jt_field_row row;
    struct jt_set_row set;
};

/* Whether `name` has the form above. */
bool jt_field_name_valid(const char *name);

/* "pan", "bytes"; "unknown" for what is none of enum jt_field_kind. */
const char *jt_field_kind_name(enum jt_field_kind kind);

#endif
