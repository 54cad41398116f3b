/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs FIELD_MAKE and FIELD_CHECK: field definitions as MACed rows. Kind, dedup, buckets and id of
 * a field never change.
 */
#ifndef JETON_WIRE_FIELD_H
#define JETON_WIRE_FIELD_H

#include "base/buf.h"
#include "wire/limits.h"
#include "wire/set_row.h"

#define JT_FIELD_NAME_MAX 64

enum jt_field_kind { JT_FIELD_PAN = 1 }; /* `bytes` fields come with application-held ciphertext */

struct jt_field_spec {
    uint32_t id;                      /* 1 and up */
    char name[JT_FIELD_NAME_MAX + 1]; /* 1 to 64 of a-z 0-9 _ . -, starting with a letter */
    uint8_t kind;                     /* enum jt_field_kind */
    bool dedup;
    bool allow_bad_luhn;
};

struct jt_field_row {
    struct jt_field_spec spec;
    uint8_t state; /* enum jt_standing */
    /* the version of the set of fields (wire/set.h) that brought it into this state */
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

bool jt_field_name_valid(const char *name);

/* Both decoders leave what follows unread. */
void jt_field_spec_encode(const struct jt_field_spec *spec, struct jt_buf *out);
enum jt_err jt_field_spec_decode(struct jt_reader *in, struct jt_field_spec *spec) JT_CHECKED;
void jt_field_row_encode(const struct jt_field_row *row, struct jt_buf *out);
enum jt_err jt_field_row_decode(struct jt_reader *in, struct jt_field_row *row) JT_CHECKED;

/* The request of FIELD_MAKE, and its reply: whole messages. */
void jt_field_make_encode(const struct jt_field_spec *spec, const struct jt_set_row *set,
                          struct jt_buf *out);
enum jt_err jt_field_make_decode(struct jt_reader *in, struct jt_field_spec *spec,
                                 struct jt_set_row *set) JT_CHECKED;
void jt_field_change_encode(const struct jt_field_change *change, struct jt_buf *out);
enum jt_err jt_field_change_decode(struct jt_reader *in, struct jt_field_change *change) JT_CHECKED;

#endif
